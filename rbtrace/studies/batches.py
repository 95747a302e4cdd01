"""A batch of tasks: what is kept of it, and the log that its sender keeps."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct

from rbtrace.errors import RbtraceError
from rbtrace.studies.evaluations import Evaluated


class Batch(Struct, kw_only=True):
    """A batch of tasks that was evaluated; times of the monotonic clock, ns, by task.

    Attributes:
        began_ns: before the pool was made.
        ended_ns: after it was closed.
        sent_ns: when a task was given to the pool.
        received_ns: when its result was taken from the pool.
        evaluated: what the workers said.
    """

    began_ns: int
    ended_ns: int
    sent_ns: list[int]
    received_ns: list[int]
    evaluated: list[Evaluated]


class Log:
    """What the process that has the pool sees of a batch of tasks."""

    def __init__(self, tasks: int, name: str = "") -> None:
        self.tasks = tasks
        self.name = name
        self.sent_ns: list[int] = []
        self.received_ns = [0] * tasks
        self.evaluated: list[Evaluated] = []
        self.failures: list[str] = []

    def send(self) -> int:
        """The next task is given to the pool."""
        self.sent_ns.append(time.monotonic_ns())
        return len(self.sent_ns) - 1

    def receive(self, evaluated: Evaluated) -> None:
        """A result has come back."""
        self.received_ns[evaluated.task] = time.monotonic_ns()
        self.evaluated.append(evaluated)

    def fail(self, problem: object) -> None:
        """A task failed."""
        self.failures.append(repr(problem))

    def check(self) -> None:
        """Refuse a batch that is not whole."""
        if self.failures:
            raise RbtraceError(f"{len(self.failures)} tasks failed: {self.failures[0]}")
        if sorted(one.task for one in self.evaluated) != list(range(self.tasks)):
            raise RbtraceError(f"{len(self.evaluated)} results came back of {self.tasks} tasks")


def timed_batch(tasks: int, run: Callable[[Log], None], name: str = "") -> Batch:
    """Evaluate tasks 0, 1, … by a function that logs what it sends and receives.

    Raises:
        RbtraceError: a task failed.
    """
    log = Log(tasks, name)
    began = time.monotonic_ns()
    run(log)
    ended = time.monotonic_ns()
    log.check()
    return Batch(
        began_ns=began,
        ended_ns=ended,
        sent_ns=log.sent_ns,
        received_ns=log.received_ns,
        evaluated=sorted(log.evaluated),
    )
