"""Parquet files of spans: all that the columns can hold, and files that are something else."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rbtrace.analysis.analyze import analyze_paths
from rbtrace.analysis.readers.parquet import COUNTS_KEY, arrow_schema
from rbtrace.analysis.results import Results
from rbtrace.errors import InputError
from tests.support.parquet import ROWS


def written(rows: list[dict], metadata: dict[bytes, bytes] | None = None) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, arrow_schema(metadata)), sink)
    return sink.getvalue()


def analyzed(path: Path, content: bytes) -> Results:
    path.write_bytes(content)
    return analyze_paths([path])


def test_every_column(tmp_path: Path) -> None:
    results = analyzed(tmp_path / "spans", written(ROWS))
    # root: 100 − [20, 60] − 20 of its hot calls; what is open lasts from 80 to 80; trial: 40 less
    # the 10 in which "far", which a link makes its child, ran: [50, 60].
    assert {one.name: one.self_ns for one in results.operations} == {
        "root": 40, "trial": 30, "hot": 20, "far": 20, "open": 0,
    }  # fmt: skip
    hot = next(one for one in results.operations if one.name == "hot")
    assert (hot.calls, hot.p50_ns, hot.min_ns, hot.max_ns) == (3, 12, 5, 15)
    assert [(one.number, one.score) for one in results.trials] == [(4, 0.5)]
    assert {one.process for one in results.processes} == {"host/7", "host/8"}
    assert (results.integrity.unfinished, results.integrity.spans) == (1, 6)
    assert results.runs[0].run_id == "r"


def test_what_was_counted_of_the_sources(tmp_path: Path) -> None:
    tally = {"host": "host", "pid": 7, "ended": 9}
    counts = {"invalid_lines": 2, "truncated_lines": 1, "unclean": 1, "tallies": [tally]}
    content = written(ROWS, {COUNTS_KEY: json.dumps(counts).encode()})
    found = analyzed(tmp_path / "spans", content).integrity
    assert (found.invalid_lines, found.truncated_lines, found.unclean) == (2, 1, 1)
    assert (found.expected_spans, found.complete) == (9, False)


def test_a_parquet_file_of_something_else(tmp_path: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"close": [1.0]}), sink)
    with pytest.raises(InputError, match=r"prices.*not one of spans"):
        analyzed(tmp_path / "prices", sink.getvalue())


@pytest.mark.parametrize("at", [4, 100, -20])
def test_a_damaged_file(tmp_path: Path, at: int) -> None:
    content = written(ROWS)
    with pytest.raises(InputError, match="damaged Parquet"):
        analyzed(tmp_path / "spans", content[:at] + b"?" * 9 + content[at:][:-9])
