"""All runs of all selected programs, side by side: each test waits for its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

from tests.harmless.judgement import Run, faults, faults_untraced
from tests.harmless.program import Program
from tests.harmless.runner import Interpreter, Left, run
from tests.support.interpreters import THIS, executable


@dataclass(frozen=True)
class Job:
    """A program to be run in all its modes by one Python."""

    program: Program
    python: str
    number: int

    @property
    def modes(self) -> tuple[str, ...]:
        """All, in the first run by this Python; in each later one half of them, by turns.

        What another Python does differently shows in the first two.
        """
        modes = self.program.modes
        if self.python != THIS:
            return modes[:2]
        return modes[self.number % 2 :: 2] if self.number and len(modes) > 1 else modes

    @property
    def label(self) -> str:
        """As the test is called."""
        return f"{self.program.name}, {self.python}, run {self.number + 1}"

    def __hash__(self) -> int:
        """Programs hold mappings; their names are theirs alone."""
        return hash(self.label)


def start(
    executor: Executor, job: Job, folder: Path, collectors: Mapping[str, Mapping[str, str]]
) -> Callable[[], Run]:
    """Have it run; give a function that waits for what came of it."""
    interpreter = Interpreter(job.python, executable(job.python))
    place = Path(tempfile.mkdtemp(dir=folder))

    def in_mode(mode: str) -> Future[Left]:
        collector = collectors.get(mode, {})
        own = place / mode.replace(" ", "-")
        return executor.submit(run, job.program, mode, interpreter, own, collector)

    untraced = in_mode("off")
    traced = {mode: in_mode(mode) for mode in job.modes}

    def finished() -> Run:
        off = untraced.result()
        lefts = {mode: future.result() for mode, future in traced.items()}
        found = {"off": faults_untraced(job.program, off)}
        found |= {mode: faults(job.program, mode, off, left) for mode, left in lefts.items()}
        elapsed = {mode: left.elapsed_s for mode, left in ({"off": off} | lefts).items()}
        return Run(job.program.name, job.python, elapsed, found)

    return finished
