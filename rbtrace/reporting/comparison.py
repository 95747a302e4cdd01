"""From a comparison to a report: the verdict, the work, then the times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rbtrace.comparison.arms import MEASURES
from rbtrace.comparison.changes import FAMILY_SHARE
from rbtrace.comparison.results import Change, ComparisonResults, OperationChange
from rbtrace.comparison.work import Counts, PathWork
from rbtrace.reporting.model import Column, Report, Row, Table
from rbtrace.reporting.numbers import count, duration, percent

_NOTHING: Final = "–"
_PATHS: Final = 20
"""Call paths that a report lists; JSON lists all."""


def compose_comparison(found: ComparisonResults, *, full: bool = False) -> Report:
    """Make the report of a comparison; `full` lists every operation and call path."""
    tables = []
    if found.work is not None and found.work.differences:
        tables.append(_paths("Work that differs", found.work.differences, full=full))
    if found.work is not None and found.work.varying and full:
        tables.append(_paths("Work that varies from run to run", found.work.varying, full=full))
    tables.append(_measures(found.overall))
    if found.operations:
        tables.append(_operations(found, full=full))
    if found.baseline.environment or found.candidate.environment:
        tables.append(_environment(found))
    good = {"ACCEPT": True}.get(found.outcome.decision)
    return Report(
        title="Candidate against baseline",
        complete=False if found.outcome.failed else good,
        integrity=[*_verdict(found), *_work(found)],
        figures=_figures(found),
        tables=tables,
        warnings=[
            *found.warnings,
            *(f"{one.name}: {line.message}" for one in found.overall[:1] for line in one.warnings),
        ],
    )


def change_in_words(ratio: float | None) -> str:
    """A ratio as a signed change: `+15.3 %`, `−12.0 %`."""
    return _NOTHING if ratio is None else _signed(100 * (ratio - 1))


def _signed(per_cent: float) -> str:
    return f"{per_cent:+.1f} %".replace("-", "−")


def _verdict(found: ComparisonResults) -> list[str]:
    whole, outcome, policy = found.overall[0], found.outcome, found.policy
    sure = " (confirmed)" if outcome.confirmed else ""
    asked = f"an improvement is {policy.threshold:g} % or more"
    lines = [f"{outcome.decision}{sure}: {whole.name} {_with_interval(whole)}; {asked}."]
    if outcome.gate is not None:
        lines.append(f"Regression gate {outcome.gate}: {policy.max_regression:g} % is allowed.")
    lines += [f"No verdict: {reason}." for reason in outcome.open]
    lines += [f"Failed: {reason}." for reason in outcome.failed]
    return lines


def _with_interval(change: Change) -> str:
    text = change_in_words(change.ratio)
    if change.ci is not None:
        text += f" [{', '.join(map(change_in_words, change.ci))}]"
    return text if change.p_value is None else f"{text}, p {p_in_words(change.p_value)}"


def p_in_words(p: float | None) -> str:
    """A p value: `= 0.031`, `< 0.0001`."""
    if p is None:
        return _NOTHING
    return "< 0.0001" if p < 0.0001 else f"= {p:.2g}"


def _work(found: ComparisonResults) -> list[str]:
    work = found.work
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


def _figures(found: ComparisonResults) -> list[tuple[str, str]]:
    whole, design = found.overall[0], found.design
    numbers = f"{count(design.runs_baseline)} and {count(design.runs_candidate)}"
    pairs = f"{count(design.runs_baseline)} in pairs"
    return [
        ("baseline", found.baseline.name),
        ("candidate", found.candidate.name),
        ("runs of each arm", pairs if design.paired else f"{numbers}, not in pairs"),
        ("method", whole.method or _NOTHING),
        ("spread of runs (CV)", percent(whole.run_cv)),
        (
            "least change that would be found",
            _NOTHING if whole.mde is None else f"{whole.mde:.1f} %",
        ),
    ]


def _paths(title: str, rows: Sequence[PathWork], *, full: bool) -> Table:
    listed = rows if full else rows[:_PATHS]
    body = [
        Row(
            [
                " › ".join(row.path),
                _calls(row.baseline),
                _calls(row.candidate),
                _NOTHING if row.excess is None else f"{row.excess:+,}".replace("-", "−"),
            ]
        )
        for row in listed
    ]
    if len(rows) > len(listed):
        body.append(Row([f"{count(len(rows) - len(listed))} more", "", "", ""], rest=True))
    heads = [Column("call path", right=False), *map(Column, ("baseline", "candidate", "excess"))]
    return Table(title, heads, body, "Calls of a run. Exact: no clock is involved.")


def _calls(counts: Counts) -> str:
    if counts.exact:
        return count(counts.least)
    return f"{count(counts.least)}…{count(counts.greatest)}"


def _measures(changes: Sequence[Change]) -> Table:
    rows = [
        Row(
            [
                one.name,
                _amount(one.baseline, one.unit),
                _amount(one.candidate, one.unit),
                change_in_words(one.ratio),
                _interval(one),
                p_in_words(one.p_value).removeprefix("= "),
                one.decision or _NOTHING,
                one.gate or "",
            ]
        )
        for one in changes
    ]
    titles = ["baseline", "candidate", "change", "interval", "p", "verdict", "gate"]
    note = " ".join(f"{one.name}: {MEASURES[one.name].meaning}." for one in changes)
    heads = [Column("measure", right=False), *map(Column, titles)]
    return Table("Times of a run", heads, rows, f"Geometric means. {note}")


def _operations(found: ComparisonResults, *, full: bool) -> Table:
    listed = [one for one in found.operations if full or _worth_a_row(one)]
    rest = [one for one in found.operations if not (full or _worth_a_row(one))]
    rows = [
        Row(
            [
                one.name,
                _part(one.contribution_percent),
                _amount(one.baseline, one.unit),
                _amount(one.candidate, one.unit),
                change_in_words(one.ratio),
                _interval(one),
                p_in_words(one.adjusted_p).removeprefix("= "),
                one.note if one.decision is None else one.decision,
                one.gate or "",
            ]
        )
        for one in listed
    ]
    if rest:
        together = sum(one.contribution_percent or 0.0 for one in rest)
        label = f"{count(len(rest))} more below {FAMILY_SHARE:.1%}"
        rows.append(Row([label, _part(together), *[""] * 7], rest=True))
    whole = sum(one.contribution_percent or 0.0 for one in found.operations)
    rows.append(Row(["all", _part(whole), *[""] * 7]))
    titles = ["part", "baseline", "candidate", "change", "interval", "p", "verdict", "gate"]
    heads = [Column("operation", right=False), *map(Column, titles)]
    note = (
        "Part: percentage points of the change of all self time that are this operation's; they "
        "add up. Self time of a run. p: adjusted after Holm for all operations together."
    )
    return Table("What explains the change", heads, rows, note)


def _environment(found: ComparisonResults) -> Table:
    ours, theirs = found.baseline.environment, found.candidate.environment
    rows = [
        Row([name, ours.get(name, _NOTHING), theirs.get(name, _NOTHING)])
        for name in dict.fromkeys([*ours, *theirs])
    ]
    heads = [Column(title, right=False) for title in ("measured with", "baseline", "candidate")]
    return Table("Environment", heads, rows)


def _worth_a_row(one: OperationChange) -> bool:
    shares = (one.share_baseline or 0.0, one.share_candidate or 0.0)
    return max(shares) >= FAMILY_SHARE


def _part(per_cent: float | None) -> str:
    return _NOTHING if per_cent is None else f"{per_cent:+.2f}".replace("-", "−")


def _interval(change: Change) -> str:
    if change.ci is None:
        return _NOTHING
    low, high = map(change_in_words, change.ci)
    return f"{low} … {high}"


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return _NOTHING
    return f"{value / 2**20:,.1f} MiB" if unit == "byte" else duration(value)
