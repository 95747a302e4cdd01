"""Analysis out of core: the same figures to the nanosecond, whatever is in the trace."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rbtrace.analysis import analyze
from rbtrace.analysis.analyze import analyze_paths
from rbtrace.analysis.results import Results
from rbtrace.analysis.sql import critical_path
from rbtrace.errors import EXIT_GOOD, EXIT_USAGE, MissingExtraError, SettingError
from tests.analysis.cases import CORPUS
from tests.analysis.peculiar import FILTERS, PECULIAR
from tests.support.command import rbtrace
from tests.support.figures import figures
from tests.support.spans import REAL, SUMMARY, Span, write, write_tally
from tests.support.traces import forests

LIMIT = analyze.LEAST_LIMIT


@pytest.fixture
def spills(monkeypatch: pytest.MonkeyPatch) -> None:
    """No span fits the memory."""
    monkeypatch.setattr(analyze, "BYTES_PER_SPAN", 2 * LIMIT)
    monkeypatch.setattr(analyze, "_ROWS", 3)


@st.composite
def nested(draw: st.DrawFn) -> list[Span]:
    """Traces of many children that overlap, follow each other and outlive, with summaries."""
    spans = [Span(1, "root", 1, 100)]
    for identity in range(2, draw(st.integers(4, 40))):
        parent = draw(st.sampled_from([one for one in spans if one.kind == REAL]))
        start = draw(st.integers(parent.start - 1, parent.end))
        spans.append(
            Span(
                identity, draw(st.sampled_from("abc")), start,
                draw(st.integers(start, min(start + 40, parent.end + 1))), parent.id,
                kind=draw(st.sampled_from([REAL, REAL, REAL, SUMMARY])),
                process=draw(st.sampled_from([7, 7, 8])),
                calls=draw(st.integers(1, 5)), total=draw(st.integers(0, 30)),
                self_ns=draw(st.integers(0, 12)),
            )
        )  # fmt: skip
    return spans


def both_ways(
    source: Path, monkeypatch: pytest.MonkeyPatch, only: str | None = None
) -> tuple[Results, Results]:
    """A full analysis in memory and out of core."""
    in_memory = analyze_paths([source], full=True, only=only)
    with monkeypatch.context() as patch:
        patch.setattr(analyze, "BYTES_PER_SPAN", 2 * LIMIT)
        patch.setattr(analyze, "_ROWS", 3)
        out_of_core = analyze_paths([source], memory_limit=LIMIT, full=True, only=only)
    assert out_of_core.computed.startswith("by DuckDB on disk")
    return in_memory, out_of_core


@pytest.mark.slow
@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(spans=forests(), only=st.none() | st.sampled_from(FILTERS))
def test_the_same_as_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spans: list[Span], only: str | None
) -> None:
    source = write(tmp_path / "a.otlp.jsonl", spans)
    in_memory, out_of_core = both_ways(source, monkeypatch, only)
    assert figures(out_of_core) == figures(in_memory)


@pytest.mark.slow
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(spans=nested())
def test_critical_paths_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spans: list[Span]
) -> None:
    monkeypatch.setattr(critical_path, "_SUMMARIES_AT_A_TIME", 2)
    source = write(tmp_path / "a.otlp.jsonl", spans)
    in_memory, out_of_core = both_ways(source, monkeypatch)
    assert out_of_core.critical_path == in_memory.critical_path


@pytest.mark.slow
@pytest.mark.parametrize("only", FILTERS)
def test_filters_choose_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, only: str
) -> None:
    source = write(tmp_path / "a.otlp.jsonl", PECULIAR)
    in_memory, out_of_core = both_ways(source, monkeypatch, only)
    assert figures(out_of_core) == figures(in_memory)


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(path.name for path in CORPUS.iterdir()))
def test_the_corpus_is_analyzed_the_same(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    in_memory, out_of_core = both_ways(CORPUS / file, monkeypatch)
    assert figures(out_of_core) == figures(in_memory)


def test_counts_and_what_a_dead_process_left_open(spills: None, tmp_path: Path) -> None:
    source = write(tmp_path / "a.otlp.jsonl", PECULIAR)
    write_tally(source, ended=12, dropped=1)
    (tmp_path / "a.open").write_bytes(
        write(tmp_path / "b", [Span(12, "open", 600, 0, 1)]).read_bytes()
    )
    (tmp_path / "b").unlink()
    out_of_core = analyze_paths([tmp_path], memory_limit=LIMIT)
    in_memory = analyze_paths([tmp_path], memory_limit=100 * LIMIT)
    assert not in_memory.computed
    assert figures(out_of_core) == figures(in_memory)
    assert in_memory.integrity.unfinished == 1
    assert next(row for row in out_of_core.operations if row.name == "hot").calls == 8
    assert [(one.number, one.score) for one in out_of_core.trials] == [(4, 0.1)]
    assert [(one.workers, one.cpu_ns) for one in out_of_core.regions] == [(3, 99)]


def test_the_report_says_where_it_was_made(spills: None, tmp_path: Path) -> None:
    from rbtrace.reporting.analysis import Analysis

    source = write(tmp_path / "a.otlp.jsonl", [Span(1, "root", 100, 200)])
    only = "duration > 1ns"
    text = Analysis(analyze_paths([source], memory_limit=LIMIT, only=only)).to_markdown()
    assert "by DuckDB on disk, because the spans take more memory than 0.268 GB. Only spans" in text


def test_without_duckdb_one_line_says_how_to_get_it(
    spills: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "a.otlp.jsonl", [Span(1, "root", 100, 200)])
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'rbtrace\[sql\]'"):
        analyze_paths([source], memory_limit=LIMIT)


def test_nothing_stays_behind(
    spills: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(analyze.tempfile, "tempdir", str(tmp_path / "tmp"))
    source = write(tmp_path / "a.otlp.jsonl", [Span(1, "root", 100, 200)])
    assert analyze_paths([source], memory_limit=LIMIT).computed
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "size"),
    [("1GB", 10**9), ("1.5 gb", 1_500_000_000), ("2GiB", 2**31), ("300000000", 300_000_000)],
)
def test_sizes(text: str, size: int) -> None:
    assert analyze.parse_limit(text) == size


@pytest.mark.parametrize("text", ["", "much", "1ib", "-1GB", "255MiB", "1 GB 2"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(SettingError, match="memory limit"):
        analyze.parse_limit(text)


def test_the_command_takes_a_limit(tmp_path: Path) -> None:
    source = write(tmp_path / "a.otlp.jsonl", [Span(1, "root", 100, 200)])
    found = rbtrace("analyze", source, "--memory-limit", "1GB")
    assert (found.returncode, found.stderr) == (EXIT_GOOD, "")
    found = rbtrace("analyze", source, "--memory-limit", "little")
    assert found.returncode == EXIT_USAGE
    assert found.stderr.startswith("rbtrace: error: the memory limit 'little' is no size")


@pytest.mark.slow
@pytest.mark.parametrize("depth", [256, 300])
def test_paths_deeper_than_anybody_reads(spills: None, tmp_path: Path, depth: int) -> None:
    chain = [Span(at, f"f{at % 3}", at, 1000 - at, at - 1) for at in range(1, depth + 1)]
    branch = [Span(500, "branch", 255, 256, 254), Span(501, "leaf", 255, 256, 500)]
    source = write(tmp_path / "a.otlp.jsonl", chain + branch)
    out_of_core = analyze_paths([source], memory_limit=LIMIT)
    assert out_of_core.paths == analyze_paths([source], memory_limit=100 * LIMIT * depth).paths
    assert len(out_of_core.paths[-1].path) <= 257
