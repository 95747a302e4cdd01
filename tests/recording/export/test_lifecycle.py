"""Files, counts, forks and exits: what was recorded arrives, once, whatever the process does."""

from __future__ import annotations

import json
import socket
import stat

import pytest

from rbtrace import conventions as key

ON = {"RBTRACE_ENABLED": "1"}

HOT = """
import rbtrace

@rbtrace.traced(hot=True)
def hot():
    pass
"""


def tally(done):
    (path,) = done.folder.rglob("*.tally")
    return json.loads(path.read_bytes())


def test_one_file_per_process_private_and_counted(run_script):
    done = run_script(HOT + "with rbtrace.span('run'): hot()", **ON)
    (spans_path,) = done.folder.rglob("*.otlp.jsonl")
    (tally_path,) = done.folder.rglob("*.tally")
    assert stat.S_IMODE(spans_path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(spans_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(tally_path.stat().st_mode) == 0o600
    counted = tally(done)
    assert counted["ended"] == counted["exported"] == len(done.spans) == 3
    assert counted["dropped"] == counted["spilled"] == 0
    assert counted["bytes"] == spans_path.stat().st_size
    assert counted["spans_file"] == spans_path.name
    assert counted["run_id"] == spans_path.parent.name
    root = next(span for span in done.spans if span.name == "run")
    assert root.attributes[key.SPANS_ENDED] == 3
    assert not list(done.folder.rglob("*.open"))


def test_nothing_recorded_leaves_no_file(run_script):
    done = run_script("import rbtrace, multiprocessing", **ON)
    assert done.files == []


def test_two_processes_with_the_same_name_do_not_share_a_file(run_script):
    done = run_script(
        """
        from pathlib import Path
        from rbtrace.recording.export.files import TraceFiles

        first, second = TraceFiles(Path("x"), "host", 7), TraceFiles(Path("x"), "host", 7)
        first.append(b"1\\n"); second.append(b"2\\n"); first.append(b"3\\n")
        print(first.spans_path.read_bytes(), second.spans_path.read_bytes())
        """
    )
    assert done.printed.strip() == r"b'1\n3\n' b'2\n'"


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("raise SystemExit(3)", 3),
        ("raise RuntimeError('broken')", 1),
        ("import sys; sys.exit()", 0),
        ("raise KeyboardInterrupt", 130),
    ],
)
def test_every_kind_of_exit_delivers(run_script, ending, status):
    expect = -2 if status == 130 else status
    done = run_script(
        HOT + f"with rbtrace.span('run'):\n    hot()\n    {ending}", expect=expect, **ON
    )
    assert {span.name for span in done.spans} == {"run", "hot"}
    assert not list(done.folder.rglob("*.open"))


POOL = (
    HOT
    + """
import multiprocessing, sys

@rbtrace.traced
def task(number):
    for _ in range(number):
        hot()
    return number

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1] if len(sys.argv) > 1 else METHOD)
    with rbtrace.span("sweep"):
        hot()
        with context.Pool(2) as pool:
            print(sum(pool.map(task, range(20), chunksize=1)))
            END
"""
)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("end", ["pool.close(); pool.join()", "pool.terminate()"])
def test_pool_workers_deliver_at_the_end_of_each_task(run_script, method, end):
    done = run_script(POOL.replace("METHOD", repr(method)).replace("END", end), covered=False, **ON)
    assert done.printed.strip() == "190"
    calls = sum(
        span.attributes[key.SPAN_COUNT]
        for span in done.spans
        if span.name == "hot" and span.is_summary
    )
    assert calls == 190 + 1
    assert len([span for span in done.spans if span.name == "task"]) == 20
    assert len([span for span in done.spans if span.name == "sweep"]) == 1
    ids = [(span.trace_id, span.span_id) for span in done.spans]
    assert len(set(ids)) == len(ids)
    run_ids = {span.resource[key.RUN_ID] for span in done.spans}
    assert len(run_ids) == 1


