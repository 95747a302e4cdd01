"""A report says of which process how many spans are missing, whatever became of its file."""

from __future__ import annotations

import json

import pytest

import rbtrace
from tests.durability.evidence import raw_spans
from tests.durability.harness import execute


@pytest.fixture
def traces(tmp_path):
    """The traces of a pool of two workers and its parent."""
    finished = execute(
        ("workers.py", "pool_joined", "spawn"),
        tmp_path,
        {"RBTRACE_ENABLED": "1", "RBTRACE_DIR": str(tmp_path / "traces")},
    )
    assert finished.status == 0, finished.complaints
    assert rbtrace.analyze([tmp_path / "traces"]).integrity.complete is True
    return tmp_path / "traces"


@pytest.fixture
def worker(traces):
    """The span file of the worker that did most, and what the report calls the worker."""
    tallies = [
        (path.with_name(tally["spans_file"]), f"{tally['host']}/{tally['pid']}")
        for path in traces.rglob("*.tally")
        for tally in [json.loads(path.read_bytes())]
    ]
    workers = [entry for entry in tallies if not any(map(is_root, raw_spans([entry[0]])))]
    return max(workers, key=lambda entry: entry[0].stat().st_size)


def is_root(span):
    return "parentSpanId" not in span


def opening(traces):
    """The report up to its first table, and its integrity."""
    analysis = rbtrace.analyze([traces])
    return analysis.to_markdown().partition("\n|")[0], analysis.integrity


def test_a_file_that_is_gone(traces, worker):
    spans, process = worker
    missing = len(list(raw_spans([spans])))
    spans.unlink()

    said, integrity = opening(traces)

    assert integrity.complete is False
    assert integrity.missing == {process: missing}
    assert "Incomplete" in said
    assert f"{process} ({missing})" in said
    assert "collector" not in said


def test_a_file_that_is_cut_off_within_a_line(traces, worker):
    spans, process = worker
    whole = len(list(raw_spans([spans])))
    lines = spans.read_bytes().splitlines(keepends=True)
    spans.write_bytes(b"".join(lines[:-1]) + lines[-1][: len(lines[-1]) // 2])
    missing = whole - len(list(raw_spans([spans])))

    said, integrity = opening(traces)

    assert missing > 0
    assert integrity.complete is False
    assert (integrity.missing, integrity.truncated_lines) == ({process: missing}, 1)
    assert f"{process} ({missing})" in said


def test_a_line_that_is_gone_from_the_middle(traces, worker):
    spans, process = worker
    lines = spans.read_bytes().splitlines(keepends=True)
    assert len(lines) > 2
    spans.write_bytes(b"".join([lines[0], *lines[2:]]))

    said, integrity = opening(traces)

    (missing,) = integrity.missing.values()
    assert list(integrity.missing) == [process]
    assert f"{process} ({missing})" in said
