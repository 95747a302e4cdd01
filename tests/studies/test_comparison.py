"""Studies beside each other, by nothing but their traces."""

from __future__ import annotations

import re

import pytest

from rbtrace import conventions as key
from rbtrace.reporting import markdown
from rbtrace.statistics import share_interval
from rbtrace.studies.comparison import bottlenecks, compare_studies
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.journal import TRACES, Case, Head
from tests.studies.made_up import measured
from tests.support.spans import Span, evaluated, write

LENGTH = 1000


def run(number, *waits, name="wait"):
    """A root of 1,000 ns in which some real spans follow each other."""
    resource = {key.RUN_ID: f"run-{number}"}
    at, base = 1_000_000 * (number + 1), 100 * (number + 1)
    spans = [Span(base, "root", at, at + LENGTH, category="computation", resource=resource)]
    for place, wait in enumerate(waits, 1):
        spans.append(
            Span(base + place, name, at, at + wait, base, category="io", resource=resource)
        )
        at += wait
    return spans


def evidence(folder, *runs):
    head = Head(
        study=folder.name,
        environment={"cores": 2, "usable_cores": 2},
        versions={},
        created="now",
        rbtrace="0",
    )
    cases = [Case({"repetition": number}, 1.0) for number in range(len(runs))]
    kept = []
    for case, spans in zip(cases, runs, strict=True):
        run_id = case.run_id(folder.name)
        write(folder / TRACES / run_id / f"host-7-1{key.SPANS_SUFFIX}", spans)
        kept.append(measured(case.settings, {}, run_id=run_id))
    return Evidence(folder, head, cases, kept)


def rows_of(report, title):
    (table,) = (one for one in report.tables if one.title == title)
    return {row.cells[0]: row.cells[1:] for row in table.rows}


WAITS = (300, 360, 330, 280, 350, 310)


@pytest.fixture
def report(tmp_path):
    several = evidence(tmp_path / "several", *(run(n, wait) for n, wait in enumerate(WAITS)))
    single = evidence(tmp_path / "single", run(0, 600, 100, name="read"))
    return compare_studies({"several": several, "single": single})


def test_operations_of_all_studies_have_shares_and_intervals_where_runs_allow(report):
    low, high = share_interval(WAITS, [LENGTH] * len(WAITS)).ci

    rows = rows_of(report, "Operations, by study")

    assert rows["wait"] == [f"32.2 % ({low * 100:.1f} … {high * 100:.1f} %)", "–"]
    assert rows["read"] == ["–", "70.0 %"]
    assert rows["root"][1] == "30.0 %"


def test_kinds_of_work_are_compared_over_runs(report):
    rows = rows_of(report, "Kinds of work, by study")

    assert re.fullmatch(r"32\.2 % \(\d+\.\d … \d+\.\d %\)", rows["io"][0])
    assert rows["io"][1] == "70.0 %"
    assert rows["computation"][1] == "30.0 %"


def test_what_is_below_the_threshold_is_one_row(tmp_path):
    small = evidence(tmp_path / "small", run(0, 3, 500)[:2] + run(1, 500, name="large"))

    rows = rows_of(compare_studies({"small": small}), "Operations, by study")

    assert list(rows) == ["root", "large", "1 more below 0.5 %"]
    assert rows["1 more below 0.5 %"] == ["0.1 %"]


def test_the_bottleneck_is_what_the_critical_path_goes_through():
    # Two workers side by side: the shorter one is never waited for.
    resource = {key.RUN_ID: "parallel"}
    spans = [
        Span(1, "search", 0, 1000, resource=resource),
        Span(2, "short", 100, 800, 1, process=8, resource=resource),
        Span(3, "long", 100, 950, 1, process=9, resource=resource),
    ]

    found = bottlenecks(evaluated(spans))

    assert [(one.operation.name, one.on_path) for one in found] == [
        ("long", 0.85),
        ("search", 0.15),
    ]


def test_findings_name_the_bottleneck_of_each_study_with_its_evidence(report):
    assert report.findings[1] == (
        "single: the bottleneck is read, 70.0 % of the critical paths and 70.0 % of all self time, "
        "2 calls of 350 ns in the mean."
    )
    assert report.findings[0].startswith("several: the bottleneck is root, 67.8 % of")


def test_it_is_a_report_like_any_other(report):
    text = markdown.render_report(report, level=2)

    assert "## Across the studies" in text
    assert report.integrity == [
        "rbtrace scenario all -o DIR measures all of it, and took 7 ns.",
        "rbtrace scenario several -o DIR: 6 of 6 cases measured, each in a fresh process, in 6 ns.",
        "rbtrace scenario single -o DIR: 1 of 1 cases measured, each in a fresh process, in 1 ns.",
    ]
    assert report.complete is False  # no process has counted its spans
