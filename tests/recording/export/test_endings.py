"""Ways a program ends, is replaced or loses its descriptors: what was recorded is there."""

from __future__ import annotations

import pytest

import rbtrace
from rbtrace.testing import read_spans

ON = {"RBTRACE_ENABLED": "1"}


def names(done):
    return sorted(span.name for span in done.spans)


def integrity(done):
    return rbtrace.analyze([done.folder]).integrity


AGAIN = """
import os, sys
import rbtrace

if len(sys.argv) == 1:
    with rbtrace.span("before"):
        pass
    HERE
    {call}
with rbtrace.span("after"):
    print("replaced")
"""
CALLS = [
    "os.execv(sys.executable, [sys.executable, *sys.argv, 'again'])",
    "os.execl(sys.executable, sys.executable, *sys.argv, 'again')",
    "os.execve(sys.executable, [sys.executable, *sys.argv, 'again'], os.environ)",
    "os.execvp(sys.executable, [sys.executable, *sys.argv, 'again'])",
    "os.execlp(sys.executable, sys.executable, *sys.argv, 'again')",
    "os.execvpe(sys.executable, [sys.executable, *sys.argv, 'again'], {**os.environ})",
]


@pytest.mark.parametrize("call", CALLS)
def test_a_program_that_replaces_itself_keeps_what_it_recorded(run_script, call):
    done = run_script(AGAIN.format(call=call).replace("HERE", ""), covered=False, **ON)
    assert done.printed.split() == ["replaced"]
    assert names(done) == ["after", "before"]
    assert integrity(done).complete


def test_a_span_that_is_open_when_the_program_is_replaced_is_reported(run_script):
    code = AGAIN.format(call="with rbtrace.span('around'): " + CALLS[0]).replace("HERE", "")
    done = run_script(code, covered=False, **ON)
    assert names(done) == ["after", "before"]
    report = rbtrace.analyze([done.folder])
    assert report.integrity.complete is False
    assert report.integrity.unfinished == 1
    assert "around" in set(report.operations["name"])


def test_a_program_that_is_not_there_changes_nothing(run_script):
    code = AGAIN.replace(
        "HERE",
        """try:
        os.execv("/no/such/program", ["x"])
    except FileNotFoundError:
        print("not there")
    with rbtrace.span("between"):
        pass
    sys.exit()""",
    ).format(call="")
    done = run_script(code, **ON)
    assert done.printed.split("\n")[0] == "not there"
    assert names(done) == ["before", "between"]
    assert integrity(done).complete


def test_exit_without_hooks_keeps_what_was_recorded(run_script):
    done = run_script(
        """
        import os, rbtrace
        with rbtrace.span("finished"):
            pass
        os._exit(3)
        """,
        expect=3,
        covered=False,
        **ON,
    )
    assert names(done) == ["finished"]
    assert integrity(done).complete


CLOSES_ALL = """
import os, time
import rbtrace
from rbtrace.recording.recorder import RECORDER

with rbtrace.span("before"):
    pass
RECORDER.pipeline().flush()
CLOSE
contents = [b"2024-01-02,AAPL,100\\n" * (number + 1) for number in range(12)]
files = [open(f"orders{number}.csv", "w+b", buffering=0) for number in range(12)]
for file, content in zip(files, contents):
    file.write(content)
for number in range(20):
    with rbtrace.span("after"):
        pass
    RECORDER.pipeline().flush()
for file, content in zip(files, contents):
    assert open(file.name, "rb").read() == content, file.name
print("intact")
"""


@pytest.mark.parametrize(
    "close",
    [
        "os.closerange(3, 256)",
        """for number in range(3, 256):
    try:
        os.close(number)
    except OSError:
        pass""",
    ],
    ids=["closerange", "each"],
)
@pytest.mark.parametrize("protocol", [None, "grpc", "http/protobuf"])
def test_a_daemon_that_closes_all_descriptors_keeps_its_own_files(run_script, close, protocol):
    if protocol == "grpc" and "closerange" not in close:
        close = "RECORDER.pipeline().close_connections()\n" + close
    collector = (
        {}
        if protocol is None
        else {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        }
    )
    done = run_script(CLOSES_ALL.replace("CLOSE", close), covered=False, **ON, **collector)
    assert done.printed.split() == ["intact"]
    assert names(done) == ["after"] * 20 + ["before"]
    assert integrity(done).complete