def test_a_forked_child_reports_nothing_of_its_parent(run_script):
    done = run_script(
        HOT
        + """
import os

with rbtrace.span("parent"):
    for _ in range(10):
        hot()
    child = os.fork()
    hot()
    if child == 0:
        with rbtrace.span("child"):
            hot()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
""",
        **ON,
    )
    parent = [span for span in done.spans if span.name == "parent"]
    (child,) = [span for span in done.spans if span.name == "child"]
    assert len(parent) == 1
    assert child.parent_id == parent[0].span_id
    assert child.resource[key.PROCESS_PID] != parent[0].resource[key.PROCESS_PID]
    assert child.resource[key.SERVICE_INSTANCE_ID] != parent[0].resource[key.SERVICE_INSTANCE_ID]
    counts = {
        span.parent_id: span.attributes[key.SPAN_COUNT]
        for span in done.spans
        if span.name == "hot" and span.is_summary
    }
    assert counts[parent[0].span_id] == 11
    assert counts[child.span_id] == 1


def test_open_spans_are_on_disk_while_they_run(run_script):
    done = run_script(
        HOT
        + """
import os, pathlib, time

with rbtrace.span("finished"):
    pass
with rbtrace.span("run"):
    hot(); hot()
    from rbtrace.recording.recorder import RECORDER
    RECORDER.pipeline().flush()
    os._exit(9)
""",
        expect=9,
        **ON,
    )
    (path,) = done.folder.rglob("*.open")
    (line,) = path.read_text().splitlines()
    (scopes,) = json.loads(line)["resourceSpans"]
    found = {s["name"]: s for scope in scopes["scopeSpans"] for s in scope["spans"]}
    assert set(found) == {"run", "hot"}
    assert "endTimeUnixNano" not in found["run"]
    assert found["hot"]["parentSpanId"] == found["run"]["spanId"]


def test_a_hot_call_in_progress_is_in_the_open_file(run_script):
    done = run_script(
        """
        import os, rbtrace
        from rbtrace.recording.recorder import RECORDER

        @rbtrace.traced(hot=True)
        def hot():
            RECORDER.pipeline().flush()
            os.kill(os.getpid(), 9)

        hot()
        """,
        expect=-9,
        covered=False,
        **ON,
    )
    (path,) = done.folder.rglob("*.open")
    names = [
        span["name"]
        for group in json.loads(path.read_text())["resourceSpans"]
        for scope in group["scopeSpans"]
        for span in scope["spans"]
    ]
    assert sorted(names) == ["hot", key.UNATTACHED]


def test_the_flush_thread_writes_without_being_asked(run_script):
    done = run_script(
        """
        import os, pathlib, time
        import rbtrace

        with rbtrace.span("finished"):
            pass
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            written = list(pathlib.Path(os.environ["RBTRACE_DIR"]).rglob("*.otlp.jsonl"))
            if written and written[0].stat().st_size:
                os._exit(0)
            time.sleep(0.02)
        os._exit(1)
        """,
        **ON,
    )
    assert [span.name for span in done.spans] == ["finished"]


def test_full_memory_makes_the_program_write(run_script):
    done = run_script(
        """
        import rbtrace
        from rbtrace.recording.export import writer
        writer.FULL = 10
        with rbtrace.span("run"):
            for _ in range(100):
                with rbtrace.span("step"):
                    pass
            from rbtrace.recording.recorder import RECORDER
            print(RECORDER.pipeline().writer.counts.exported >= 90)
        """,
        **ON,
    )
    assert done.printed.strip() == "True"
    assert len(done.spans) == 101


