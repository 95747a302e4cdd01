"""Every format shows the same report; the JSON document is a contract."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbtrace import conventions as key
from rbtrace.analysis.results import Results
from rbtrace.reporting.analysis import Analysis
from rbtrace.reporting.formats import FORMATS, format_of, render
from rbtrace.reporting.model import By, Options
from tests.support.spans import SUMMARY, Span, evaluated

NASTY = "<script>alert(1)</script>|`x`\x1b[2J\n## no"


def example() -> Results:
    number = 1_000_000
    spans = [
        Span(1, "sweep", 0, 100 * number, category="coordination", process=1),
        Span(2, "prepare", 0, 5 * number, 1, category="data_access", process=1),
        Span(3, NASTY, parent=2, kind=SUMMARY, calls=7, total=number, self_ns=number, process=1),
        Span(6, "tiny", 10, 20, 2, process=1),
        Span(7, "tiny too", 30, 40, 2, process=1),
    ]
    spans += [
        Span(
            100 + trial,
            "trial",
            (10 + trial * 5) * number,
            (14 + trial * 5) * number,
            1,
            process=2 + trial % 2,
            category="computation",
            attributes={key.TRIAL_NUMBER: trial, key.TRIAL_SCORE: trial / 2},
        )
        for trial in range(14)
    ]
    spans.append(Span(900, "other", 0, number, trace=2, resource={key.RUN_ID: "r", key.ARM: "b"}))
    return evaluated(spans)


CONTRACT: dict[str, Any] = {
    "version": int,
    "integrity": [
        "spans", "summaries", "calls", "expected_spans", "complete", "duplicates", "orphans",
        "clipped", "unfinished", "negative", "invalid_lines", "truncated_lines", "clock_shifts",
    ],
    "wall_ns": int,
    "self_ns": int,
    "parallelism": float,
    "overhead_to_computation": float,
    "operations": [
        "name", "category", "calls", "total_ns", "self_ns", "share", "share_ci", "mean_ns",
        "p50_ns", "p95_ns", "p99_ns", "min_ns", "max_ns", "quantile_method",
    ],
    "categories": ["name", "self_ns", "share"],
    "paths": ["path", "calls", "total_ns", "self_ns", "share"],
    "critical_path": ["name", "ns", "share", "root", "start_ns", "process"],
    "regions": ["name", "start_ns", "end_ns", "workers", "overhead_ns"],
    "workers": [
        "process", "busy_ns", "idle_ns", "tasks", "utilisation", "cpu_ns", "runqueue_ns",
    ],
    "trials": ["number", "duration_ns", "process", "score"],
    "runs": ["run_id", "arm", "wall_ns"],
    "environment": dict,
    "warnings": list,
}  # fmt: skip


def test_json_keeps_its_contract() -> None:
    document = json.loads(render(Analysis(example()), "json", Options(threshold=50)))
    assert document["version"] == 1
    for name, expected in CONTRACT.items():
        value = document[name]
        if isinstance(expected, type):
            assert isinstance(value, expected), name
            continue
        rows = value if isinstance(value, list) else [value]
        assert rows, name
        for row in rows:
            assert list(row)[: len(expected)] == expected, name
    assert len(document["operations"]) == 7, "every operation, whatever the threshold"
    assert sum(row["share"] for row in document["operations"]) == pytest.approx(1)


def test_json_of_nothing_measurable_has_nulls() -> None:
    document = json.loads(render(Analysis(evaluated([Span(1, "a", 5, 5)])), "json", Options()))
    assert document["parallelism"] is None
    assert document["operations"][0]["share"] is None
    assert document["integrity"]["complete"] is None


@pytest.mark.parametrize("name", ["markdown", "terminal", "html"])
@pytest.mark.parametrize("by", list(By))
def test_people_read_the_same_in_every_format(name: str, by: By) -> None:
    text = render(Analysis(example()), name, Options(by=by))
    assert "Completeness unknown" in text
    assert text.index("Completeness unknown") < text.index("wall time")
    for title in ("Critical path of sweep", "Parallel regions", "Workers", "Runs"):
        assert title in text
    assert "Trials: the slowest 10 of 14" in text


@pytest.mark.parametrize("name", ["markdown", "terminal", "html"])
@pytest.mark.parametrize(("complete", "opening"), [(True, "Complete:"), (False, "Incomplete.")])
def test_integrity_opens_the_report(name: str, complete: bool, opening: str) -> None:
    results = example()
    object.__setattr__(results.integrity, "complete", complete)
    object.__setattr__(results.integrity, "missing_spans", 3)
    results.warnings.append("mind the gap")
    text = render(Analysis(results), name, Options())
    assert "mind the gap" in text
    assert opening in text
    assert "Missing" in text


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_report_of_one_instant(name: str) -> None:
    assert "a" in render(Analysis(evaluated([Span(1, "a", 5, 5)])), name, Options())


def operation_rows(markdown: str, title: str) -> list[list[str]]:
    table = markdown.split(f"## {title}\n\n")[1].split("\n\n", maxsplit=1)[0]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in table.splitlines()[2:]
    ]


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=60),
    st.sampled_from(list(By)),
    st.sampled_from([0, 0.5, 5, 100]),
)
def test_shown_percentages_add_to_100_and_nothing_large_is_missing(
    durations: list[int], by: By, threshold: float
) -> None:
    spans = [Span(at, f"op{at}", 10, 10 + ns) for at, ns in enumerate(durations, 1)]
    text = render(Analysis(evaluated(spans)), "markdown", Options(by=by, threshold=threshold))
    titles = {
        By.OPERATION: "Operations", By.PATH: "Call paths", By.CATEGORY: "Kinds of work",
        By.PROCESS: "Processes",
    }  # fmt: skip
    rows = operation_rows(text, titles[by])
    if not sum(durations):
        return
    assert round(sum(float(row[1].removesuffix(" %")) for row in rows), 6) == 100
    if by is By.OPERATION:
        listed = {row[0] for row in rows}
        for at, ns in enumerate(durations, 1):
            if ns * 100 >= threshold * sum(durations):
                assert f"op{at}" in listed


def test_the_rest_is_one_line() -> None:
    text = render(Analysis(example()), "markdown", Options())
    last = operation_rows(text, "Operations")[-1]
    assert last[0] == "2 more below 0.5 %"
    full = render(Analysis(example()), "markdown", Options(full=True))
    assert "more below" not in full
    assert "tiny too" in full
    assert "Trials: the slowest 14 of 14" in full


def test_paths_keep_the_branches_to_what_is_listed() -> None:
    text = render(Analysis(example()), "markdown", Options(by=By.PATH, threshold=0.9))
    labels = [row[0].replace("&nbsp;", " ") for row in operation_rows(text, "Call paths")]
    assert labels[:3] == ["sweep", "  trial", "  prepare"]


class Structure(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)
        assert not {"src", "href", "onclick"} & {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_stands_alone_and_escapes() -> None:
    page = render(Analysis(example()), "html", Options(full=True))
    structure = Structure()
    structure.feed(page)
    assert structure.open == []
    assert "script" not in structure.seen
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page


def test_markdown_and_terminal_are_not_steered_by_names() -> None:
    markdown = render(Analysis(example()), "markdown", Options(full=True))
    assert "\n## no" not in markdown
    assert all(len(row) == 11 for row in operation_rows(markdown, "Operations"))
    assert "\x1b" not in render(Analysis(example()), "terminal", Options(full=True))
    assert "\x1b[2J" not in render(Analysis(example()), "terminal", Options(full=True, colour=True))


@pytest.mark.parametrize("width", [30, 60, 80, 100, 200])
def test_no_number_is_cut_on_a_narrow_terminal(width: int) -> None:
    long_name = "A.very.long.qualified.name.of.an.operation" * 2
    results = evaluated([Span(1, long_name, 10, 123_456_789), Span(2, "b", 10, 20, 1)])
    text = render(Analysis(results), "terminal", Options(width=width))
    assert "100.00 %" in text
    assert "123.5 ms" in text
    if width == 200:
        assert long_name in text


def test_formats_by_suffix() -> None:
    assert format_of(Path("a/report.HTML")) == "html"
    assert format_of(Path("report.md")) == "markdown"
    assert format_of(Path("report")) is None
