"""Signals that end a process do so when what was recorded is written; the program sees nothing."""

from __future__ import annotations

import pytest

from rbtrace.system import SYSTEM

ON = {"RBTRACE_ENABLED": "1"}

pytestmark = pytest.mark.skipif(SYSTEM is None, reason="signals are held up where that is compiled")

RECORDED = """
import ctypes, os, signal, threading, time
import rbtrace

with rbtrace.span("finished"):
    pass
"""


LATER = """
os.system(f"(sleep 0.1; kill -TERM {os.getpid()}) &")
"""
"""From outside, when the program is where the next line gets it to."""


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        ("os.kill(os.getpid(), signal.SIGTERM)", -15),
        ("signal.raise_signal(signal.SIGTERM)", -15),
        ("os.kill(os.getpid(), signal.SIGHUP)", -1),
        (LATER + "os.read(os.pipe()[0], 1)", -15),
        (LATER + "threading.Event().wait()", -15),
        (LATER + "while True: pass", -15),
    ],
)
def test_a_signal_ends_the_process_after_what_was_recorded_is_written(run_script, ends, status):
    done = run_script(RECORDED + ends + "\nprint('went on')", expect=status, covered=False, **ON)
    assert done.printed == done.complaints == ""
    assert [span.name for span in done.spans] == ["finished"]
    assert not list(done.folder.rglob("*.open"))


def test_a_signal_ends_the_process_while_an_extension_holds_the_interpreter(run_script):
    code = RECORDED + LATER + "sum(range(10**12))"
    assert run_script(code, expect=-15, covered=False, **ON).complaints == ""


def test_a_signal_during_a_flush_waits_for_its_end(run_script):
    done = run_script(
        RECORDED
        + """
from rbtrace.recording.recorder import RECORDER
from rbtrace.recording.export.files import TraceFiles

append = TraceFiles.append
def interrupted(self, line):
    os.kill(os.getpid(), signal.SIGTERM)
    return append(self, line)

TraceFiles.append = interrupted
RECORDER.pipeline().flush()
print("went on")
""",
        expect=-15,
        covered=False,
        **ON,
    )
    assert done.printed == ""
    assert [span.name for span in done.spans] == ["finished"]
    assert not list(done.folder.rglob("*.open"))


def test_a_signal_during_the_exit_waits_for_its_end(run_script):
    done = run_script(
        RECORDED
        + """
from rbtrace.recording.export.writer import SpanFileWriter

close = SpanFileWriter.close
def interrupted(self, still_open):
    os.kill(os.getpid(), signal.SIGTERM)
    close(self, still_open)

SpanFileWriter.close = interrupted
""",
        expect=-15,
        covered=False,
        **ON,
    )
    assert [span.name for span in done.spans] == ["finished"]
    assert not list(done.folder.rglob("*.open"))


def test_the_program_sees_no_handler_thread_or_descriptor(run_script):
    code = """
    import os, signal, threading
    import rbtrace

    def seen():
        handlers = [signal.getsignal(number) for number in sorted(signal.valid_signals())]
        return handlers, threading.enumerate(), os.listdir("/proc/self/fd")

    before = seen()
    wakeup = os.pipe()[1]
    os.set_blocking(wakeup, False)
    print(signal.set_wakeup_fd(wakeup))
    print(signal.set_wakeup_fd(-1) == wakeup)
    between = seen()
    rbtrace.instrument()
    with rbtrace.span("run"):
        from rbtrace.recording.recorder import RECORDER
        RECORDER.pipeline().flush()
        print(seen() == between)
    rbtrace.shutdown()
    print(seen() == between)
    """
    assert run_script(code, covered=False).printed.split() == ["-1", "True", "True", "True"]


def test_a_signal_the_program_waits_for_is_not_taken_by_our_threads(run_script):
    done = run_script(
        RECORDED
        + """
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
for number in (signal.SIGUSR1, signal.SIGTERM):
    os.kill(os.getpid(), number)
    print(int(signal.sigwait({number})))
""",
        **ON,
    )
    assert done.printed.split() == ["10", "15"]


def test_a_child_that_records_nothing_ends_at_once(run_script):
    done = run_script(
        RECORDED
        + """
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    os.write(writer, b"!")
    threading.Event().wait()
os.read(reader, 1)
os.kill(child, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""",
        covered=False,
        **ON,
    )
    assert done.printed.split() == ["-15"]


def test_without_the_compiled_part_a_signal_ends_the_process_at_once(run_script):
    done = run_script(
        "import sys; sys.modules['rbtrace._system'] = None\nimport rbtrace; rbtrace.instrument()"
        + RECORDED
        + """
from rbtrace.system import SYSTEM
from rbtrace.recording.recorder import RECORDER
RECORDER.pipeline().flush()
print(SYSTEM, flush=True)
with rbtrace.span("open"):
    RECORDER.pipeline().flush()
    os.kill(os.getpid(), signal.SIGTERM)
""",
        expect=-15,
        covered=False,
    )
    assert done.printed.split() == ["None"]
    assert [span.name for span in done.spans] == ["finished"]
    assert list(done.folder.rglob("*.open"))
