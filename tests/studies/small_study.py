"""A study of next to nothing, with cases that fail, hang or die if they are asked to."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import rbtrace
from rbtrace.errors import RbtraceError
from rbtrace.reporting.model import Column, Picture, Report, Table
from rbtrace.studies.batches import POOL, run_batch
from rbtrace.studies.catalogue import STUDIES, Study
from rbtrace.studies.dead_workers import end_with_a_dead_worker
from rbtrace.studies.evaluations import Evaluation, Sleeps
from rbtrace.studies.journal import Case, Measured

NAME = "small"


def cases(*, quick: bool) -> list[Case]:
    return [
        Case({"number": number, "do": os.environ.get(f"SMALL_{number}", "work")}, 0.5)
        for number in range(1, 4 if quick else 6)
    ]


def measure(settings, data: Path):
    match settings["do"]:
        case "fail":
            raise RbtraceError("no luck today")
        case "break":
            raise ZeroDivisionError("broken")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            time.sleep(600)
        case "pool":
            end_with_a_dead_worker()
            run_batch(POOL, 2, Evaluation(Sleeps(50)), 10_000)
    with rbtrace.span("small.work"):
        toil(0.3 if os.environ["RBTRACE_SAMPLER"] == "signal" else 0.0)
    threads = os.environ["OMP_NUM_THREADS"]
    return {"pid": os.getpid(), "square": settings["number"] ** 2, "threads": threads}


def toil(seconds: float) -> None:
    """Work long enough to be sampled."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        sum(range(1000))


def report(evidence) -> Report:
    columns: list[Column[Measured]] = [
        Column("number", lambda case: str(case.settings["number"])),
        Column("square", lambda case: str(case.results["square"])),
    ]
    return Report(
        title="Small",
        complete=evidence.complete,
        integrity=evidence.opening(),
        figures=[("cases", str(len(evidence.measured)))],
        tables=[Table.of("Squares", columns, evidence.measured)],
        findings=["Squares grow <fast>."],
        pictures=[Picture("Drawn", "drawn.svg", "<svg><text>drawn</text></svg>")],
        warnings=evidence.warnings(),
    )


def register(**changes) -> None:
    """Add the study to those there are."""
    STUDIES[NAME] = Study("whether squares grow", __name__, **changes)
