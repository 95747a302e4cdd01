"""What the study of the baseline says: figures beside those published earlier, and the checks."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter, itemgetter
from statistics import median, quantiles
from typing import Final

from rbtrace.reporting.model import Picture, Report, Row, Table, columns
from rbtrace.reporting.numbers import count, duration, interval, percent, size
from rbtrace.studies import plots
from rbtrace.studies.baseline.figures import (
    COMPUTED_SHARE,
    CPROFILE,
    PARTS,
    SHARES,
    SPANS,
    STOPWATCH,
    UNTRACED,
    Group,
    Memory,
    Overhead,
    Quantity,
    groups,
)
from rbtrace.studies.baseline.findings import findings, pieces
from rbtrace.studies.evidence import Evidence

TITLE: Final = "Baseline: where time and memory go"


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
            _beside_earlier(found),
            _where(found),
            _memory(found),
            _agreement(found),
            _ways(found),
            evidence.operations(),
        ],
        findings=findings(found),
        pictures=[_picture(found)],
        warnings=evidence.warnings(),
    )


def _picture(found: list[Group]) -> Picture:
    shares = {}
    for group in found:
        parts = pieces(group)
        shares[str(group.workload)] = {
            name: 100 * spent / sum(parts.values()) for name, spent in parts.items()
        }
    drawn = plots.stacked(shares, "per cent of run_algorithm")
    return Picture("Where the time of a backtest goes", "parts.svg", drawn)


def _titles(found: list[Group]) -> list[str]:
    return [str(one.workload) for one in found]


def _beside_earlier(found: list[Group]) -> Table:
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
    if share is None:
        return "–"
    return percent(share.share) + (f" ({interval(share.ci)})" if share.ci else "")


def _overhead(group: Group) -> str:
    computed = group.share(COMPUTED_SHARE)
    if computed is None:
        return "–"
    found = Overhead.of(computed)
    told = f" ({found.ci[0]:.1f} … {found.ci[1]:.1f})" if found.ci else ""
    return f"{found.ratio:.1f} : 1{told}"


def _where(found: list[Group]) -> Table:
    whole = [pieces(group) for group in found]
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


def _memory(found: list[Group]) -> Table:
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


def _agreement(found: list[Group]) -> Table:
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
    return Table(
        "Check: a stopwatch that is not rbtrace", columns("part", ["span", *titles]), rows, note
    )


def _ways(found: list[Group]) -> Table:
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
