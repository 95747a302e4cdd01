"""The report of the baseline: its figures beside those published earlier, and checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from operator import attrgetter, itemgetter
from statistics import median, quantiles
from typing import Final

from rbtrace.reporting.model import Column, Picture, Report, Table
from rbtrace.reporting.numbers import count, duration, percent, size
from rbtrace.studies import plots
from rbtrace.studies.baseline.figures import (
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
    Memory,
    Overhead,
    Quantity,
    framework,
    groups,
    parts_of_whole,
    user_code,
)
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.shared_tables import STOPWATCH_TITLE, share_with_interval

TITLE: Final = "Baseline: where time and memory go"
_NOT_THE_REST: Final = {PARTS[name].span for name in (HISTORY, *USERS)}


def baseline_report(evidence: Evidence) -> Report:
    """Compose the report of what is measured."""
    workloads = groups(evidence)
    return Report(
        title=TITLE,
        complete=evidence.complete,
        integrity=evidence.opening(),
        figures=[
            ("workloads", count(len(workloads))),
            ("traced processes", count(sum(len(group.times[SPANS]) for group in workloads))),
            ("untraced processes", count(sum(len(group.times[UNTRACED]) for group in workloads))),
        ],
        tables=[
            _earlier_table(workloads),
            _where_table(workloads),
            _memory_table(workloads),
            _agreement_table(workloads),
            _ways_table(workloads),
            evidence.operations(),
        ],
        findings=findings(workloads),
        pictures=[_picture(workloads)],
        warnings=evidence.warnings(),
    )


def findings(workloads: Sequence[Group]) -> list[str]:
    """The sentences that open the report."""
    return [
        _history_sentence(workloads),
        *map(_rest_sentence, workloads),
        _wrangling_sentence(workloads),
        (
            "The parts of the 87 % published earlier add up to 93.7 %, and rustybt 0.3.3, whose "
            "optimization/caching.py names them, gives 1,485 ms as 48.5 % and 13,800 ms as 45.2 % "
            "of the same backtests: they cannot be shares of one whole. They are of code that "
            "takes a Polars frame apart once per backtest; here pandas frames on every bar."
        ),
        _overhead_sentence(workloads),
        _memory_sentence(workloads),
        _agreement_sentence(workloads),
    ]


def _history_sentence(workloads: Sequence[Group]) -> str:
    return (
        f"DataPortal.history is {_each(workloads, HISTORY_SHARE)} of framework time; 58.4 % was "
        "published. The share is no constant of the engine: it depends on how much history is "
        "asked for on a bar, here two windows, and on what else the engine does."
    )


def _rest_sentence(group: Group) -> str:
    others = {name: ns for name, ns in group.self_ns.items() if name not in _NOT_THE_REST}
    name, spent = max(others.items(), key=itemgetter(1))
    return (
        f"{group.workload}: beside history, {name} takes the most of the framework's time in "
        f"itself, {percent(spent / group.total(framework))} of it, "
        f"{duration(spent / group.backtests)} a backtest."
    )


def _wrangling_sentence(workloads: Sequence[Group]) -> str:
    steps = "; ".join(map(_greatest_step, workloads))
    return (
        f"Data wrangling is {_each(workloads, WRANGLING_SHARE)} of user code; 87 % was published. "
        f"Its greatest part: {steps}. This is a property of the strategy, not of the engine."
    )


def _greatest_step(group: Group) -> str:
    name, spent = max(
        ((step.name, group.total(step.part)) for step in STEP_SHARES), key=itemgetter(1)
    )
    return f"{group.workload}: {name} {percent(spent / group.total(user_code))}"


def _overhead_sentence(workloads: Sequence[Group]) -> str:
    ratios = [
        f"{group.workload}: {Overhead.of(computed).ratio:.0f} : 1"
        for group in workloads
        if (computed := group.share(COMPUTED_SHARE)) is not None
    ]
    return (
        f"For one unit of computation there are others of overhead, {'; '.join(ratios)}; 74 : 1 "
        "was published. The ratio is the inverse of how much a strategy computes: one that "
        "computes twice as long on the same data has half of it."
    )


def _memory_sentence(workloads: Sequence[Group]) -> str:
    sizes = [
        f"{group.workload}: {size(median(group.call_peaks))} at most at a time, "
        f"{size(median(group.call_nets))} still held at its end"
        for group in workloads
        if group.memory
    ]
    return (
        f"A history call allocates, in the median, {'; '.join(sizes)}. 226 KB was published, "
        "without the bars and assets that were asked for, on which it depends. The 326 MiB "
        "published may be the peak of the process, or what 1,500 such calls allocate together: "
        "both are set beside it."
    )


def _agreement_sentence(workloads: Sequence[Group]) -> str:
    distances = [
        f"{way} {_distance(workloads, way):.1f}"
        for way in (STOPWATCH, UNTRACED, CPROFILE)
        if any(group.times[way] for group in workloads)
    ]
    return (
        "Greatest difference of a share from that of the spans, in points of per cent: "
        f"{', '.join(distances)}."
    )


def _distance(workloads: Sequence[Group], way: str) -> float:
    return 100 * max(
        abs(other.share - spans.share)
        for group in workloads
        for quantity in SHARES
        if (other := group.share(quantity, way)) and (spans := group.share(quantity, SPANS))
    )


def _each(workloads: Sequence[Group], quantity: Quantity) -> str:
    return ", ".join(
        f"{percent(share.share)} ({group.workload})"
        for group in workloads
        if (share := group.share(quantity)) is not None
    )


def _picture(workloads: list[Group]) -> Picture:
    shares = {}
    for group in workloads:
        parts = parts_of_whole(group)
        shares[str(group.workload)] = {
            name: 100 * spent / sum(parts.values()) for name, spent in parts.items()
        }
    drawn = plots.stacked(shares, "per cent of run_algorithm")
    return Picture("Where the time of a backtest goes", "parts.svg", drawn)


def _earlier_table(workloads: list[Group]) -> Table:
    def share(group: Group) -> Column[Quantity]:
        return Column(str(group.workload), lambda quantity: _share(group, quantity))

    columns: list[Column[Quantity]] = [
        Column("figure", lambda quantity: quantity.name, right=False),
        Column("earlier", lambda quantity: quantity.earlier),
        *map(share, workloads),
    ]
    note = (
        "By the spans of traced processes; in brackets the 95 % interval over processes. Framework "
        "time: all of run_algorithm but user code. User code: the strategy's bars without what the "
        "engine did in them (history, orders). Overhead: all but the indicators, unlike in the "
        "ratio of rbtrace analyze, which counts the engine's own loop as computation. Earlier: as "
        "published, without the setup; it is not said what the 326 MiB and the 226 KB are of."
    )
    title = "Beside the figures published earlier"
    table = Table.of(title, columns, SHARES, note, depth=lambda quantity: quantity.depth)
    table.add("overhead : computation", "74 : 1", *map(_overhead, workloads))
    memory: dict[str, tuple[str, Callable[[Memory], float]]] = {
        "peak memory of the process": ("326 MiB", lambda memory: memory.peak),
        "peaks of all history calls, summed": ("326 MiB", lambda memory: sum(memory.call_peak)),
        "memory of a history call, peak": ("226 KB", lambda memory: median(memory.call_peak)),
        "memory of a history call, net": ("226 KB", lambda memory: median(memory.call_net)),
    }
    for name, (earlier, value) in memory.items():
        table.add(name, earlier, *(size(group.median_memory(value)) for group in workloads))
    return table


def _share(group: Group, quantity: Quantity, way: str = SPANS) -> str:
    share = group.share(quantity, way)
    return "–" if share is None else share_with_interval(share.share, share.ci)


def _overhead(group: Group) -> str:
    computed = group.share(COMPUTED_SHARE)
    return "–" if computed is None else str(Overhead.of(computed))


def _where_table(workloads: list[Group]) -> Table:
    columns: list[Column[str]] = [Column("part", str, right=False)]
    for group in workloads:
        columns += _part_columns(group)
    note = (
        "Of run_algorithm, by spans. Each: mean time in one backtest. The parts add up to all of "
        "it. The first backtest of a process warms up and does not count. Daily prices are real; "
        "minute bars are real hourly bars laid onto minutes, since no package ships minute bars."
    )
    parts = parts_of_whole(workloads[0])
    return Table.of("Where the time of a backtest goes", columns, parts, note)


def _part_columns(group: Group) -> list[Column[str]]:
    parts = parts_of_whole(group)
    return [
        Column(str(group.workload), lambda name: percent(parts[name] / sum(parts.values()))),
        Column("each", lambda name: duration(parts[name] / group.backtests)),
    ]


def _memory_table(workloads: list[Group]) -> Table:
    def resident(title: str, value: Callable[[Memory], float | None]) -> Column[Group]:
        return Column(title, lambda group: size(group.median_memory(value)))

    columns: list[Column[Group]] = [
        Column("workload", lambda group: str(group.workload), right=False),
        Column("processes", lambda group: count(len(group.memory))),
        resident("before", lambda memory: memory.start),
        resident("peak", lambda memory: memory.peak),
        resident("peak, told by the kernel", lambda memory: memory.kernel_peak),
        Column("history calls", lambda group: count(len(group.call_peaks))),
        Column("peak of a call", lambda group: size(median(group.call_peaks))),
        Column("95 % of calls", lambda group: size(quantiles(group.call_peaks, n=20)[-1])),
        Column("greatest", lambda group: size(max(group.call_peaks))),
        Column("net of a call", lambda group: size(median(group.call_nets))),
        Column("mean net", lambda group: size(sum(group.call_nets) / len(group.call_nets))),
    ]
    note = (
        "Before, peak: resident memory before and during the first backtest of an untraced process "
        "(rbtrace.profiling.profile_memory, every 20 ms); the kernel's peak is that of the whole "
        "process, which later ran a backtest under cProfile and one under tracemalloc. A call: "
        "what DataPortal.get_history_window allocated, by tracemalloc, at most at a time and still "
        "held when it returned; medians of all calls."
    )
    return Table.of("Memory", columns, filter(attrgetter("memory"), workloads), note)


def _agreement_table(workloads: list[Group]) -> Table:
    columns: list[Column[str]] = [
        Column("part", str, right=False),
        Column("span", lambda name: PARTS[name].span),
    ]
    for group in workloads:
        columns += _clock_columns(group)
    note = (
        "The same calls in the same processes: a stopwatch of perf_counter around them, and the "
        "totals of their spans. The stopwatch stands outside of the tracing, so it is a little "
        "longer."
    )
    return Table.of(STOPWATCH_TITLE, columns, PARTS, note)


def _clock_columns(group: Group) -> list[Column[str]]:
    def spans_to_clocked(name: str) -> str:
        clocked, spans = (group.total(itemgetter(name), way) for way in (STOPWATCH, SPANS))
        return f"{spans / clocked:.4f}" if clocked else "–"

    return [
        Column(
            str(group.workload), lambda name: duration(group.total(itemgetter(name), STOPWATCH))
        ),
        Column("rbtrace ÷ stopwatch", spans_to_clocked),
    ]


def _ways_table(workloads: list[Group]) -> Table:
    def share(way: str) -> Column[tuple[Group, Quantity | None]]:
        return Column(way, lambda row: _share(row[0], row[1], way) if row[1] else "")

    columns: list[Column[tuple[Group, Quantity | None]]] = [
        Column("share", lambda row: row[1].name if row[1] else str(row[0].workload), right=False),
        *map(share, (SPANS, STOPWATCH, UNTRACED, CPROFILE)),
    ]
    rows = product(workloads, (None, *SHARES, COMPUTED_SHARE))
    note = (
        "Spans and stopwatch: the same traced processes. Untraced: processes of their own. "
        "cProfile: one backtest of each, untraced; it takes time at every call, so it overstates "
        "what makes many small ones."
    )
    title = "Check: the same shares by other means"
    return Table.of(title, columns, rows, note, depth=lambda row: int(row[1] is not None))
