"""What every test relies on: nothing of tracing leaks from one test into the next."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from rbtrace.errors import forget_warnings


@pytest.fixture(autouse=True)
def nothing_leaks():
    """Fail a test that leaves tracing on, rustybt wrapped, or our thread or variables behind."""
    forget_warnings()
    yield
    recorder = sys.modules.get("rbtrace.recording.recorder")
    if recorder is None:
        return
    control = sys.modules.get("rbtrace.instrumentation.control")
    assert not recorder.RECORDER.is_on, "tracing was left on"
    assert control is None or control.traced_count() == 0, "rustybt was left wrapped"
    assert not [name for name in os.environ if name.startswith("RBTRACE_")]
    assert not [thread for thread in threading.enumerate() if thread.name == "rbtrace-flush"]
