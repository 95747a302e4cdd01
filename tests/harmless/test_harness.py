"""The harness itself sees what it is there to see, and ends what it has seen."""

from __future__ import annotations

import sys

import psutil
import pytest

from tests.harmless import runner
from tests.harmless.judgement import faults, faults_untraced
from tests.harmless.program import Program
from tests.harmless.runner import Interpreter, own_words, run
from tests.support.interpreters import THIS

DIFFERENT = """
import os, sys
on = "RBTRACE_ENABLED" in os.environ
print("out", on)
print("err", on, file=sys.stderr)
os.umask(0o077 if on else 0o022)
with open("file", "w") as file:
    file.write("the same")
sys.exit(int(on))
"""
ORPHAN = """
import os, subprocess
environ = {"PATH": os.environ["PATH"]}
child = subprocess.Popen(["sleep", "1000"], env=environ, start_new_session=True)
print(child.pid, flush=True)
os._exit(0)
"""
HANGING = """
import threading
print("before", flush=True)
threading.Event().wait()
"""
TRACEBACK = """\
Traceback (most recent call last):
  File "FOLDER/program.py", line 1, in <module>
    work()
  File "{package}/recording/wrappers.py", line 2, in call
    return function()
           ^^^^^^^^^^
  File "FOLDER/program.py", line 3, in work
    fail()
ValueError
"""


@pytest.fixture
def run_code(tmp_path):
    """Run code as a program, in a mode."""
    interpreter = Interpreter(THIS, sys.executable)

    def run_in(mode, code, **fields):
        program = Program("plain", command=("-c", code), **fields)
        return program, run(program, mode, interpreter, tmp_path / mode, {})

    return run_in


def test_every_difference_is_named(run_code):
    _, off = run_code("off", DIFFERENT)
    program, on = run_code("summaries", DIFFERENT)
    named = [
        fault.partition(":")[0].partition(" 1,")[0] for fault in faults(program, "calls", off, on)
    ]
    assert named == ["exit status", "standard output", "standard error", "files"]
    assert faults(program, "off", off, off) == faults_untraced(program, off) == []


def test_a_process_that_outlives_its_program_is_named_and_ended(run_code, monkeypatch):
    monkeypatch.setattr(runner, "GRACE_S", 0.1)
    program, left = run_code("off", ORPHAN)
    (fault,) = faults_untraced(program, left)
    assert "left processes behind: ('sleep 1000',)" in fault
    assert not psutil.pid_exists(int(left.printed))


def test_a_program_that_hangs_is_ended_and_its_stack_shown(run_code):
    program, left = run_code("off", HANGING, longest_s=1.0)
    assert left.timed_out
    assert "did not end within" in faults_untraced(program, left)[0]
    assert "Event.wait" in left.stacks or "waits in" in left.stacks


def test_spans_that_are_missing_are_named(run_code):
    code = "import rbtrace\nwith rbtrace.span('one'): print(1)"
    program, on = run_code("summaries", code, calls={"one": 2})
    assert faults(program, "summaries", on, on) == ["recorded {'one': 1}, not {'one': 2}"]


def test_frames_of_wrappers_are_left_out_and_no_others(tmp_path):
    text = TRACEBACK.format(package=runner.PACKAGE).replace("FOLDER", str(tmp_path))
    without = own_words(text, tmp_path).splitlines()
    assert [line for line in without if "File" in line] == [
        '  File "FOLDER/program.py", line 1, in <module>',
        '  File "FOLDER/program.py", line 3, in work',
    ]
    assert "    return function()" not in without
    assert without[-1] == "ValueError"
