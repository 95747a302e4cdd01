"""Traced functions of a script can be sent to workers by value, as Ray and joblib send them."""

from __future__ import annotations

import pytest

from rbtrace import conventions as key

PROGRAM = """
import pickle, subprocess, sys
import cloudpickle
import rbtrace

@rbtrace.traced(hot=True)
def hot(number):
    return number + 1

@rbtrace.traced
def work(number):
    return hot(number)

class Owner:
    @rbtrace.traced(hot=True)
    def method(self):
        return work(1)

RECEIVE = "import pickle, sys; print(pickle.load(sys.stdin.buffer)())"
sent = cloudpickle.dumps(lambda: (hot(1), work(2), Owner().method()))
print(pickle.loads(sent)())
subprocess.run([sys.executable, "-c", RECEIVE], input=sent, check=True)
"""


@pytest.mark.parametrize("enabled", ["0", "1"])
def test_functions_of_a_script(run_script, enabled):
    pytest.importorskip("cloudpickle")
    done = run_script(PROGRAM, RBTRACE_ENABLED=enabled)
    assert done.printed.splitlines() == ["(2, 3, 2)"] * 2
    if enabled == "1":
        calls = [span.attributes[key.SPAN_COUNT] for span in done.spans if span.is_summary]
        assert sum(calls) == 2 * 4
