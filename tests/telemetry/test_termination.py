"""SIGTERM ends a process that would end, at once or after what must not be cut off."""

from __future__ import annotations

ON = {"RBTRACE_ENABLED": "1"}

ASLEEP = """
import ctypes, os, signal, threading
import rbtrace

with rbtrace.span("finished"):
    pass

def to_another_thread():
    # What a signal is that comes just before the main thread goes to sleep in the kernel.
    {waiting}
    ctypes.CDLL(None).pthread_kill(ctypes.c_ulong(threading.get_ident()), signal.SIGTERM)
    threading.Event().wait()

threading.Thread(target=to_another_thread, daemon=True).start()
os.read(os.pipe()[0], 1)
"""

MAIN_SLEEPS = """while open("/proc/self/stat").read().rpartition(")")[2].split()[0] != "S":
        pass"""


def test_a_signal_the_main_thread_sleeps_through_wakes_it(run_script):
    done = run_script(ASLEEP.format(waiting=MAIN_SLEEPS), expect=-15, covered=False, **ON)
    assert [span.name for span in done.spans] == ["finished"]
    assert not list(done.folder.rglob("*.open"))


def test_a_signal_during_a_flush_waits_for_its_end(run_script):
    done = run_script(
        """
        import os, signal
        import rbtrace
        from rbtrace.recording.recorder import RECORDER
        from rbtrace.telemetry.files import TraceFiles

        append = TraceFiles.append
        def interrupted(self, line):
            os.kill(os.getpid(), signal.SIGTERM)
            return append(self, line)

        with rbtrace.span("finished"):
            pass
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


def test_signals_are_not_ours_where_somebody_listens_already(run_script):
    done = run_script(
        """
        import signal, socket
        import rbtrace
        mine, _ = socket.socketpair()
        mine.setblocking(False)
        signal.set_wakeup_fd(mine.fileno())
        with rbtrace.span("run"):
            pass
        print(signal.set_wakeup_fd(-1) == mine.fileno())
        """,
        **ON,
    )
    assert done.printed.strip() == "True"


def test_shutdown_gives_everything_back(run_script):
    done = run_script(
        """
        import signal
        import rbtrace
        rbtrace.instrument()
        with rbtrace.span("run"):
            pass
        rbtrace.shutdown()
        print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
        print(signal.getsignal(signal.SIGURG) is signal.SIG_DFL)
        print(signal.set_wakeup_fd(-1))
        """
    )
    assert done.printed.split() == ["True", "True", "-1"]
