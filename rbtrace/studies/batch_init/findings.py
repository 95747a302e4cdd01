"""What follows from the figures of batch initialisation, in sentences and a drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from rbtrace.reporting.model import Picture
from rbtrace.reporting.numbers import duration, percent, size
from rbtrace.studies import plots
from rbtrace.studies.batch_init.figures import TOP, Law, Worker, by_size, warm_median
from rbtrace.studies.batch_init.phases import WHOLE
from rbtrace.studies.stopwatch_checks import TwoClocks

EARLIER: Final = {10: 0.100e9, 500: 0.892e9}
"""Initialisation as published earlier of the same engine: ns by number of assets."""

_LEAST: Final = 0.01
"""A phase of a smaller part of a backtest is mostly the cost of looking at a clock."""


def findings(
    found: Sequence[Worker], grown: Sequence[Law], agreed: Mapping[str, TwoClocks]
) -> list[str]:
    """The sentences that open the report."""
    groups = by_size(found)
    sessions, least = min(groups)
    of_assets = {assets: group for (length, assets), group in groups.items() if length == sessions}
    most = max(of_assets)
    many = of_assets[most]
    warm = {assets: median(one.warm for one in group) for assets, group in of_assets.items()}
    cold = {assets: median(one.cold for one in group) for assets, group in of_assets.items()}
    return [
        _size(least, most, warm),
        _cold(most, cold[most]),
        *_earlier(warm, cold),
        _bottleneck(most, many),
        *(_growth(one) for one in grown if one.quantity.endswith("initialisation")),
        _memory(most, many),
        _agreement(agreed),
    ]


def picture(grown: Sequence[Law]) -> Picture:
    """The measured sizes and the laws of growth."""
    series = [plots.Series(one.quantity, one.assets, one.seconds, one.law) for one in grown]
    drawn = plots.scaling(series, "assets", "seconds")
    return Picture("Growth with the number of assets", "scaling.svg", drawn)


def _size(least: int, most: int, warm: Mapping[int, float]) -> str:
    return (
        f"A warm backtest of {most} assets is initialised in {duration(warm[most])}, "
        f"{warm[most] / warm[least]:.1f} times as long as one of {least} "
        f"({duration(warm[least])}), for {most / least:g} times the assets."
    )


def _cold(assets: int, cold: float) -> str:
    return (
        f"The first backtest of a worker is initialised in {duration(cold)} at {assets} assets: "
        "whoever starts a process for each backtest pays that, and the imports, each time."
    )


def _bottleneck(assets: int, group: Sequence[Worker]) -> str:
    taken = {phase: warm_median(group, phase) for phase in TOP}
    part = max(TOP, key=lambda phase: taken[phase])
    share = taken[part] / median(one.warm for one in group)
    return f"Bottleneck at {assets} assets: {part}, {percent(share)} of the warm initialisation."


def _earlier(warm: Mapping[int, float], cold: Mapping[int, float]) -> list[str]:
    if not EARLIER.keys() <= warm.keys():
        return []
    told = [
        f"{duration(before)} at {assets} assets (here {duration(warm[assets])} warm, "
        f"{duration(cold[assets])} cold)"
        for assets, before in EARLIER.items()
    ]
    few, many = EARLIER
    times = [one[many] / one[few] for one in (EARLIER, warm, cold)]
    return [
        (
            f"Published earlier: {' and '.join(told)}, {times[0]:.1f} times as long for "
            f"{many / few:g} times the assets; here {times[1]:.1f} times warm and {times[2]:.1f} "
            "cold. The setup of the earlier figures is not known."
        )
    ]


def _growth(one: Law) -> str:
    law = one.law
    if law is None:
        return f"Too few sizes are measured to say how {one.quantity} grows."
    if not law.is_determined:
        return f"These measurements do not determine how {one.quantity} grows."
    low, high = law.c_ci
    verdict = "does not exclude" if law.is_linear is None else "excludes"
    return (
        f"From {law.sizes[0]:g} to {law.sizes[1]:g} assets, {one.quantity} grows with the power "
        f"{law.c:.2f} (95 %: {low:.2f} … {high:.2f}), which {verdict} proportional growth."
    )


def _memory(assets: int, group: Sequence[Worker]) -> str:
    return (
        f"At {assets} assets a worker holds {size(median(one.resident[-1] for one in group))} in "
        "the end, and each backtest after the first changes that by "
        f"{size(median(one.growth for one in group))}."
    )


def _agreement(found: Mapping[str, TwoClocks]) -> str:
    whole = found[WHOLE]
    known = [
        one.ratio
        for one in found.values()
        if one.ratio is not None and one.stopwatch >= _LEAST * whole.stopwatch
    ]
    if whole.ratio is None or not known:
        return "The spans could not be checked by a stopwatch."
    return (
        f"The spans of whole backtests add up to {whole.ratio:.4f} of what a stopwatch around the "
        f"same calls shows; those of the phases that take {percent(_LEAST)} of the time and more, "
        f"to {min(known):.4f} … {max(known):.4f}."
    )
