"""What the study of batch initialisation says."""

from __future__ import annotations

from statistics import median

from rbtrace.analysis.results import Results
from rbtrace.reporting.model import Picture, Report, Row, Table, columns
from rbtrace.reporting.numbers import count, duration, interval, percent, ratio, size
from rbtrace.scenarios.studies import plots
from rbtrace.scenarios.studies.batch_init_figures import (
    TOP,
    Law,
    Worker,
    by_size,
    initialisation,
    laws,
    workers,
)
from rbtrace.scenarios.studies.evidence import Evidence
from rbtrace.scenarios.studies.phases import LOAD, PHASES, WHOLE, WHOLE_SPAN
from rbtrace.statistics import compare_runs, share_interval

TITLE = "Batch initialisation"


def batch_init_report(evidence: Evidence) -> Report:
    """Compose the report of what is measured."""
    found = workers(evidence.measured)
    grown = laws(found)
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
            _agreement(found, evidence.results),
            _tracing(found),
            evidence.operations(),
        ],
        findings=_findings(found, grown),
        pictures=[_picture(grown)],
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
                *(duration(_warm_median(group, phase.name)) for group in groups.values()),
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


def _warm_median(group: list[Worker], phase: str) -> float:
    return median(one.warm_phase(phase) for one in group)


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


def _agreement(found: list[Worker], results: Results) -> Table:
    traced = [one for one in found if one.traced]
    operations = {one.name: one for one in results.operations}
    rows = []
    for phase, span in [*((one.name, one.span) for one in PHASES), (WHOLE, WHOLE_SPAN)]:
        told = sum(backtest.get(phase, 0) for one in traced for backtest in one.backtests)
        operation = operations.get(span)
        total = operation.total_ns if operation else None
        rows.append(
            Row(
                [
                    phase,
                    span,
                    count(operation.calls if operation else 0),
                    duration(told),
                    duration(total),
                    f"{total / told:.5f}" if total is not None and told else "–",
                ]
            )
        )
    note = (
        "The same calls in the same processes: a stopwatch of perf_counter around them, and the "
        "total of their spans. The stopwatch stands outside of the tracing, so it is a little "
        "longer."
    )
    titles = ["span", "calls", "stopwatch", "rbtrace", "rbtrace ÷ stopwatch"]
    return Table("Check: a stopwatch that is not rbtrace", columns("phase", titles), rows, note)


def _tracing(found: list[Worker]) -> Table:
    plain = [one for one in found if not one.traced]
    rows = []
    for assets in sorted({one.assets for one in plain}):
        without = [one.warm for one in plain if one.assets == assets]
        sessions = {one.sessions for one in plain}
        traced = [
            one.warm
            for one in found
            if one.traced and one.assets == assets and one.sessions in sessions
        ]
        if not traced:
            continue
        compared = compare_runs(without, traced)
        rows.append(
            Row(
                [
                    str(assets),
                    f"{len(without)} and {len(traced)}",
                    duration(median(without)),
                    duration(median(traced)),
                    f"{compared.ratio:.3f}",
                    "–" if compared.ci is None else " … ".join(f"{x:.3f}" for x in compared.ci),
                ]
            )
        )
    note = "Warm initialisation by the stopwatch, in processes with and without tracing."
    titles = ["processes", "untraced", "traced", "traced ÷ untraced", "95 %"]
    return Table("Check: what tracing adds", columns("assets", titles), rows, note)


def _findings(found: list[Worker], grown: list[Law]) -> list[str]:
    groups = by_size(found)
    sessions, least = min(groups)
    most = max(assets for length, assets in groups if length == sessions)
    few, many = groups[sessions, least], groups[sessions, most]
    few_ns, many_ns = (median(one.warm for one in group) for group in (few, many))
    said = [_size_in_words(least, few_ns, most, many_ns), _cold_in_words(most, many)]
    part = max(TOP, key=lambda phase: _warm_median(many, phase))
    said.append(
        f"Bottleneck at {most} assets: {part}, {percent(_warm_median(many, part) / many_ns)} of "
        "the warm initialisation."
    )
    said += [_growth_in_words(one) for one in grown if one.quantity.endswith("initialisation")]
    growth = median(one.growth for one in many)
    said.append(
        f"At {most} assets a worker holds {size(median(one.resident[-1] for one in many))} in the "
        f"end, and each backtest after the first changes that by {size(growth)}."
    )
    return said


def _size_in_words(least: int, few_ns: float, most: int, many_ns: float) -> str:
    return (
        f"A warm backtest of {most} assets is initialised in {duration(many_ns)}, "
        f"{many_ns / few_ns:.1f} times as long as one of {least} ({duration(few_ns)}), for "
        f"{most / least:g} times the assets."
    )


def _cold_in_words(assets: int, group: list[Worker]) -> str:
    cold = median(one.cold for one in group)
    return (
        f"The first backtest of a worker is initialised in {duration(cold)} at {assets} assets: "
        "whoever starts a process for each backtest pays that, and the imports, each time."
    )


def _growth_in_words(one: Law) -> str:
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


def _picture(grown: list[Law]) -> Picture:
    series = [plots.Series(one.quantity, one.assets, one.seconds, one.law) for one in grown]
    drawn = plots.scaling(series, "assets", "seconds")
    return Picture("Growth with the number of assets", "scaling.svg", drawn)
