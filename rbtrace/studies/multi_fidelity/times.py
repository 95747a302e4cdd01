"""How many bars each search simulates until it has found something good enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rbtrace.reporting.model import Row, Table, columns
from rbtrace.reporting.numbers import count
from rbtrace.statistics import holm
from rbtrace.statistics.survival import MedianTime, logrank, median_time
from rbtrace.studies.multi_fidelity.figures import Findings, Target
from rbtrace.studies.multi_fidelity.searches import MULTI_FIDELITY, SEARCHES

_NOTHING = "–"


class TimeToTarget(NamedTuple):
    """Bars until one search reached one target; `p` compares it with the multi-fidelity one.

    `p` is adjusted after Holm over all comparisons; None where there is nothing to compare.
    """

    target: Target
    search: str
    seeds: int
    reached: int
    median: MedianTime
    p: float | None


def times_to_targets(found: Findings) -> list[TimeToTarget]:
    """Every search and every target."""
    times = {
        (target, name): found.times(found.of_search(name), target)
        for target in found.targets
        for name in SEARCHES
    }
    raw = {
        (target, name): logrank(times[target, MULTI_FIDELITY], times[target, name])
        for target, name in times
        if name != MULTI_FIDELITY
    }
    known = {pair: p for pair, p in raw.items() if p is not None}
    adjusted = dict(zip(known, holm(list(known.values())), strict=True)) if known else {}
    return [
        TimeToTarget(*pair, len(one.values), one.events, median_time(one), adjusted.get(pair))
        for pair, one in times.items()
    ]


def times_table(found: Findings, times: Sequence[TimeToTarget]) -> Table:
    """The medians, with what does not get there counted as censored."""
    whole = found.space.whole
    rows = []
    for one in times:
        target, value = one.target, one.median.value
        rows.append(
            Row(
                [
                    f"{target.name}, {one.search}",
                    f"{target.regret:.3f}",
                    count(target.configurations),
                    f"{one.reached} of {one.seeds}",
                    _NOTHING if value is None else count(round(value)),
                    _in_backtests(value, whole),
                    " … ".join(_in_backtests(end, whole) for end in one.median.ci),
                    _NOTHING if one.p is None else _p_value(one.p),
                ]
            )
        )
    note = (
        "Seeds that do not get there within the budget are censored, not left out. Medians by "
        "Kaplan and Meier, – where fewer than half got there; their intervals by Brookmeyer and "
        "Crowley, – where the seeds do not bound it. p: logrank test against the multi-fidelity "
        "search, adjusted after Holm. All searches have the same space; the grid's seed is the "
        "order in which its parameters and values are written down."
    )
    titles = ["regret", "configurations that good", "seeds that got there", "median, bars"]
    titles += ["whole backtests", "95 %", "p"]
    return Table("Bars until a given quality", columns("quality, search", titles), rows, note)


def time_sentences(found: Findings, times: Sequence[TimeToTarget]) -> list[str]:
    """A sentence for each target, and the multi-fidelity search against each other."""
    whole = found.space.whole
    said = []
    for target in found.targets:
        of_target = {one.search: one for one in times if one.target == target}
        own = of_target.pop(MULTI_FIDELITY)
        others = "; ".join(
            f"{one.search}: {_reach(one, whole)}, {_verdict(one.p)}" for one in of_target.values()
        )
        said.append(
            f"Quality “{target.name}” (regret at most {target.regret:.3f}). {MULTI_FIDELITY}: "
            f"{_reach(own, whole)}; {others}."
        )
    return said


def _reach(one: TimeToTarget, whole: int) -> str:
    got = f"{one.reached} of {one.seeds} seeds"
    if one.median.value is None:
        return f"{got}, median beyond the budget"
    return f"{got}, median {_in_backtests(one.median.value, whole)} whole backtests"


def _verdict(p: float | None) -> str:
    if p is None:
        return "not comparable"
    return f"p {_p_value(p, '= ')}" if p < 0.05 else f"no difference shown (p = {p:.2f})"


def _p_value(p: float, equals: str = "") -> str:
    return f"{equals}{p:.4f}" if p >= 0.0001 else "< 0.0001"


def _in_backtests(bars: float | None, whole: int) -> str:
    return _NOTHING if bars is None else f"{bars / whole:.1f}"
