"""One measured process: what it used, and every way in which it can go wrong."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from rbtrace.comparison.bench.processes import CommandError, Usage, left_with, measure


def measured(program: str, tmp_path: Path, timeout: float = 60) -> Usage:
    command = [sys.executable, "-c", program]
    return measure(command, os.environ, tmp_path, tmp_path / "log" / "run.txt", timeout)


def test_wall_time_is_that_of_the_clock(tmp_path: Path) -> None:
    started = time.perf_counter_ns()
    used = measured("import time; time.sleep(0.3)", tmp_path)

    assert 0.3e9 <= used.wall_ns <= time.perf_counter_ns() - started
    assert used.cpu_ns < used.wall_ns


def test_children_count(tmp_path: Path) -> None:
    busy = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', "
        "'import time\\nwhile time.process_time() < 0.3: pass\\nx = bytearray(1 << 30)'])"
    )

    used = measured(busy, tmp_path)

    assert used.cpu_ns >= 0.3e9
    assert used.peak_bytes is not None
    assert 1 << 30 <= used.peak_bytes < 1100 << 20


def test_a_small_program_is_not_charged_with_our_memory(tmp_path: Path) -> None:
    ours = bytearray(64 << 20)

    assert measured("pass", tmp_path).peak_bytes is None
    del ours


def test_a_program_that_succeeds_leaves_no_output(tmp_path: Path) -> None:
    measured("print('done')", tmp_path)

    assert not (tmp_path / "log" / "run.txt").exists()


def test_a_failure_says_what_was_said_last_and_where_the_rest_is(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"left with 1: the disk is full \(all .*run\.txt\)"):
        measured("print('begun', flush=True); raise SystemExit('the disk is full')", tmp_path)

    assert "begun" in (tmp_path / "log" / "run.txt").read_text()


def test_a_signal_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"was ended by SIGKILL: no message"):
        measured("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", tmp_path)
    assert left_with(-255) == "was ended by signal 255"


def test_a_program_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, pathlib, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"written = pathlib.Path({str(tmp_path / 'written')!r})\n"
        "written.write_text(str(child.pid))\n"
        "written.rename(written.with_name('pid'))\n"
        "time.sleep(600)"
    )

    for timeout in (2, 8, 32):  # on a busy machine a program may take seconds to start another
        with pytest.raises(CommandError, match=rf"still running after {timeout} s and was ended"):
            measured(program, tmp_path, timeout=timeout)
        if (tmp_path / "pid").exists():
            break

    assert is_gone(int((tmp_path / "pid").read_text()))


def test_what_a_program_leaves_running_is_ended(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys; child = subprocess.Popen("
        "[sys.executable, '-c', 'import time; time.sleep(600)']); "
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))"
    )

    measured(program, tmp_path)

    assert is_gone(int((tmp_path / "pid").read_text()))


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot start /no/such"):
        measure(["/no/such"], os.environ, tmp_path, tmp_path / "run.txt", 1)


def is_gone(pid: int) -> bool:
    """Whether a process ends within seconds; a zombie that nobody waits for has ended."""
    for _ in range(100):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False
