"""A worker that dies takes its task along, and the pool waits for the result without end."""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.pool import Pool
from typing import Any

from rbtrace.bench.processes import left_with
from rbtrace.errors import RbtraceError


def end_with_a_dead_worker() -> None:
    """Let this process end, with one line that says why, when a worker of any pool dies.

    An exception would not do: rustybt catches it, and closing the pool waits for the lost task.
    """
    join_exited: Any = vars(Pool)["_join_exited_workers"].__func__

    def watched(workers: list[Any]) -> Any:
        before = list(workers)
        cleaned = join_exited(workers)  # looks first: one that is about to die would slip through
        for worker in before:
            if worker not in workers and worker.exitcode:
                _end(f"worker {worker.pid} {left_with(worker.exitcode)}, and its task with it")
        return cleaned

    setattr(Pool, "_join_exited_workers", staticmethod(watched))  # noqa: B010 - unknown to mypy


def _end(message: str) -> None:
    sys.stderr.write(f"{message}: the pool would wait for its result without end\n")
    sys.stderr.flush()
    for worker in multiprocessing.active_children():
        worker.kill()
    os._exit(RbtraceError.exit_code)
