"""Whatever goes wrong with tracing, the program does what it does untraced, and is told once."""

from __future__ import annotations

import os
import shutil
import stat

import pytest

import rbtrace
from tests.durability.evidence import raw_spans
from tests.durability.harness import execute
from tests.support.places import black_hole, refused

STATUS = 7


@pytest.fixture
def bound_by_permissions():
    """What makes root a user whom permissions bind."""
    if os.geteuid() != 0:
        return ()
    if not shutil.which("setpriv"):
        pytest.skip("root may write everywhere, and there is no setpriv (util-linux) to change it")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def run(what, folder, launcher=()):
    """Run a program untraced and traced; give the traced one if nothing else differs."""
    for place in ("untraced", "traced"):
        (folder / place).mkdir()
    untraced = execute(("harmless.py", what), folder / "untraced", {})
    traces = {"RBTRACE_ENABLED": "1", "RBTRACE_DIR": str(folder / "traces")}
    traced = execute(("harmless.py", what), folder / "traced", traces, launcher=launcher)
    assert (
        (traced.status, traced.printed)
        == (untraced.status, untraced.printed)
        == (
            STATUS,
            untraced.printed,
        )
    ), traced.complaints
    assert untraced.complaints == ""
    assert len(traced.complaints.splitlines()) <= 1, traced.complaints
    return traced


def calls_in(folder):
    """Calls of each operation in the report."""
    operations = rbtrace.analyze([folder / "traces"]).operations
    return dict(zip(operations["name"], operations["calls"], strict=True))


def test_a_folder_that_cannot_be_written(tmp_path, bound_by_permissions):
    (tmp_path / "traces").mkdir(mode=0o555)
    told = run("read_only", tmp_path, bound_by_permissions).complaints
    assert "cannot write traces" in told
    assert "RBTRACE_DIR" in told
    assert list((tmp_path / "traces").iterdir()) == []


def test_a_permission_that_is_revoked(tmp_path, bound_by_permissions):
    assert "cannot write traces" in run("revoked", tmp_path, bound_by_permissions).complaints
    assert calls_in(tmp_path) == {"work": 20, "hot": 2000}


def test_extractors_that_raise(tmp_path):
    assert "attributes of outer are missing" in run("raising_extractors", tmp_path).complaints
    assert calls_in(tmp_path) == {"outer": 10, "work": 10, "hot": 1000}


@pytest.mark.parametrize("what", ["attributes", "clock_back", "recursion", "generator"])
def test_odd_programs(what, tmp_path):
    run(what, tmp_path)
    integrity = rbtrace.analyze([tmp_path / "traces"]).integrity
    assert integrity.missing_spans == integrity.dropped_spans == 0
    assert integrity.negative == integrity.clipped == integrity.overfull == 0


def test_ten_thousand_calls_of_a_recursion_are_counted(tmp_path):
    run("recursion", tmp_path)
    calls = calls_in(tmp_path)
    assert calls["descend"] == calls["descend_hot"] == 10_001


def test_files_are_for_their_owner_alone(tmp_path):
    umask = os.umask(0)
    try:
        run("generator", tmp_path)
    finally:
        os.umask(umask)
    (of_run,) = (tmp_path / "traces").iterdir()
    assert stat.S_IMODE(of_run.stat().st_mode) == 0o700
    files = [path for path in of_run.iterdir() if path.is_file()]
    assert {path.suffix for path in files} >= {".jsonl", ".tally"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("place", [refused, black_hole])
def test_headers_for_a_collector_are_in_no_output(place, protocol, tmp_path):
    with place(protocol)(tmp_path) as where:
        finished = execute(
            ("harmless.py", "generator"),
            tmp_path,
            {
                "RBTRACE_ENABLED": "1",
                "RBTRACE_DIR": str(where.traces),
                "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20secret",
                **where.environ,
            },
        )
    assert finished.status == STATUS
    assert "kept in files" in finished.complaints
    assert "secret" not in finished.complaints + finished.printed
    files = [path for path in where.traces.rglob("*") if path.is_file()]
    assert list(raw_spans(path for path in files if path.suffix == ".jsonl"))
    assert not [path for path in files if b"secret" in path.read_bytes()]
