"""`rbtrace.compare`: a comparison as one object, with frames and the report of it.

The report opens with the verdict and the work, then come the times.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rbtrace.comparison.arms import MEASURES
from rbtrace.comparison.changes import FAMILY_SHARE
from rbtrace.comparison.compare import compare_paths
from rbtrace.comparison.decisions import make_policy
from rbtrace.comparison.results import Change, ComparisonResults, OperationChange, Outcome
from rbtrace.comparison.work import Counts, PathWork
from rbtrace.reporting.formats import Reported, frame
from rbtrace.reporting.model import Column, Options, Report, Table
from rbtrace.reporting.numbers import count, duration, percent

if TYPE_CHECKING:
    import pandas as pd

_NOTHING: Final = "–"
_PATHS: Final = 20
"""Call paths that a report lists; JSON lists all."""


class Comparison(Reported[ComparisonResults]):
    """How a candidate compares with a baseline.

    The frames have one column per field of a row, as in the JSON report; times are ns, ratios
    candidate ÷ baseline.
    """

    @property
    def outcome(self) -> Outcome:
        """The decision, the gate, what failed, and the exit status of the command."""
        return self.results.outcome

    @property
    def overall(self) -> pd.DataFrame:
        """One measure of a run per row; the gate is made of the first."""
        return frame(self.results.overall, Change)

    @property
    def operations(self) -> pd.DataFrame:
        """One operation per row, the greatest part in the change first."""
        return frame(self.results.operations, OperationChange)

    @property
    def work(self) -> pd.DataFrame:
        """One call path whose number of calls differs per row."""
        work = self.results.work
        return frame([] if work is None else work.differences, PathWork)

    def _report(self, options: Options) -> Report:
        return compose_comparison(self.results, full=options.full)

    def __repr__(self) -> str:
        return f"<Comparison: {self.outcome.decision}, gate {self.outcome.gate}>"


def compare(baseline: str | Path, candidate: str | Path | None = None, **policy: Any) -> Comparison:
    """Compare two arms.

    Args:
        baseline: traces, a result of `rbtrace bench`, or a file of pyperf or pytest-benchmark.
        candidate: the same of the other arm; by default the other arm of what `baseline` names.
        **policy: as for `rbtrace.comparison.decisions.make_policy`: `threshold`, `max_regression`,
            `require_improvement`, `work`.

    Raises:
        InputError: an arm cannot be read, or the two have nothing in common.
        RbtraceError: a threshold is not a number of per cent.
    """
    other = baseline if candidate is None else candidate
    return Comparison(compare_paths(baseline, other, make_policy(**policy)))


def compose_comparison(results: ComparisonResults, *, full: bool = False) -> Report:
    """Make the report; `full` lists every operation and call path."""
    tables = []
    if results.work is not None and results.work.differences:
        tables.append(_paths("Work that differs", results.work.differences, full=full))
    if results.work is not None and results.work.varying and full:
        tables.append(_paths("Work that varies from run to run", results.work.varying, full=full))
    tables.append(_measures(results.overall))
    if results.operations:
        tables.append(_operations(results, full=full))
    if results.baseline.environment or results.candidate.environment:
        tables.append(_environment(results))
    accepted = True if results.outcome.decision == "ACCEPT" else None
    return Report(
        title="Candidate against baseline",
        complete=False if results.outcome.failed else accepted,
        integrity=[*_verdict(results), *_describe_work(results)],
        figures=_figures(results),
        tables=tables,
        warnings=[
            *results.warnings,
            *(
                f"{change.name}: {warning.message}"
                for change in results.overall[:1]
                for warning in change.warnings
            ),
        ],
    )


def format_change(ratio: float | None) -> str:
    """A ratio as a signed change: `+15.3 %`, `−12.0 %`."""
    return _NOTHING if ratio is None else f"{_signed(100 * (ratio - 1), '.1f')} %"


def _verdict(results: ComparisonResults) -> list[str]:
    whole, outcome, policy = results.overall[0], results.outcome, results.policy
    confirmed = " (confirmed)" if outcome.confirmed else ""
    threshold = f"an improvement is {policy.threshold:g} % or more"
    lines = [f"{outcome.decision}{confirmed}: {whole.name} {_with_interval(whole)}; {threshold}."]
    if outcome.gate is not None:
        lines.append(f"Regression gate {outcome.gate}: {policy.max_regression:g} % is allowed.")
    lines += [f"No verdict: {reason}." for reason in outcome.open]
    lines += [f"Failed: {reason}." for reason in outcome.failed]
    return lines


def _with_interval(change: Change) -> str:
    text = format_change(change.ratio)
    if change.ci is not None:
        text += f" [{', '.join(map(format_change, change.ci))}]"
    return text if change.p_value is None else f"{text}, p {format_p(change.p_value)}"


def format_p(p: float | None) -> str:
    """A p value: `= 0.031`, `< 0.0001`."""
    if p is None:
        return _NOTHING
    return "< 0.0001" if p < 0.0001 else f"= {p:.2g}"


def _describe_work(results: ComparisonResults) -> list[str]:
    work = results.work
    if work is None:
        return ["Work: calls were not recorded in both arms."]
    calls = f"{_calls(work.calls_baseline)} calls on {count(work.paths)} call paths"
    if work.same:
        varying = f"; {count(len(work.varying))} paths vary from run to run" if work.varying else ""
        lines = [f"Work: no difference, {calls}{varying}."]
    else:
        lines = [
            f"Work differs on {count(len(work.differences))} of {count(work.paths)} call paths."
        ]
    return [*lines, f"Result: {work.result}."]


def _figures(results: ComparisonResults) -> list[tuple[str, str]]:
    whole, design = results.overall[0], results.design
    unpaired = f"{count(design.runs_baseline)} and {count(design.runs_candidate)}"
    paired = f"{count(design.runs_baseline)} in pairs"
    return [
        ("baseline", results.baseline.name),
        ("candidate", results.candidate.name),
        ("runs of each arm", paired if design.paired else f"{unpaired}, not in pairs"),
        ("method", whole.method or _NOTHING),
        ("spread of runs (CV)", percent(whole.run_cv)),
        (
            "least change that would be found",
            _NOTHING if whole.mde is None else f"{whole.mde:.1f} %",
        ),
    ]


def _paths(title: str, rows: Sequence[PathWork], *, full: bool) -> Table:
    columns: list[Column[PathWork]] = [
        Column("call path", lambda row: " › ".join(row.path), right=False),
        Column("baseline", lambda row: _calls(row.baseline)),
        Column("candidate", lambda row: _calls(row.candidate)),
        Column("excess", lambda row: _NOTHING if row.excess is None else _signed(row.excess, ",")),
    ]
    listed = rows if full else rows[:_PATHS]
    table = Table.of(title, columns, listed, "Calls of a run. Exact: no clock is involved.")
    if len(rows) > len(listed):
        table.add(f"{count(len(rows) - len(listed))} more", rest=True)
    return table


def _calls(counts: Counts) -> str:
    if counts.exact:
        return count(counts.least)
    return f"{count(counts.least)}…{count(counts.greatest)}"


def _measures(changes: Sequence[Change]) -> Table:
    columns: list[Column[Change]] = [
        Column("measure", lambda row: row.name, right=False),
        *_CHANGE_COLUMNS,
        Column("p", lambda row: format_p(row.p_value).removeprefix("= ")),
        Column("verdict", lambda row: row.decision or _NOTHING),
        _GATE_COLUMN,
    ]
    meanings = " ".join(f"{row.name}: {MEASURES[row.name].meaning}." for row in changes)
    return Table.of("Times of a run", columns, changes, f"Geometric means. {meanings}")


def _operations(results: ComparisonResults, *, full: bool) -> Table:
    columns: list[Column[OperationChange]] = [
        Column("operation", lambda row: row.name, right=False),
        Column("part", lambda row: _part(row.contribution_percent)),
        *_CHANGE_COLUMNS,
        Column("p", lambda row: format_p(row.adjusted_p).removeprefix("= ")),
        Column("verdict", lambda row: row.note if row.decision is None else row.decision),
        _GATE_COLUMN,
    ]
    note = (
        "Part: percentage points of the change of all self time that are this operation's; they "
        "add up. Self time of a run. p: adjusted after Holm for all operations together."
    )
    rows = results.operations
    listed = [row for row in rows if full or _worth_a_row(row)]
    rest = [row for row in rows if not (full or _worth_a_row(row))]
    table = Table.of("What explains the change", columns, listed, note)
    if rest:
        label = f"{count(len(rest))} more below {FAMILY_SHARE:.1%}"
        table.add(label, _part(_sum_of_parts(rest)), rest=True)
    table.add("all", _part(_sum_of_parts(rows)))
    return table


def _sum_of_parts(rows: Sequence[OperationChange]) -> float:
    return sum(row.contribution_percent or 0.0 for row in rows)


def _environment(results: ComparisonResults) -> Table:
    ours, theirs = results.baseline.environment, results.candidate.environment
    columns: list[Column[str]] = [
        Column("measured with", str, right=False),
        Column("baseline", lambda name: ours.get(name, _NOTHING), right=False),
        Column("candidate", lambda name: theirs.get(name, _NOTHING), right=False),
    ]
    return Table.of("Environment", columns, dict.fromkeys([*ours, *theirs]))


def _worth_a_row(change: OperationChange) -> bool:
    shares = (change.share_baseline or 0.0, change.share_candidate or 0.0)
    return max(shares) >= FAMILY_SHARE


def _part(per_cent: float | None) -> str:
    return _NOTHING if per_cent is None else _signed(per_cent, ".2f")


def _signed(number: float, spec: str) -> str:
    return f"{number:+{spec}}".replace("-", "−")


def _interval(change: Change) -> str:
    if change.ci is None:
        return _NOTHING
    low, high = map(format_change, change.ci)
    return f"{low} … {high}"


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return _NOTHING
    return f"{value / 2**20:,.1f} MiB" if unit == "byte" else duration(value)


_CHANGE_COLUMNS: Final[list[Column[Change]]] = [
    Column("baseline", lambda row: _amount(row.baseline, row.unit)),
    Column("candidate", lambda row: _amount(row.candidate, row.unit)),
    Column("change", lambda row: format_change(row.ratio)),
    Column("interval", _interval),
]
_GATE_COLUMN: Final[Column[Change]] = Column("gate", lambda row: row.gate or "")
