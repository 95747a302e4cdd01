"""The measurements and traces of a study, read for its report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rbtrace.analysis.analyze import analyze_paths
from rbtrace.analysis.results import Results
from rbtrace.reporting.analysis import describe_integrity
from rbtrace.reporting.model import Options, Table
from rbtrace.reporting.numbers import count, duration, size
from rbtrace.reporting.tables import breakdown
from rbtrace.studies.flames import case_to_sample
from rbtrace.studies.journal import TRACES, Case, Head, Journal, Measured

_ABOUT = ("cpu", "cores", "usable_cores", "system")


@dataclass(frozen=True)
class Evidence:
    """The journal of a study, read.

    Attributes:
        folder: the study's.
        head: where and with what it was measured.
        cases: all that were planned.
        measured: those that are kept, in the order of the plan.
        quick: whether the plan is the small one.
    """

    folder: Path
    head: Head
    cases: Sequence[Case]
    measured: Sequence[Measured]
    quick: bool = False

    @classmethod
    def read(cls, journal: Journal, head: Head, cases: Sequence[Case], *, quick: bool) -> Evidence:
        """Take from a journal what belongs to the planned cases."""
        kept = journal.measured()
        measured = [kept[case.key] for case in cases if case.key in kept]
        return cls(journal.folder, head, cases, measured, quick)

    def results_of(self, run_id: str) -> Results:
        """The analysis of one case's traces."""
        return analyze_paths([self.folder / TRACES / run_id])

    def results_of_each(self) -> Iterator[Results]:
        """The analysis of each traced case."""
        return (self.results_of(case.run_id) for case in self._traced)

    @cached_property
    def results(self) -> Results:
        """The analysis of the traces of all cases."""
        return analyze_paths([self.folder / TRACES / case.run_id for case in self._traced])

    @property
    def _traced(self) -> list[Measured]:
        return [case for case in self.measured if case.traced]

    @property
    def sampled(self) -> Path | None:
        """The traces of the process whose stacks were sampled, if that is done."""
        case = case_to_sample(self.cases)
        if case is None or case.key not in Journal(self.folder).measured():
            return None
        return self.folder / TRACES / case.run_id(self.folder.name)

    @property
    def complete(self) -> bool:
        """Whether every planned case is measured, and all its spans are there."""
        whole = len(self.measured) == len(self.cases)
        return whole and self.results.integrity.complete is True

    @property
    def spent_ns(self) -> int:
        """How long the measured processes took, one after the other."""
        return sum(case.wall_ns for case in self.measured)

    def opening(self) -> list[str]:
        """What opens the report: how much was measured, on what, and whether spans are missing."""
        loads = [case.load for case in self.measured if case.load is not None]
        busy = f", load average {min(loads):g} … {max(loads):g} at their starts" if loads else ""
        measured = (
            f"{command_of(self.folder.name, quick=self.quick)}: {count(len(self.measured))} of "
            f"{count(len(self.cases))} cases measured, each in a fresh process, in "
            f"{duration(self.spent_ns)}{busy}."
        )
        about = ", ".join(f"{name} {text}" for name, text in self._environment())
        begun = f"Begun {self.head.created} with rbtrace {self.head.rbtrace}; {about}."
        return [measured, *describe_integrity(self.results.integrity), begun]

    def warnings(self) -> list[str]:
        """What makes the figures doubtful."""
        doubts = []
        cores = self.cores
        busiest = max((case.load or 0.0 for case in self.measured), default=0.0)
        if busiest > cores:
            doubts.append(
                f"The load average was up to {busiest:g} when a case started, with {cores} usable "
                "cores. What is not left over from the case before made durations longer than "
                "they are on an idle machine."
            )
        doubts += [
            f"The stacks of one measured process were sampled, which adds to its times: {case}."
            for case in self.cases
            if case.sampled
        ]
        return doubts

    @property
    def cores(self) -> int:
        """Cores that the processes could use."""
        environment = self.head.environment
        return int(environment.get("usable_cores") or environment["cores"])

    def _environment(self) -> list[tuple[str, object]]:
        environment = self.head.environment
        return [
            *(
                (name.replace("_", " "), environment[name])
                for name in _ABOUT
                if environment.get(name)
            ),
            ("memory", size(environment.get("memory_bytes"))),
            *self.head.versions.items(),
        ]

    def operations(self) -> Table:
        """Where the time of all traced cases went, by operation."""
        table = breakdown(self.results, Options())
        return Table("Operations, in all traced cases", table.columns, table.rows, table.note)


def command_of(study: str, *, quick: bool) -> str:
    """The command that measures what a report is of."""
    return f"rbtrace scenario {study}{' --quick' if quick else ''} -o DIR"
