"""The report of batch initialisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from rbtrace.reporting.model import Picture, Report, Row, Table, columns
from rbtrace.reporting.numbers import count, duration, interval, percent, ratio, size
from rbtrace.statistics import share_interval
from rbtrace.studies import plots
from rbtrace.studies.batch_init.figures import (
    LOAD,
    PHASES,
    SPAN_NAMES,
    TOP,
    WHOLE,
    Law,
    Tracing,
    Worker,
    agreements,
    batch_workers,
    by_size,
    laws,
    tracing,
    warm_median,
    warm_rest,
)
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.shared_tables import TwoClocks, stopwatch_table

EARLIER: Final = {10: 0.100e9, 500: 0.892e9}
"""Initialisation as published earlier of the same engine: ns by number of assets."""

_LEAST: Final = 0.01
"""A phase of a smaller part of a backtest is mostly the cost of looking at a clock."""


def findings(
    workers: Sequence[Worker], grown: Sequence[Law], agreed: Mapping[str, TwoClocks]
) -> list[str]:
    """The sentences that open the report."""
    groups = by_size(workers)
    sessions, least = min(groups)
    of_assets = {assets: group for (length, assets), group in groups.items() if length == sessions}
    most = max(of_assets)
    many = of_assets[most]
    warm = {assets: median(worker.warm for worker in group) for assets, group in of_assets.items()}
    cold = {assets: median(worker.cold for worker in group) for assets, group in of_assets.items()}
    return [
        _size(least, most, warm),
        _cold(most, cold[most]),
        *_earlier(warm, cold),
        _bottleneck(most, many),
        *(_growth(growth) for growth in grown if growth.quantity.endswith("initialisation")),
        _memory(most, many),
        _agreement(agreed),
    ]


def picture(grown: Sequence[Law]) -> Picture:
    """The measured sizes and the laws of growth."""
    series = [plots.Series(*growth) for growth in grown]
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
    share = taken[part] / median(worker.warm for worker in group)
    return f"Bottleneck at {assets} assets: {part}, {percent(share)} of the warm initialisation."


def _earlier(warm: Mapping[int, float], cold: Mapping[int, float]) -> list[str]:
    if not EARLIER.keys() <= warm.keys():
        return []
    beside = [
        f"{duration(before)} at {assets} assets (here {duration(warm[assets])} warm, "
        f"{duration(cold[assets])} cold)"
        for assets, before in EARLIER.items()
    ]
    few, many = EARLIER
    times = [durations[many] / durations[few] for durations in (EARLIER, warm, cold)]
    return [
        (
            f"Published earlier: {' and '.join(beside)}, {times[0]:.1f} times as long for "
            f"{many / few:g} times the assets; here {times[1]:.1f} times warm and {times[2]:.1f} "
            "cold. The setup of the earlier figures is not known."
        )
    ]


def _growth(growth: Law) -> str:
    law = growth.law
    if law is None:
        return f"Too few sizes are measured to say how {growth.quantity} grows."
    if not law.is_determined:
        return f"These measurements do not determine how {growth.quantity} grows."
    low, high = law.c_ci
    verdict = "does not exclude" if law.is_linear is None else "excludes"
    return (
        f"From {law.sizes[0]:g} to {law.sizes[1]:g} assets, {growth.quantity} grows with the power "
        f"{law.c:.2f} (95 %: {low:.2f} … {high:.2f}), which {verdict} proportional growth."
    )


def _memory(assets: int, group: Sequence[Worker]) -> str:
    held = median(worker.resident[-1] for worker in group)
    growth = median(worker.growth for worker in group)
    return (
        f"At {assets} assets a worker holds {size(held)} in the end, and each backtest after the "
        f"first changes that by {size(growth)}."
    )


def _agreement(agreed: Mapping[str, TwoClocks]) -> str:
    whole = agreed[WHOLE]
    known = [
        clocks.ratio
        for clocks in agreed.values()
        if clocks.ratio is not None and clocks.stopwatch >= _LEAST * whole.stopwatch
    ]
    if whole.ratio is None or not known:
        return "The spans could not be checked by a stopwatch."
    return (
        f"The spans of whole backtests add up to {whole.ratio:.4f} of what a stopwatch around the "
        f"same calls shows; those of the phases that take {percent(_LEAST)} of the time and more, "
        f"to {min(known):.4f} … {max(known):.4f}."
    )


TITLE = "Batch initialisation"


def batch_init_report(evidence: Evidence) -> Report:
    """Compose the report of what is measured."""
    workers = batch_workers(evidence.measured)
    grown = laws(workers)
    agreed = agreements(workers, evidence.results)
    return Report(
        title=TITLE,
        complete=evidence.complete,
        integrity=evidence.opening(),
        figures=[
            ("workers", count(len(workers))),
            ("backtests", count(sum(len(worker.backtests) for worker in workers))),
            ("assets", " ".join(map(str, sorted({worker.assets for worker in workers})))),
        ],
        tables=[
            _sizes(workers),
            _parts(workers),
            _scaling(grown),
            _memory_table(workers),
            _agreements(agreed),
            _tracing(tracing(workers)),
            evidence.operations(),
        ],
        findings=findings(workers, grown, agreed),
        pictures=[picture(grown)],
        warnings=evidence.warnings(),
    )


def _sizes(workers: list[Worker]) -> Table:
    titles = ["sessions", "workers", "backtests", "cold", "warm", "load, cold", "load, warm"]
    titles += ["share of a warm backtest", "share, 95 %"]
    rows = []
    for (sessions, assets), group in by_size(workers).items():
        parts, wholes = zip(*(worker.warm_sums for worker in group), strict=True)
        share = share_interval(parts, wholes)
        rows.append(
            Row(
                [
                    str(assets),
                    str(sessions),
                    str(len(group)),
                    str(sum(len(worker.backtests) for worker in group)),
                    duration(median(worker.cold for worker in group)),
                    duration(median(worker.warm for worker in group)),
                    duration(median(worker.backtests[0][LOAD] for worker in group)),
                    duration(median(worker.warm_phase(LOAD) for worker in group)),
                    percent(share.share),
                    interval(share.ci),
                ],
                share.share,
            )
        )
    note = (
        "Initialisation: all of run_algorithm but TradingAlgorithm.run, and the strategy's "
        "initialize. Cold: the first backtest of a fresh process, its bundle not in the page "
        "cache. Warm: the later ones. Medians over workers; a worker's warm figure is the median "
        "of its backtests. The share depends on the number of sessions."
    )
    return Table("Initialisation, by number of assets", columns("assets", titles), rows, note)


def _parts(workers: list[Worker]) -> Table:
    shortest = min(worker.sessions for worker in workers)
    groups = {
        assets: group
        for (sessions, assets), group in by_size(workers).items()
        if sessions == shortest
    }
    rows = [
        Row(
            [
                phase.name + (" (in the run)" if phase.name in TOP and phase.within else ""),
                *(duration(warm_median(group, phase.name)) for group in groups.values()),
            ],
            depth=int(bool(phase.within and phase.name not in TOP)),
        )
        for phase in PHASES
        if phase.name in TOP or phase.within
    ]
    rows.append(Row(["the rest", *(duration(warm_rest(group)) for group in groups.values())]))
    note = "Warm, by the stopwatch. Indented parts are within the part above them."
    titles = [f"{assets} assets" for assets in groups]
    return Table("Parts of the initialisation", columns("part", titles), rows, note)


def _scaling(grown: list[Law]) -> Table:
    titles = ["a", "b", "c", "c, 95 %", "spread", "at the least", "at the most"]
    rows = []
    for growth in grown:
        law = growth.law
        if law is None:
            rows.append(Row([growth.quantity, *["–"] * len(titles)]))
            continue
        rows.append(
            Row(
                [
                    growth.quantity,
                    duration(law.a * 1e9),
                    duration(law.b * 1e9),
                    ratio(law.c),
                    " … ".join(ratio(end) for end in law.c_ci),
                    percent(law.spread),
                    *(duration(law.at(end) * 1e9) for end in law.sizes),
                ]
            )
        )
    note = (
        "a + b · assets^c, least squares of relative errors over workers. Spread: standard "
        "deviation of a worker around the law. It says nothing beyond the numbers of assets "
        "that were measured."
    )
    return Table("Law of growth", columns("quantity", titles), rows, note)


def _memory_table(workers: list[Worker]) -> Table:
    titles = ["sessions", "before", "peak", "peak, told by the kernel", "÷", "growth per backtest"]
    rows = []
    for (sessions, assets), group in by_size(workers).items():
        peaks = [worker.peak for worker in group if worker.peak is not None]
        kernel_peaks = [worker.kernel_peak for worker in group if worker.kernel_peak is not None]
        peak = median(peaks) if peaks else None
        kernel = median(kernel_peaks) if kernel_peaks else None
        rows.append(
            Row(
                [
                    str(assets),
                    str(sessions),
                    size(median(worker.before for worker in group)),
                    size(peak),
                    size(kernel),
                    ratio(kernel / peak if kernel and peak else None),
                    size(median(worker.growth for worker in group)),
                ]
            )
        )
    note = (
        "Resident memory of a worker: by /proc/self/status when the engine is imported and at "
        "the end, and as the kernel told the process that waited for it (wait4). Growth: from "
        "the first backtest to the last, each."
    )
    return Table("Memory of a worker", columns("assets", titles), rows, note)


def _agreements(agreed: Mapping[str, TwoClocks]) -> Table:
    compared = (((phase, SPAN_NAMES[phase]), clocks) for phase, clocks in agreed.items())
    return stopwatch_table(["phase", "span"], compared)


def _tracing(sizes: Sequence[Tracing]) -> Table:
    """What tracing adds to a warm initialisation."""
    rows = []
    for both in sizes:
        compared = both.compared
        rows.append(
            Row(
                [
                    str(both.assets),
                    f"{len(both.untraced)} and {len(both.traced)}",
                    duration(median(both.untraced)),
                    duration(median(both.traced)),
                    f"{compared.ratio:.3f}",
                    "–" if compared.ci is None else " … ".join(f"{x:.3f}" for x in compared.ci),
                ]
            )
        )
    note = "Warm initialisation by the stopwatch, in processes with and without tracing."
    titles = ["processes", "untraced", "traced", "traced ÷ untraced", "95 %"]
    return Table("Check: what tracing adds", columns("assets", titles), rows, note)
