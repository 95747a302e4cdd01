"""`rbtrace export`: what is analyzed from the file is what was analyzed from its sources."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from rbtrace import conventions as key
from rbtrace.analysis import parquet_writer
from rbtrace.analysis.analyze import analyze_paths
from rbtrace.analysis.readers.parquet import COLUMNS
from rbtrace.analysis.results import Results
from rbtrace.errors import EXIT_GOOD, EXIT_USAGE
from tests.support.command import rbtrace
from tests.support.spans import SUMMARY, Span, write, write_tally
from tests.support.traces import traces


def analyzed(path: Path) -> Results:
    return analyze_paths([path], full=True)


def test_everything_goes_through_the_file(tmp_path: Path) -> None:
    spans = [
        Span(1, "sweep", 100, 900, attributes={key.WORKERS: 2}, resource={key.RUN_ID: "r"}),
        Span(2, "trial", 150, 300, 1, process=8, thread="3", category="user",
             attributes={key.TRIAL_NUMBER: 4, key.TRIAL_SCORE: 0.5, key.CPU_NS: 99,
                         key.RUNQUEUE_NS: 3, key.FINGERPRINT: "f"}),
        Span(3, "hot", parent=2, kind=SUMMARY, calls=3, total=30, self_ns=20, process=8,
             attributes={key.HISTOGRAM_BOUNDS: [5e-9, 1.5e-8], key.HISTOGRAM_COUNTS: [1, 3, 3],
                         key.DURATION_MIN: 4, key.DURATION_MAX: 14}),
        Span(4, "moved", 400, 500, process=9,
             attributes={key.RUN_ID: "r", key.ARM: "baseline", key.PAIR: 1, key.PROCESS_PID: 10}),
        Span(5, "open", 600, 0, 1),
    ]  # fmt: skip
    source = write(tmp_path / "in" / "a.otlp.jsonl", spans)
    write_tally(source, ended=9)
    with source.open("ab") as file:
        file.write(b"{broken}\n")
    target = tmp_path / "spans.parquet"
    found = rbtrace("export", source.parent, "--parquet", target)
    assert (found.returncode, found.stdout) == (EXIT_GOOD, "")
    assert found.stderr == f"5 spans in {target}\n"
    assert pq.read_schema(target).names == [column.name for column in COLUMNS]
    assert pq.read_table(target)["fingerprint"].to_pylist()[1] == "f"
    assert analyzed(target) == analyzed(source.parent)
    assert list(tmp_path.glob("*.partial")) == []


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(spans=traces())
def test_in_row_groups_of_any_size_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spans: list[Span]
) -> None:
    monkeypatch.setattr(parquet_writer, "_ROWS", 2)
    source = write(tmp_path / "a.otlp.jsonl", spans)
    target = tmp_path / "spans.parquet"
    assert parquet_writer.export([source], target) == len(spans)
    assert replace(analyzed(target), warnings=[]) == replace(analyzed(source), warnings=[])


def test_nothing_to_export_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = rbtrace("export", tmp_path / "empty", "--parquet", tmp_path / "a.parquet")
    assert found.returncode == EXIT_USAGE
    assert found.stderr.startswith("rbtrace: error: the folder ")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    source = write(tmp_path / "a.otlp.jsonl", [Span(1, "a", 1, 2)])
    found = rbtrace("export", source, "--parquet", tmp_path / "no" / "a.parquet")
    assert found.returncode == EXIT_USAGE
    assert "cannot write" in found.stderr
    assert "Traceback" not in found.stderr


def test_help_has_examples() -> None:
    assert "rbtrace export rbtrace-out --parquet" in rbtrace("export", "--help").stdout
