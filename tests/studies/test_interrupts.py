from __future__ import annotations

import contextlib
import signal
import sys
import time
import weakref

import pytest

from rbtrace.studies.demo import lasting_interrupts


def test_without_ctrl_c_nothing_happens():
    before = signal.getsignal(signal.SIGINT), sys.unraisablehook

    with lasting_interrupts() as stop_if_interrupted:
        stop_if_interrupted()

    assert (signal.getsignal(signal.SIGINT), sys.unraisablehook) == before


def test_ctrl_c_raises_at_once():
    with pytest.raises(KeyboardInterrupt), lasting_interrupts():
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_that_was_swallowed_raises_when_asked():
    with lasting_interrupts() as stop_if_interrupted:
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            stop_if_interrupted()


def test_ctrl_c_inside_a_collectors_callback_is_repeated(capsys):
    class Collected:
        pass

    collected = Collected()
    reference = weakref.ref(collected, lambda _: signal.raise_signal(signal.SIGINT))

    went_on = []
    started = time.monotonic()

    def collect_and_wait():
        nonlocal collected
        del collected
        went_on.append(True)
        time.sleep(60)

    with pytest.raises(KeyboardInterrupt), lasting_interrupts():
        collect_and_wait()

    assert went_on
    assert time.monotonic() - started < 30, "it was not repeated, or not heard while waiting"
    assert reference() is None
    assert capsys.readouterr().err == ""


def test_other_errors_in_callbacks_are_still_reported(capsys):
    class Collected:
        pass

    collected = Collected()
    reference = weakref.ref(collected, lambda _: 1 / 0)
    hook, sys.unraisablehook = sys.unraisablehook, sys.__unraisablehook__
    try:
        with lasting_interrupts():
            del collected
    finally:
        sys.unraisablehook = hook

    assert reference() is None
    assert "ZeroDivisionError" in capsys.readouterr().err
