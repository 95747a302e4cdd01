"""A fault of tracing's own is said once; the program and the next flush go on."""

from __future__ import annotations

import threading

import pytest
from opentelemetry.sdk.trace import TracerProvider

from rbtrace.recording.export.flusher import Flusher
from rbtrace.recording.export.providers import RbtraceSpanProcessor


def test_the_thread_outlives_flushes_that_fail(capfd):
    fails, flushed = [True, True], threading.Event()

    def flush():
        if fails:
            fails.pop()
            raise RuntimeError("no")
        flushed.set()

    flusher = Flusher(flush, interval_s=0.001)
    flusher.ensure_running()
    try:
        assert flushed.wait(60)
    finally:
        flusher.stop(30)
    assert capfd.readouterr().err.count("traces could not be written") == 1


@pytest.mark.parametrize("moment", ["span_started", "span_ended"])
def test_a_span_whose_record_fails_does_not_fail_the_program(moment, capfd):
    class Faulty:
        is_of_this_process = True

        def span_started(self, *_):
            assert moment != "span_started", "no"

        def span_ended(self, *_):
            assert moment != "span_ended", "no"

    provider = TracerProvider(shutdown_on_exit=False)
    processor = RbtraceSpanProcessor(Faulty(), {})
    provider.add_span_processor(processor)
    for _ in range(2):
        with provider.get_tracer("test").start_as_current_span("work"):
            pass
    assert capfd.readouterr().err.count("work is not traced") == 1
