"""What the study of the baseline says: figures beside those published earlier, and the checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, itemgetter
from statistics import median, quantiles
from typing import Final

from rbtrace.reporting.model import Picture, Report, Row, Table, columns
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
    found = groups(evidence)
    return Report(
        title=TITLE,
        complete=evidence.complete,
        integrity=evidence.opening(),
        figures=[
            ("workloads", count(len(found))),
            ("traced processes", count(sum(len(one.times[SPANS]) for one in found))),
            ("untraced processes", count(sum(len(one.times[UNTRACED]) for one in found))),
        ],
        tables=[
            _earlier_table(found),
            _where_table(found),
            _memory_table(found),
            _agreement_table(found),
            _ways_table(found),
            evidence.operations(),
        ],
        findings=findings(found),
        pictures=[_picture(found)],
        warnings=evidence.warnings(),
    )


def findings(found: Sequence[Group]) -> list[str]:
    """The sentences that open the report."""
    return [
        _history_sentence(found),
        *map(_rest_sentence, found),
        _wrangling_sentence(found),
        (
            "The parts of the 87 % published earlier add up to 93.7 %, and rustybt 0.3.3, whose "
            "optimization/caching.py names them, gives 1,485 ms as 48.5 % and 13,800 ms as 45.2 % "
            "of the same backtests: they cannot be shares of one whole. They are of code that "
            "takes a Polars frame apart once per backtest; here pandas frames on every bar."
        ),
        _overhead_sentence(found),
        _memory_sentence(found),
        _agreement_sentence(found),
    ]


def _history_sentence(found: Sequence[Group]) -> str:
    return (
        f"DataPortal.history is {_each(found, HISTORY_SHARE)} of framework time; 58.4 % was "
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


def _wrangling_sentence(found: Sequence[Group]) -> str:
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


def _overhead_sentence(found: Sequence[Group]) -> str:
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


def _memory_sentence(found: Sequence[Group]) -> str:
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


def _agreement_sentence(found: Sequence[Group]) -> str:
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


def _picture(found: list[Group]) -> Picture:
    shares = {}
    for group in found:
        parts = parts_of_whole(group)
        shares[str(group.workload)] = {
            name: 100 * spent / sum(parts.values()) for name, spent in parts.items()
        }
    drawn = plots.stacked(shares, "per cent of run_algorithm")
    return Picture("Where the time of a backtest goes", "parts.svg", drawn)


def _titles(found: list[Group]) -> list[str]:
    return [str(one.workload) for one in found]


def _earlier_table(found: list[Group]) -> Table:
    rows = [
        Row([one.name, one.earlier, *(_share(group, one) for group in found)], depth=one.depth)
        for one in SHARES
    ]
    rows.append(Row(["overhead : computation", "74 : 1", *map(_overhead, found)]))
    memory: dict[str, tuple[str, Callable[[Memory], float]]] = {
        "peak memory of the process": ("326 MiB", lambda one: one.peak),
        "peaks of all history calls, summed": ("326 MiB", lambda one: sum(one.call_peak)),
        "memory of a history call, peak": ("226 KB", lambda one: median(one.call_peak)),
        "memory of a history call, net": ("226 KB", lambda one: median(one.call_net)),
    }
    for name, (earlier, value) in memory.items():
        rows.append(Row([name, earlier, *(size(group.median_memory(value)) for group in found)]))
    note = (
        "By the spans of traced processes; in brackets the 95 % interval over processes. Framework "
        "time: all of run_algorithm but user code. User code: the strategy's bars without what the "
        "engine did in them (history, orders). Overhead: all but the indicators, unlike in the "
        "ratio of rbtrace analyze, which counts the engine's own loop as computation. Earlier: as "
        "published, without the setup; it is not said what the 326 MiB and the 226 KB are of."
    )
    return Table(
        "Beside the figures published earlier",
        columns("figure", ["earlier", *_titles(found)]),
        rows,
        note,
    )


def _share(group: Group, quantity: Quantity, way: str = SPANS) -> str:
    share = group.share(quantity, way)
    return "–" if share is None else share_with_interval(share.share, share.ci)


def _overhead(group: Group) -> str:
    computed = group.share(COMPUTED_SHARE)
    if computed is None:
        return "–"
    found = Overhead.of(computed)
    told = f" ({found.ci[0]:.1f} … {found.ci[1]:.1f})" if found.ci else ""
    return f"{found.ratio:.1f} : 1{told}"


def _where_table(found: list[Group]) -> Table:
    whole = [parts_of_whole(group) for group in found]
    rows = []
    for name in whole[0]:
        cells = [name]
        for one, group in zip(whole, found, strict=True):
            cells += [percent(one[name] / sum(one.values())), duration(one[name] / group.backtests)]
        rows.append(Row(cells))
    titles = [told for title in _titles(found) for told in (title, "each")]
    note = (
        "Of run_algorithm, by spans. Each: mean time in one backtest. The parts add up to all of "
        "it. The first backtest of a process warms up and does not count. Daily prices are real; "
        "minute bars are real hourly bars laid onto minutes, since no package ships minute bars."
    )
    return Table("Where the time of a backtest goes", columns("part", titles), rows, note)


def _memory_table(found: list[Group]) -> Table:
    titles = ["processes", "before", "peak", "peak, told by the kernel", "history calls"]
    titles += ["peak of a call", "95 % of calls", "greatest", "net of a call", "mean net"]
    rows = []
    for group in filter(attrgetter("memory"), found):
        peaks, nets = group.call_peaks, group.call_nets
        rows.append(
            Row(
                [
                    str(group.workload),
                    count(len(group.memory)),
                    size(group.median_memory(lambda one: one.start)),
                    size(group.median_memory(lambda one: one.peak)),
                    size(group.median_memory(lambda one: one.kernel_peak)),
                    count(len(peaks)),
                    size(median(peaks)),
                    size(quantiles(peaks, n=20)[-1]),
                    size(max(peaks)),
                    size(median(nets)),
                    size(sum(nets) / len(nets)),
                ]
            )
        )
    note = (
        "Before, peak: resident memory before and during the first backtest of an untraced process "
        "(rbtrace.profiling.profile_memory, every 20 ms); the kernel's peak is that of the whole "
        "process, which later ran a backtest under cProfile and one under tracemalloc. A call: "
        "what DataPortal.get_history_window allocated, by tracemalloc, at most at a time and still "
        "held when it returned; medians of all calls."
    )
    return Table("Memory", columns("workload", titles), rows, note)


def _agreement_table(found: list[Group]) -> Table:
    rows = []
    for name, part in PARTS.items():
        cells = [name, part.span]
        for group in found:
            told, spans = (group.total(itemgetter(name), way) for way in (STOPWATCH, SPANS))
            cells += [duration(told), f"{spans / told:.4f}" if told else "–"]
        rows.append(Row(cells))
    titles = [told for title in _titles(found) for told in (title, "rbtrace ÷ stopwatch")]
    note = (
        "The same calls in the same processes: a stopwatch of perf_counter around them, and the "
        "totals of their spans. The stopwatch stands outside of the tracing, so it is a little "
        "longer."
    )
    return Table(STOPWATCH_TITLE, columns("part", ["span", *titles]), rows, note)


def _ways_table(found: list[Group]) -> Table:
    ways = (SPANS, STOPWATCH, UNTRACED, CPROFILE)
    rows = []
    for group in found:
        rows.append(Row([str(group.workload), *[""] * len(ways)]))
        rows += [
            Row([one.name, *(_share(group, one, way) for way in ways)], depth=1)
            for one in (*SHARES, COMPUTED_SHARE)
        ]
    note = (
        "Spans and stopwatch: the same traced processes. Untraced: processes of their own. "
        "cProfile: one backtest of each, untraced; it takes time at every call, so it overstates "
        "what makes many small ones."
    )
    return Table("Check: the same shares by other means", columns("share", list(ways)), rows, note)
