"""A session of one study: measures its cases, resumes what was begun, writes the report."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec
import psutil

from rbtrace.comparison.bench.environment import (
    check_same_machine,
    describe_machine,
    load,
    untraced,
    versions,
)
from rbtrace.comparison.bench.processes import measure
from rbtrace.errors import InputError, RbtraceError
from rbtrace.reporting import html, markdown
from rbtrace.reporting.model import Report
from rbtrace.reporting.numbers import size
from rbtrace.studies.catalogue import STUDIES
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.flames import case_to_sample, flame_graph, with_one_sampled
from rbtrace.studies.journal import TRACES, Case, Head, Journal, Measured
from rbtrace.studies.plots import need_matplotlib
from rbtrace.version import __version__

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
    figures = msgspec.json.decode(result.read_bytes())
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
        results=figures,
        sampled=case.sampled,
    )


DATA: Final = "rustybt-data"
REPORT: Final = "report"
EXTENDED: Final = "EXTENDED_OPERATIONS_PROFILING_REPORT"
EXTENDED_TITLE: Final = "Heavy operations of rustybt, studied"


class Session:
    """A study in a folder.

    Raises:
        MissingExtraError: a package is not installed.
        InputError: the folder is damaged, or was begun on another machine.
    """

    def __init__(self, name: str, folder: Path, *, quick: bool) -> None:
        need_matplotlib()
        self.name = name
        self._quick = quick
        self._study = STUDIES[name]
        self._module = self._study.load()
        self._data = folder / DATA
        cases = self._module.cases(quick=quick)
        self.cases = with_one_sampled(cases) if quick else cases
        self._flame = case_to_sample(self.cases)
        self.journal = Journal(folder / name)
        self.head = self.journal.open(_head(name))
        check_same_machine(self.head.environment)
        self.journal.mend()

    @property
    def remaining(self) -> list[Case]:
        """What is still to be measured."""
        return remaining(self.journal, self.cases)

    @property
    def to_sample(self) -> Case | None:
        """The further case whose stacks are still to be sampled for the flame graph."""
        if self._flame is None or self._flame in self.cases:
            return None
        return next(iter(remaining(self.journal, [self._flame])), None)

    def sample(self, timeout: float) -> None:
        """Sample the stacks of one case in a process of its own, unless that is done.

        Raises:
            RbtraceError: it failed, died or hung.
        """
        case = self.to_sample
        if case:
            list(self._run([case], timeout, lambda _: None))

    def measure(self, timeout: float, progress: Callable[[Case, float | None], None]) -> None:
        """Measure what is missing.

        Args:
            timeout: seconds after which a case counts as hanging.
            progress: told of each case before it starts, and of the seconds that are left as far
                as can be told.

        Raises:
            RbtraceError: too little memory or disk is free; a case failed, died or hung.
        """
        left = self.remaining
        if not left:
            return
        self._check_room()
        spent = expected = 0.0

        def tell(case: Case) -> None:
            to_come = sum(case.expected_s for case in left) - expected
            progress(case, to_come * spent / expected if expected else None)

        for measured in self._run(left, timeout, tell):
            spent += measured.wall_ns / 1e9
            expected = sum(case.expected_s for case in left) - sum(
                case.expected_s for case in self.remaining
            )

    @cached_property
    def evidence(self) -> Evidence:
        """Everything that is measured.

        Raises:
            InputError: not everything is measured.
        """
        left = len(self.remaining)
        if left:
            raise InputError(f"{self.name}: {left} of {len(self.cases)} cases are not measured yet")
        return Evidence.read(self.journal, self.head, self.cases, quick=self._quick)

    def report(self) -> Report:
        """Report on what is measured, and write it into the folder.

        Raises:
            InputError: not everything is measured.
        """
        report = self._with_flame(self._module.report(self.evidence))
        folder = self.journal.folder
        for picture in report.pictures:
            (folder / picture.file).write_text(picture.svg, encoding="utf-8")
        _write(folder / f"{REPORT}.md", markdown.render_report(report))
        _write(folder / f"{REPORT}.html", html.render_report(report))
        return report

    def _run(self, cases: Sequence[Case], timeout: float, progress: Progress) -> Iterator[Measured]:
        return run_cases(
            self.journal,
            self._study.module,
            cases,
            data=self._data,
            timeout=timeout,
            progress=progress,
        )

    def _with_flame(self, report: Report) -> Report:
        """Add the flame graph to a report, if stacks were sampled."""
        traces = self.evidence.sampled
        if self._flame is None or traces is None:
            return report
        flame = flame_graph(traces, self._flame)
        return replace(
            report,
            pictures=[*report.pictures, *flame.pictures],
            warnings=[*report.warnings, *flame.warnings],
        )

    def _check_room(self) -> None:
        free = psutil.virtual_memory().available
        _check("memory", free, self._study.memory_bytes, self.name)
        disk = shutil.disk_usage(self.journal.folder).free
        _check(f"disk for {self.journal.folder}", disk, self._study.disk_bytes, self.name)


def write_extended(
    folder: Path, reports: dict[str, Report], overview: Report | None = None
) -> Path:
    """Write the reports of several studies as one document, Markdown and HTML.

    Args:
        folder: of the studies.
        reports: by study.
        overview: what compares them, which stands first.
    """
    parts = [overview] if overview else []
    parts += [
        replace(
            report,
            pictures=[
                replace(picture, file=f"{name}/{picture.file}") for picture in report.pictures
            ],
        )
        for name, report in reports.items()
    ]
    blocks = [
        f"# {EXTENDED_TITLE}\n",
        *(markdown.render_report(report, level=2) for report in parts),
    ]
    path = folder / f"{EXTENDED}.md"
    _write(path, "\n".join(blocks))
    _write(path.with_suffix(".html"), html.render_page(EXTENDED_TITLE, parts))
    return path


def _head(name: str) -> Head:
    return Head(
        study=name,
        environment=describe_machine(),
        versions=versions(sys.executable, Path.cwd(), *ONE_THREAD.items()),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rbtrace=__version__,
    )


def _check(what: str, free: int, needed: int, name: str) -> None:
    if free < needed:
        raise RbtraceError(
            f"{name} needs {size(needed)} of {what}, and {size(free)} is free: free some, then "
            "run the same command again"
        )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise RbtraceError(f"cannot write {path}: {problem.strerror}") from None
