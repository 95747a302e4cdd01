"""What the study of batch initialisation says."""

from __future__ import annotations

from statistics import median

from rbtrace.reporting.model import Report, Row, Table, columns
from rbtrace.reporting.numbers import count, duration, interval, percent, ratio, size
from rbtrace.statistics import share_interval
from rbtrace.studies.batch_init.checks import (
    agreement_table,
    agreements,
    tracing,
    tracing_table,
)
from rbtrace.studies.batch_init.figures import (
    TOP,
    Law,
    Worker,
    by_size,
    initialisation,
    laws,
    warm_median,
    workers,
)
from rbtrace.studies.batch_init.findings import findings, picture
from rbtrace.studies.batch_init.phases import LOAD, PHASES
from rbtrace.studies.evidence import Evidence

TITLE = "Batch initialisation"


def batch_init_report(evidence: Evidence) -> Report:
    """Compose the report of what is measured."""
    found = workers(evidence.measured)
    grown = laws(found)
    agreed = agreements(found, evidence.results)
    return Report(
        title=TITLE,
        complete=evidence.complete,
        integrity=evidence.opening(),
        figures=[
            ("workers", count(len(found))),
            ("backtests", count(sum(len(one.backtests) for one in found))),
            ("assets", " ".join(str(number) for number in sorted({one.assets for one in found}))),
        ],
        tables=[
            _sizes(found),
            _parts(found),
            _scaling(grown),
            _memory(found),
            agreement_table(agreed),
            tracing_table(tracing(found)),
            evidence.operations(),
        ],
        findings=findings(found, grown, agreed),
        pictures=[picture(grown)],
        warnings=evidence.warnings(),
    )


def _sizes(found: list[Worker]) -> Table:
    titles = ["sessions", "workers", "backtests", "cold", "warm", "load, cold", "load, warm"]
    titles += ["share of a warm backtest", "share, 95 %"]
    rows = []
    for (sessions, assets), group in by_size(found).items():
        parts, wholes = zip(*(one.warm_sums for one in group), strict=True)
        share = share_interval(parts, wholes)
        rows.append(
            Row(
                [
                    str(assets),
                    str(sessions),
                    str(len(group)),
                    str(sum(len(one.backtests) for one in group)),
                    duration(median(one.cold for one in group)),
                    duration(median(one.warm for one in group)),
                    duration(median(one.backtests[0][LOAD] for one in group)),
                    duration(median(one.warm_phase(LOAD) for one in group)),
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


def _parts(found: list[Worker]) -> Table:
    shortest = min(one.sessions for one in found)
    groups = {
        assets: group
        for (sessions, assets), group in by_size(found).items()
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
    rows.append(Row(["the rest", *(duration(_rest(group)) for group in groups.values())]))
    note = "Warm, by the stopwatch. Indented parts are within the part above them."
    titles = [f"{assets} assets" for assets in groups]
    return Table("Parts of the initialisation", columns("part", titles), rows, note)


def _rest(group: list[Worker]) -> float:
    return median(
        median(
            initialisation(backtest) - sum(backtest.get(phase, 0) for phase in TOP)
            for backtest in one.backtests[1:]
        )
        for one in group
    )


def _scaling(grown: list[Law]) -> Table:
    titles = ["a", "b", "c", "c, 95 %", "spread", "at the least", "at the most"]
    rows = []
    for one in grown:
        law = one.law
        if law is None:
            rows.append(Row([one.quantity, *["–"] * len(titles)]))
            continue
        rows.append(
            Row(
                [
                    one.quantity,
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


def _memory(found: list[Worker]) -> Table:
    titles = ["sessions", "before", "peak", "peak, told by the kernel", "÷", "growth per backtest"]
    rows = []
    for (sessions, assets), group in by_size(found).items():
        peaks = [one.peak for one in group if one.peak is not None]
        told = [one.kernel_peak for one in group if one.kernel_peak is not None]
        peak, kernel = (median(peaks) if peaks else None), (median(told) if told else None)
        rows.append(
            Row(
                [
                    str(assets),
                    str(sessions),
                    size(median(one.before for one in group)),
                    size(peak),
                    size(kernel),
                    ratio(kernel / peak if kernel and peak else None),
                    size(median(one.growth for one in group)),
                ]
            )
        )
    note = (
        "Resident memory of a worker: by /proc/self/status when the engine is imported and at "
        "the end, and as the kernel told the process that waited for it (wait4). Growth: from "
        "the first backtest to the last, each."
    )
    return Table("Memory of a worker", columns("assets", titles), rows, note)
