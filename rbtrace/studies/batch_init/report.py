"""The report of batch initialisation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Final

from rbtrace.reporting.model import Column, Picture, Report, Table
from rbtrace.reporting.numbers import count, duration, interval, percent, ratio, size
from rbtrace.statistics import PowerLaw
from rbtrace.studies import plots
from rbtrace.studies.batch_init.figures import (
    LOAD,
    PHASES,
    SPAN_NAMES,
    TOP,
    WHOLE,
    Law,
    Phase,
    Tracing,
    Worker,
    agreements,
    batch_workers,
    by_size,
    laws,
    tracing,
    warm_median,
    warm_rest,
    warm_share,
)
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.shared_tables import (
    TwoClocks,
    median_column,
    median_of_known,
    ratio_interval,
    stopwatch_table,
)

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
    groups = by_size(workers)
    shares = {key: warm_share(group) for key, group in groups.items()}
    columns: list[Column[tuple[int, int]]] = [
        *_SIZE_COLUMNS,
        Column("workers", lambda key: str(len(groups[key]))),
        Column("backtests", lambda key: str(sum(len(w.backtests) for w in groups[key]))),
        median_column("cold", groups, lambda worker: worker.cold),
        median_column("warm", groups, lambda worker: worker.warm),
        median_column("load, cold", groups, lambda worker: worker.backtests[0][LOAD]),
        median_column("load, warm", groups, lambda worker: worker.warm_phase(LOAD)),
        Column("share of a warm backtest", lambda key: percent(shares[key].share)),
        Column("share, 95 %", lambda key: interval(shares[key].ci)),
    ]
    note = (
        "Initialisation: all of run_algorithm but TradingAlgorithm.run, and the strategy's "
        "initialize. Cold: the first backtest of a fresh process, its bundle not in the page "
        "cache. Warm: the later ones. Medians over workers; a worker's warm figure is the median "
        "of its backtests. The share depends on the number of sessions."
    )
    title = "Initialisation, by number of assets"
    return Table.of(title, columns, groups, note, bar=lambda key: shares[key].share)


_SIZE_COLUMNS: Final[list[Column[tuple[int, int]]]] = [
    Column("assets", lambda key: str(key[1]), right=False),
    Column("sessions", lambda key: str(key[0])),
]


def _parts(workers: list[Worker]) -> Table:
    shortest = min(worker.sessions for worker in workers)
    groups = {
        assets: group
        for (sessions, assets), group in by_size(workers).items()
        if sessions == shortest
    }
    columns: list[Column[Phase]] = [
        Column("part", _part_name, right=False),
        *(_warm_column(f"{assets} assets", group) for assets, group in groups.items()),
    ]
    note = "Warm, by the stopwatch. Indented parts are within the part above them."
    table = Table.of(
        "Parts of the initialisation",
        columns,
        [phase for phase in PHASES if phase.name in TOP or phase.within],
        note,
        depth=lambda phase: int(bool(phase.within and phase.name not in TOP)),
    )
    table.add("the rest", *(duration(warm_rest(group)) for group in groups.values()))
    return table


def _part_name(phase: Phase) -> str:
    return phase.name + (" (in the run)" if phase.name in TOP and phase.within else "")


def _warm_column(title: str, group: Sequence[Worker]) -> Column[Phase]:
    return Column(title, lambda phase: duration(warm_median(group, phase.name)))


def _scaling(grown: list[Law]) -> Table:
    columns: list[Column[Law]] = [
        Column("quantity", lambda growth: growth.quantity, right=False),
        _of_law("a", lambda law: duration(law.a * 1e9)),
        _of_law("b", lambda law: duration(law.b * 1e9)),
        _of_law("c", lambda law: ratio(law.c)),
        _of_law("c, 95 %", lambda law: " … ".join(map(ratio, law.c_ci))),
        _of_law("spread", lambda law: percent(law.spread)),
        _of_law("at the least", lambda law: duration(law.at(law.sizes[0]) * 1e9)),
        _of_law("at the most", lambda law: duration(law.at(law.sizes[1]) * 1e9)),
    ]
    note = (
        "a + b · assets^c, least squares of relative errors over workers. Spread: standard "
        "deviation of a worker around the law. It says nothing beyond the numbers of assets "
        "that were measured."
    )
    return Table.of("Law of growth", columns, grown, note)


def _of_law(title: str, cell: Callable[[PowerLaw], str]) -> Column[Law]:
    return Column(title, lambda growth: "–" if growth.law is None else cell(growth.law))


def _memory_table(workers: list[Worker]) -> Table:
    groups = by_size(workers)

    def kernel_to_own(key: tuple[int, int]) -> float | None:
        peak = median_of_known(worker.peak for worker in groups[key])
        kernel = median_of_known(worker.kernel_peak for worker in groups[key])
        return kernel / peak if kernel and peak else None

    columns: list[Column[tuple[int, int]]] = [
        *_SIZE_COLUMNS,
        median_column("before", groups, lambda worker: worker.before, size),
        median_column("peak", groups, lambda worker: worker.peak, size),
        median_column("peak, told by the kernel", groups, lambda worker: worker.kernel_peak, size),
        Column("÷", lambda key: ratio(kernel_to_own(key))),
        median_column("growth per backtest", groups, lambda worker: worker.growth, size),
    ]
    note = (
        "Resident memory of a worker: by /proc/self/status when the engine is imported and at "
        "the end, and as the kernel told the process that waited for it (wait4). Growth: from "
        "the first backtest to the last, each."
    )
    return Table.of("Memory of a worker", columns, groups, note)


def _agreements(agreed: Mapping[str, TwoClocks]) -> Table:
    named: list[Column[tuple[str, TwoClocks]]] = [
        Column("phase", lambda row: row[0], right=False),
        Column("span", lambda row: SPAN_NAMES[row[0]]),
    ]
    return stopwatch_table(named, agreed)


def _tracing(sizes: Sequence[Tracing]) -> Table:
    """What tracing adds to a warm initialisation."""
    columns: list[Column[Tracing]] = [
        Column("assets", lambda row: str(row.assets), right=False),
        Column("processes", lambda row: f"{len(row.untraced)} and {len(row.traced)}"),
        Column("untraced", lambda row: duration(median(row.untraced))),
        Column("traced", lambda row: duration(median(row.traced))),
        Column("traced ÷ untraced", lambda row: ratio(row.compared.ratio, decimals=3)),
        Column("95 %", lambda row: ratio_interval(row.compared, decimals=3)),
    ]
    note = "Warm initialisation by the stopwatch, in processes with and without tracing."
    return Table.of("Check: what tracing adds", columns, sizes, note)