def test_descriptors_that_are_closed_one_by_one_during_a_request_are_noticed(run_script):
    done = run_script(
        """
        import os, threading, rbtrace
        from rbtrace.recording.export.exporters import GuardedSpanExporter

        asked = threading.Event()
        class Exporter:
            def export(self, spans):
                asked.set()
                closed.wait()
            def shutdown(self):
                pass

        closed = threading.Event()
        exporter = GuardedSpanExporter("otlp_proto_grpc")
        exporter._make = Exporter
        sending = threading.Thread(target=exporter.export, args=([],))
        sending.start()
        asked.wait()
        for number in range(3, 256):
            try:
                os.close(number)
            except OSError:
                pass
        closed.set()
        sending.join()
        """
    )
    assert "closed descriptors of otlp_proto_grpc" in done.complaints
    assert "http/protobuf" in done.complaints


def test_a_program_on_gevent_keeps_its_spans_in_files_and_says_so(run_script):
    done = run_script(
        """
        from gevent import monkey
        monkey.patch_all()
        import rbtrace
        with rbtrace.span("work"):
            pass
        """,
        covered=False,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        **ON,
    )
    assert names(done) == ["work"]
    assert "gevent or eventlet has replaced threads and sockets; spans are kept" in done.complaints


def test_spans_that_end_after_our_exit_hook_leave_the_traces_complete(run_script):
    done = run_script(
        """
        import atexit, rbtrace
        def late():
            with rbtrace.span("late"):
                pass
        atexit.register(late)
        with rbtrace.span("work"):
            pass
        """,
        **ON,
    )
    assert names(done) == ["late", "work"]
    assert integrity(done).complete


def test_a_folder_that_is_removed_is_made_again_and_the_loss_is_reported(run_script):
    done = run_script(
        """
        import os, shutil, rbtrace
        from rbtrace.recording.recorder import RECORDER
        with rbtrace.span("lost"):
            pass
        RECORDER.pipeline().flush()
        shutil.rmtree(os.environ["RBTRACE_DIR"])
        with rbtrace.span("kept"):
            pass
        """,
        **ON,
    )
    assert names(done) == ["kept"]
    assert integrity(done).complete is False


def test_a_link_in_place_of_our_file_is_not_followed(run_script, tmp_path):
    (tmp_path / "precious").write_text("precious")
    done = run_script(
        """
        import os, pathlib, rbtrace
        from rbtrace.recording.recorder import RECORDER
        with rbtrace.span("first"):
            pass
        RECORDER.pipeline().flush()
        (spans,) = pathlib.Path(os.environ["RBTRACE_DIR"]).rglob("*.otlp.jsonl")
        (tally,) = pathlib.Path(os.environ["RBTRACE_DIR"]).rglob("*.tally")
        for path in (spans, tally.with_name(f".{tally.name}.new")):
            path.unlink(missing_ok=True)
            path.symlink_to(pathlib.Path("precious").absolute())
        with rbtrace.span("second"):
            pass
        """,
        **ON,
    )
    assert (tmp_path / "precious").read_text() == "precious"
    assert "second" in {
        span.name for path in done.folder.rglob("*-1.otlp.jsonl") for span in read_spans([path])
    }


def test_a_child_that_an_extension_forked_is_not_traced_and_says_so(run_script):
    done = run_script(
        """
        import ctypes, os, rbtrace
        from rbtrace.recording.recorder import RECORDER
        with rbtrace.span("parent"):
            # Of any thread that waits for the interpreter, the child would wait for ever.
            RECORDER.pipeline().flusher.stop()
            child = ctypes.PyDLL(None).fork()
            if child == 0:
                with rbtrace.span("child"):
                    os._exit(7)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
        covered=False,
        **ON,
    )
    assert done.printed.split() == ["7"]
    assert names(done) == ["parent"]
    assert "forked without Python being told" in done.complaints


def test_forks_do_not_warn_of_our_threads(run_script):
    done = run_script(
        """
        import os, multiprocessing, warnings, rbtrace
        seen = []
        warnings.simplefilter("always")
        warnings.showwarning = lambda *warning, **_: seen.append(str(warning[0]))
        def nothing():
            pass
        if __name__ == "__main__":
            with rbtrace.span("run"):
                for _ in range(20):
                    child = os.fork()
                    if child == 0:
                        os._exit(0)
                    os.waitpid(child, 0)
                process = multiprocessing.get_context("fork").Process(target=nothing)
                process.start()
                process.join()
            print(seen)
        """,
        covered=False,
        **ON,
    )
    assert done.printed.strip() == "[]"
