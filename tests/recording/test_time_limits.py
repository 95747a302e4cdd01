"""What a signal handler of the program's raises comes through, also out of tracing's own code."""

from __future__ import annotations

import pytest

LIMITS = """
import random, signal
import rbtrace

class TimeIsUpError(Exception):
    pass

class Handler:
    def __call__(self, number, frame):
        raise TimeIsUpError

def handle(number, frame):
    raise TimeIsUpError

@rbtrace.traced
def traced():
    pass

@rbtrace.traced(hot=True)
def hot():
    pass

def block():
    with rbtrace.span("block", a=1) as span:
        span.set_attribute("b", [1, 2])

def call_traced():
    traced()

def call_hot():
    hot()

def limited(work, handler):
    signal.signal(signal.SIGALRM, handler)
    raised = 0
    numbers = random.Random(1)
    for _ in range(200):
        try:
            signal.setitimer(signal.ITIMER_REAL, numbers.uniform(20e-6, 400e-6))
            while True:
                work()
        except TimeIsUpError:
            raised += 1
    return raised

with rbtrace.span("around"):
    for work in (block, call_traced, call_hot):
        for handler in (handle, Handler(), Handler().__call__, lambda *both: handle(*both)):
            print(limited(work, handler))
"""


@pytest.mark.parametrize("sampler", ["off", "signal"])
def test_a_time_limit_ends_what_it_limits(run_script, sampler):
    done = run_script(LIMITS, covered=False, RBTRACE_ENABLED="1", RBTRACE_SAMPLER=sampler)
    assert done.printed.split() == ["200"] * 12


def test_an_error_of_tracings_own_stays_inside(capsys):
    from rbtrace.errors import forget_warnings, warn_once

    def fail(number, text):
        raise ValueError(number, text)

    forget_warnings()
    try:
        fail(1, "not a frame")
    except ValueError:
        warn_once("test", "said")
    assert "said" in capsys.readouterr().err
