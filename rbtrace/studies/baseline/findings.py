"""What follows from the baseline's figures, in sentences: what differs from earlier, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from statistics import median
from typing import Final

from rbtrace.reporting.numbers import duration, percent, size
from rbtrace.studies.baseline.figures import (
    COMPUTE,
    COMPUTED_SHARE,
    CPROFILE,
    HISTORY,
    HISTORY_SHARE,
    PARTS,
    SHARES,
    SPANS,
    STEP_SHARES,
    STOPWATCH,
    UNTRACED,
    USERS,
    WRANGLING_SHARE,
    Group,
    Overhead,
    Quantity,
    Times,
    framework,
    user_code,
    wrangling,
)

_NOT_THE_REST: Final = {PARTS[name].span for name in (HISTORY, *USERS)}


def findings(found: Sequence[Group]) -> list[str]:
    """The sentences that open the report."""
    return [
        _history(found),
        *map(_rest, found),
        _wrangling(found),
        (
            "The parts of the 87 % published earlier add up to 93.7 %, and rustybt 0.3.3, whose "
            "optimization/caching.py names them, gives 1,485 ms as 48.5 % and 13,800 ms as 45.2 % "
            "of the same backtests: they cannot be shares of one whole. They are of code that "
            "takes a Polars frame apart once per backtest; here pandas frames on every bar."
        ),
        _overhead(found),
        _memory(found),
        _agreement(found),
    ]


def pieces(group: Group) -> dict[str, int]:
    """All of the backtests in parts that add up, by spans, ns."""
    parts: dict[str, Callable[[Times], int]] = {
        "framework: DataPortal.history": lambda times: times[HISTORY],
        "framework: the rest": lambda times: framework(times) - times[HISTORY],
        **{f"user code: {step.name}": step.part for step in STEP_SHARES},
        "user code: computation": lambda times: times[COMPUTE],
        "user code: the rest": lambda times: user_code(times) - wrangling(times) - times[COMPUTE],
    }
    return {name: group.total(part) for name, part in parts.items()}


def _history(found: Sequence[Group]) -> str:
    return (
        f"DataPortal.history is {_each(found, HISTORY_SHARE)} of framework time; 58.4 % was "
        "published. The share is no constant of the engine: it depends on how much history is "
        "asked for on a bar, here two windows, and on what else the engine does."
    )


def _rest(group: Group) -> str:
    others = {name: ns for name, ns in group.self_ns.items() if name not in _NOT_THE_REST}
    name, spent = max(others.items(), key=itemgetter(1))
    return (
        f"{group.workload}: beside history, {name} takes the most of the framework's time in "
        f"itself, {percent(spent / group.total(framework))} of it, "
        f"{duration(spent / group.backtests)} a backtest."
    )


def _wrangling(found: Sequence[Group]) -> str:
    steps = "; ".join(map(_greatest_step, found))
    return (
        f"Data wrangling is {_each(found, WRANGLING_SHARE)} of user code; 87 % was published. Its "
        f"greatest part: {steps}. This is a property of the strategy, not of the engine."
    )


def _greatest_step(group: Group) -> str:
    name, spent = max(
        ((step.name, group.total(step.part)) for step in STEP_SHARES), key=itemgetter(1)
    )
    return f"{group.workload}: {name} {percent(spent / group.total(user_code))}"


def _overhead(found: Sequence[Group]) -> str:
    told = [
        f"{group.workload}: {Overhead.of(computed).ratio:.0f} : 1"
        for group in found
        if (computed := group.share(COMPUTED_SHARE)) is not None
    ]
    return (
        f"For one unit of computation there are others of overhead, {'; '.join(told)}; 74 : 1 was "
        "published. The ratio is the inverse of how much a strategy computes: one that computes "
        "twice as long on the same data has half of it."
    )


def _memory(found: Sequence[Group]) -> str:
    told = [
        f"{group.workload}: {size(median(group.call_peaks))} at most at a time, "
        f"{size(median(group.call_nets))} still held at its end"
        for group in found
        if group.memory
    ]
    return (
        f"A history call allocates, in the median, {'; '.join(told)}. 226 KB was published, "
        "without the bars and assets that were asked for, on which it depends. The 326 MiB "
        "published may be the peak of the process, or what 1,500 such calls allocate together: "
        "both are set beside it."
    )


def _agreement(found: Sequence[Group]) -> str:
    told = [
        f"{way} {_distance(found, way):.1f}"
        for way in (STOPWATCH, UNTRACED, CPROFILE)
        if any(group.times[way] for group in found)
    ]
    return (
        "Greatest difference of a share from that of the spans, in points of per cent: "
        f"{', '.join(told)}."
    )


def _distance(found: Sequence[Group], way: str) -> float:
    return 100 * max(
        abs(other.share - spans.share)
        for group in found
        for quantity in SHARES
        if (other := group.share(quantity, way)) and (spans := group.share(quantity, SPANS))
    )


def _each(found: Sequence[Group], quantity: Quantity) -> str:
    return ", ".join(
        f"{percent(share.share)} ({group.workload})"
        for group in found
        if (share := group.share(quantity)) is not None
    )
