"""Measuring what a study has not measured yet: one fresh process after the other."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from rbtrace.comparison.bench.environment import load, untraced
from rbtrace.comparison.bench.processes import measure
from rbtrace.studies.case import Case, Measured
from rbtrace.studies.journal import TRACES, Journal

OUTPUT: Final = "output"
RESULT: Final = "result.json"

ONE_THREAD: Final = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "POLARS_MAX_THREADS",
    ),
    "1",
)
"""Libraries that would use every core for themselves: what is measured is the number of workers."""

Progress = Callable[[Case], None]
"""Told of each case just before it is measured."""


def remaining(journal: Journal, cases: Sequence[Case]) -> list[Case]:
    """The cases that are not kept yet, in order."""
    kept = journal.measured()
    return [case for case in cases if case.key not in kept]


def run_cases(
    journal: Journal,
    module: str,
    cases: Sequence[Case],
    *,
    data: Path,
    timeout: float,
    progress: Progress,
) -> Iterator[Measured]:
    """Measure cases and keep each as it ends.

    Args:
        journal: where they are kept.
        module: the study's.
        cases: what to measure, in order.
        data: rustybt's data folder.
        timeout: seconds after which a case counts as hanging.
        progress: told of each case just before it starts.

    Raises:
        CommandError: a process failed, died or hung; the cases before it are kept.
    """
    for case in cases:
        progress(case)
        measured = _run(journal, module, case, data, timeout)
        journal.keep(measured)
        yield measured


def _run(journal: Journal, module: str, case: Case, data: Path, timeout: float) -> Measured:
    study = journal.folder.name
    run_id = case.run_id(study)
    shutil.rmtree(journal.folder / TRACES / run_id, ignore_errors=True)  # of an interrupted case
    result = journal.folder.absolute() / RESULT
    result.unlink(missing_ok=True)
    settings = msgspec.json.encode(case.settings).decode()
    command = [sys.executable, "-m", "rbtrace.studies.process", module, settings]
    command += ["--data", str(data.absolute()), "--result", str(result)]
    environ = untraced(os.environ) | ONE_THREAD | {"PYTHONHASHSEED": "0"}
    if case.traced:
        environ |= {
            "RBTRACE_ENABLED": "1",
            "RBTRACE_RUN_ID": run_id,
            "RBTRACE_DIR": str(journal.folder.absolute() / TRACES),
            "RBTRACE_SAMPLER": "signal" if case.sampled else "off",
        }
    before, started = load(), time.time_ns()
    used = measure(command, environ, Path.cwd(), journal.folder / OUTPUT / f"{run_id}.txt", timeout)
    found = msgspec.json.decode(result.read_bytes())
    result.unlink()
    return Measured(
        settings=case.settings,
        traced=case.traced,
        run_id=run_id,
        started_ns=started,
        wall_ns=used.wall_ns,
        cpu_ns=used.cpu_ns,
        peak_bytes=used.peak_bytes,
        load=before,
        found=found,
        sampled=case.sampled,
    )
