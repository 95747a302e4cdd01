"""Running one case: a real program, its deadline, and what is left when it is over."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from tests.durability.evidence import Counted, Kept
from tests.support.environment import uncovered
from tests.support.places import Place, Setting

PROGRAMS = Path(__file__).parent / "programs"
ENGINE_DATA = "ENGINE_DATA"
"""Stands in a command for the folder with rustybt's data."""
DEADLINE_S = 150.0
LEFT_BEHIND_S = 60.0
LOOK_EVERY_S = 0.01


@contextlib.contextmanager
def files(folder: Path) -> Iterator[Place]:
    """The ordinary destination."""
    yield Place(folder / "traces")


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        name: what the row is called.
        command: a program of `programs/` and its arguments.
        status: how the program is to end; None where it is not known.
        setting: where its traces go.
        complete: whether the report is to call the traces complete.
        killed: whether it is killed, and may lose what it recorded in the last flush interval.
        cut_short: processes that end within a call, which may have begun and not been counted.
        engine: whether it needs rustybt.
        slow: whether others of its kind stand for it in `make test`.
        collector: whether it needs the real collector.
        needs: a module without which it is left out.
        compared: whether it is to print what the search prints untraced.
        short_of_disk: whether it may lose what the report says is missing.
    """

    name: str
    command: tuple[str, ...]
    status: int = 0
    setting: Setting = files
    complete: bool = True
    killed: bool = False
    cut_short: int = 0
    engine: bool = False
    slow: bool = False
    collector: bool = False
    needs: str | None = None
    compared: bool = False
    short_of_disk: bool = False


@dataclass(frozen=True)
class Outcome:
    """A finished case."""

    case: Case
    status: int
    printed: str
    complaints: str
    counted: Counted
    kept: Kept
    deadlocks: int
    exit_s: float
    untraced: str | None


def run(case: Case, folder: Path, engine_data: Path) -> Outcome:
    """Run a case in a folder of its own and look at what it left.

    Raises:
        UnavailableError: this machine cannot make the place of the case.
    """
    counter = folder / "counter"
    counter.touch()
    command = tuple(
        str(engine_data) if argument == ENGINE_DATA else argument for argument in case.command
    )
    with case.setting(folder) as place:
        finished = execute(
            command,
            folder,
            {
                "RBTRACE_ENABLED": "1",
                "RBTRACE_DIR": str(place.traces),
                **place.environ,
            },
            lambda: place.meanwhile(counter),
        )
        more = place.afterwards()
        counted = Counted.read(counter)
        kept = Kept.read([place.traces, *more], received=more)
    exit_s = finished.exit_s(counted.ended_ns)
    untraced = reference(engine_data) if case.compared else None
    return Outcome(
        case,
        finished.status,
        finished.printed,
        finished.complaints,
        counted,
        kept,
        finished.deadlocks,
        exit_s,
        untraced,
    )


@cache
def reference(engine_data: Path) -> str:
    """What a search prints untraced: the same whatever its pool and its workers."""
    folder = Path(tempfile.mkdtemp(dir=engine_data.parent))
    finished = execute(("searches.py", str(engine_data), "plain", "2"), folder, {})
    assert finished.status == 0, finished.complaints
    return finished.printed


def ingest(folder: Path) -> None:
    """Make rustybt's data once for all cases that need it."""
    data = folder / "data"
    finished = execute(("searches.py", str(data), "ingest", "0"), folder, {})
    assert finished.status == 0, finished.complaints


@dataclass(frozen=True)
class Finished:
    """A program that is over, or was ended because it did not end.

    Attributes:
        waits: times, monotonic ns, and how long its main thread had waited for a core until then,
            ns: on a busy machine that is no fault of the program.
    """

    status: int
    printed: str
    complaints: str
    ended_ns: int
    deadlocks: int
    waits: list[tuple[int, int]]

    def exit_s(self, since_ns: int | None) -> float:
        """How long it took to exit, s, waiting for a core left out."""
        if since_ns is None:
            return 0.0
        waits = [waited for time_ns, waited in self.waits if time_ns >= since_ns]
        waited = waits[-1] - waits[0] if waits else 0
        return (self.ended_ns - since_ns - waited) / 1e9


def execute(
    command: tuple[str, ...],
    folder: Path,
    variables: Mapping[str, str],
    meanwhile: Callable[[], None] = lambda: None,
    launcher: tuple[str, ...] = (),
    deadline_s: float = DEADLINE_S,
) -> Finished:
    """Run a program of `programs/`; end what is still alive when it should long be over."""
    program, *arguments = command
    inherited = {k: v for k, v in uncovered().items() if not k.startswith(("RBTRACE_", "OTEL_"))}
    environ = {
        **inherited,
        "DURABILITY_COUNTER": str(folder / "counter"),
        "PYTHONPATH": str(PROGRAMS),
        **variables,
    }
    with (folder / "out").open("w+") as out, (folder / "err").open("w+") as err:
        process = subprocess.Popen(
            [*launcher, sys.executable, str(PROGRAMS / program), *arguments],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        meanwhile()
        waits = watched(process, deadline_s)
        ended_ns = time.monotonic_ns()
        deadlocks = end_what_is_left(environ["DURABILITY_COUNTER"], process.poll() is not None)
        process.wait()
        out.seek(0)
        err.seek(0)
        return Finished(process.returncode, out.read(), err.read(), ended_ns, deadlocks, waits)


def watched(process: subprocess.Popen[bytes], most_s: float) -> list[tuple[int, int]]:
    """Wait until a process ends, or should long have; give `Finished.waits`."""
    scheduler = Path(f"/proc/{process.pid}/schedstat")
    waits: list[tuple[int, int]] = []
    deadline = time.monotonic() + most_s
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError, IndexError):  # it has just ended, or this is no Linux
            waits.append((time.monotonic_ns(), int(scheduler.read_text().split()[1])))
        time.sleep(LOOK_EVERY_S)
    return waits


def end_what_is_left(counter: str, has_ended: bool) -> int:
    """Kill the processes of a case that outlived it by far; say how many there were."""
    deadline = time.monotonic() + (LEFT_BEHIND_S if has_ended else 0)
    left = processes_of(counter)
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = [one for one in left if is_at_work(one)]
    for one in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    return len(left)


def processes_of(counter: str) -> list[psutil.Process]:
    """All processes that a case has started, by the variable they inherit."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if is_at_work(process) and process.environ().get("DURABILITY_COUNTER") == counter:
                found.append(process)
    return found


def is_at_work(process: psutil.Process) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