def test_an_unwritable_folder_stops_nothing_and_is_said_once(run_script, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    done = run_script(
        HOT + "with rbtrace.span('run'): hot()\nprint('done')",
        **{**ON, "RBTRACE_DIR": str(tmp_path / "file" / "traces")},
    )
    assert done.printed.strip() == "done"
    (line,) = done.complaints.splitlines()
    assert "cannot write traces" in line
    assert "RBTRACE_DIR" in line


def test_an_unusable_setting_is_said_once_and_replaced(run_script):
    done = run_script(
        "import rbtrace\nwith rbtrace.span('run'): print('done')",
        **{**ON, "RBTRACE_DETAIL": "everything"},
    )
    assert done.printed.strip() == "done"
    (line,) = done.complaints.splitlines()
    assert "RBTRACE_DETAIL='everything'" in line
    assert "summary or calls" in line
    assert len(done.spans) == 1


def test_an_exporter_named_in_the_environment_gets_the_spans(run_script):
    done = run_script(
        HOT + "with rbtrace.span('run'): hot()",
        **ON,
        OTEL_TRACES_EXPORTER="console",
    )
    exported = done.printed
    assert '"name": "run"' in exported
    assert '"name": "hot"' in exported
    assert done.spans == []
    assert tally(done)["exported"] == 3


def test_what_a_collector_does_not_take_goes_to_files(run_script):
    done = run_script(
        HOT + "with rbtrace.span('run'): hot()",
        **ON,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
    )
    assert len(done.spans) == 3
    assert tally(done)["spilled"] == 3
    assert "kept in files" in done.complaints


def test_an_unknown_exporter_is_said_once(run_script):
    done = run_script(
        "import rbtrace\nwith rbtrace.span('run'): pass", **ON, OTEL_TRACES_EXPORTER="nonsense"
    )
    (line,) = done.complaints.splitlines()
    assert "nonsense" in line
    assert len(done.spans) == 1


def test_a_collector_that_never_answers_delays_the_exit_by_two_seconds_at_most(run_script):
    with socket.create_server(("127.0.0.1", 0)) as black_hole:
        port = black_hole.getsockname()[1]
        done = run_script(
            HOT
            + """
import atexit, time
import opentelemetry.exporter.otlp.proto.http.trace_exporter
with rbtrace.span('run'): hot()
ended = time.monotonic()
atexit._run_exitfuncs()
print(time.monotonic() - ended)
""",
            **ON,
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        )
    assert float(done.printed) < 2.0
    assert len(done.spans) == 3
    assert tally(done)["spilled"] == 3
    assert "no answer" in done.complaints


HOLD_THE_LOCK = """from rbtrace.recording.recorder import RECORDER
    RECORDER.pipeline().writer._lock.acquire()"""
TERMINATED = (
    HOT
    + """
import os, signal
BEFORE
with rbtrace.span("finished"):
    pass
with rbtrace.span("run"):
    hot()
    AFTER
    os.kill(os.getpid(), signal.SIGTERM)
    print("went on")
"""
)


@pytest.mark.parametrize(
    ("before", "after", "printed", "status"),
    [
        ("", "", "", -15),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "", "went on", 0),
        ("signal.signal(signal.SIGTERM, lambda *_: print('mine'))", "", "mine went on", 0),
        ("signal.signal(signal.SIGTERM, lambda *_: exit(5))", "", "", 5),
        ("", "signal.signal(signal.SIGTERM, lambda *_: print('later'))", "later went on", 0),
        ("", HOLD_THE_LOCK, "", -15),
    ],
)  # fmt: skip
def test_sigterm_does_what_it_did_and_delivers_first(run_script, before, after, printed, status):
    code = TERMINATED.replace("BEFORE", before).replace("AFTER", after)
    done = run_script(code, expect=status, covered=False, **ON)
    assert done.printed.split() == printed.split()
    if after != HOLD_THE_LOCK:
        assert "finished" in {span.name for span in done.spans}
    if status == -15 and after != HOLD_THE_LOCK:
        (path,) = done.folder.rglob("*.open")
        assert '"run"' in path.read_text(encoding="utf-8")
