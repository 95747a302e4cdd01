"""Figures of the baseline: shares of time and memory, by workload and way of measuring."""

from __future__ import annotations

import pstats
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

from rbtrace.analysis.breakdowns import CallPathTime
from rbtrace.statistics import share_interval
from rbtrace.statistics.shares import ShareInterval
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.journal import Measured
from rbtrace.studies.measuring import TimedFunction
from rbtrace.studies.shared_tables import median_of_known

type Times = dict[str, int]

MEASURED: Final = "baseline.measured"
"""The span around the backtests that count; before them one warms up."""


class Part(NamedTuple):
    """One function: what its spans are called, where its caller finds it, and its own file."""

    span: str
    owner: str
    attribute: str
    file: str


_STRATEGY: Final = "rbtrace.studies.baseline.strategy"


def _step(span: str, attribute: str) -> Part:
    return Part(f"strategy.{span}", _STRATEGY, attribute, "strategy.py")


WHOLE: Final = "whole backtest"
HISTORY: Final = "DataPortal.history"
ON_BAR: Final = "strategy's bar"
ASK: Final = "asking for history"
TRADE: Final = "ordering"
EXTRACT: Final = "asset extraction"
FILTER: Final = "filtering"
CONVERT: Final = "type conversion"
COMPUTE: Final = "computation"
USERS: Final = (ON_BAR, EXTRACT, FILTER, CONVERT, COMPUTE)
"""Parts whose own time is the user's."""

PARTS: Final = {
    WHOLE: Part("run_algorithm", "rustybt", "run_algorithm", "run_algo.py"),
    HISTORY: Part(
        "DataPortal.get_history_window",
        "rustybt.data.data_portal:DataPortal",
        "get_history_window",
        "data_portal.py",
    ),
    ON_BAR: _step("on_bar", "on_bar"),
    ASK: _step("ask", "ask"),
    TRADE: _step("trade", "trade"),
    EXTRACT: _step("extract", "extract"),
    FILTER: _step("filter", "usable"),
    CONVERT: _step("convert", "convert"),
    COMPUTE: _step("compute", "compute"),
}


def clocked() -> dict[str, TimedFunction]:
    """What a stopwatch is put around; the backtest itself is timed by whoever runs it."""
    return {
        name: TimedFunction(part.owner, part.attribute, part.span)
        for name, part in PARTS.items()
        if name != WHOLE
    }


def times_of_paths(paths: Iterable[CallPathTime]) -> Times:
    """By the traces of one process: the totals of the spans beneath the measured one."""
    names = {part.span: name for name, part in PARTS.items()}
    times = dict.fromkeys(PARTS, 0)
    for path in paths:
        name = names.get(path.path[-1])
        if name and path.path[0] == MEASURED:
            times[name] += path.total_ns
    return times


def times_of_profile(stats: pstats.Stats) -> Times:
    """By cProfile: the cumulative times of the functions."""
    names = {(part.file, part.attribute): name for name, part in PARTS.items()}
    times = dict.fromkeys(PARTS, 0)
    kept: dict[tuple[str, int, str], tuple[int, int, float, float, object]]
    kept = stats.stats  # type: ignore[attr-defined] # typeshed leaves it out
    for (file, _, function), (_, _, _, cumulative, _) in kept.items():
        name = names.get((Path(file).name, function))
        if name:
            times[name] += round(cumulative * 1e9)
    return times


SPANS: Final = "spans"
STOPWATCH: Final = "stopwatch"
UNTRACED: Final = "stopwatch, untraced"
CPROFILE: Final = "cProfile"


def user_code(times: Times) -> int:
    """The strategy's own time: its bars, less what the engine did for it in them."""
    return times[ON_BAR] - times[ASK] - times[TRADE]


def framework(times: Times) -> int:
    """All of a backtest that is not the strategy's own."""
    return times[WHOLE] - user_code(times)


def wrangling(times: Times) -> int:
    """Asset extraction, filtering and type conversion."""
    return times[EXTRACT] + times[FILTER] + times[CONVERT]


class Quantity(NamedTuple):
    """A share: what of what, and what was published earlier of it."""

    name: str
    part: Callable[[Times], int]
    whole: Callable[[Times], int]
    earlier: str
    depth: int = 0


HISTORY_SHARE: Final = Quantity(
    "DataPortal.history, of framework time", itemgetter(HISTORY), framework, "58.4 %"
)
WRANGLING_SHARE: Final = Quantity("data wrangling, of user code", wrangling, user_code, "87 %")
STEP_SHARES: Final = tuple(
    Quantity(name, itemgetter(name), user_code, earlier, 1)
    for name, earlier in ((EXTRACT, "48.5 %"), (FILTER, "39.1 %"), (CONVERT, "6.1 %"))
)
COMPUTED_SHARE: Final = Quantity("computation, of all", itemgetter(COMPUTE), itemgetter(WHOLE), "")
SHARES: Final = (HISTORY_SHARE, WRANGLING_SHARE, *STEP_SHARES)


class Workload(NamedTuple):
    """What was run."""

    bars: str
    assets: int
    sessions: int

    def __str__(self) -> str:
        sessions = "session" if self.sessions == 1 else "sessions"
        return f"{self.bars}, {self.assets} assets, {self.sessions} {sessions}"


class Memory(NamedTuple):
    """Memory of one process, bytes; `calls` are those of history, in one backtest."""

    start: int
    peak: int
    kernel_peak: int | None
    call_peak: list[int]
    call_net: list[int]

    @classmethod
    def of(cls, measured: Measured) -> Memory:
        """What a case says."""
        figures = measured.results
        return cls(
            figures["start_bytes"],
            figures["peak_bytes"],
            measured.peak_bytes,
            figures["call_peak_bytes"],
            figures["call_net_bytes"],
        )


class Group:
    """All that was measured of one workload.

    Attributes:
        times: by way of measuring, those of each process.
        memory: of each process that was watched for it.
        backtests: number of those whose spans count.
        self_ns: self times of their operations, ns.
    """

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.times: dict[str, list[Times]] = defaultdict(list)
        self.memory: list[Memory] = []
        self.backtests = 0
        self.self_ns: dict[str, int] = defaultdict(int)

    def add_traced(self, paths: Sequence[CallPathTime], backtests: int) -> None:
        """Take the call paths of a traced process that measured so many backtests."""
        self.times[SPANS].append(times_of_paths(paths))
        self.backtests += backtests
        for path in paths:
            if path.path[0] == MEASURED:
                self.self_ns[path.path[-1]] += path.self_ns

    def share(self, quantity: Quantity, way: str = SPANS) -> ShareInterval | None:
        """A share with its interval over processes; None where it was not measured so."""
        times = self.times[way]
        if not times:
            return None
        return share_interval(
            [quantity.part(process) for process in times],
            [quantity.whole(process) for process in times],
        )

    def total(self, part: Callable[[Times], int], way: str = SPANS) -> int:
        """Time of a part in all processes, ns."""
        return sum(part(process) for process in self.times[way])

    @property
    def call_peaks(self) -> list[int]:
        """What each history call allocated at most at a time, bytes."""
        return [size for memory in self.memory for size in memory.call_peak]

    @property
    def call_nets(self) -> list[int]:
        """What each history call still held when it returned, bytes."""
        return [size for memory in self.memory for size in memory.call_net]

    def median_memory(self, value: Callable[[Memory], float | None]) -> float | None:
        """The median over processes of what is known."""
        return median_of_known(map(value, self.memory))


def parts_of_whole(group: Group) -> dict[str, int]:
    """All of the backtests in parts that add up, by spans, ns."""
    parts: dict[str, Callable[[Times], int]] = {
        "framework: DataPortal.history": lambda times: times[HISTORY],
        "framework: the rest": lambda times: framework(times) - times[HISTORY],
        **{f"user code: {step.name}": step.part for step in STEP_SHARES},
        "user code: computation": lambda times: times[COMPUTE],
        "user code: the rest": lambda times: user_code(times) - wrangling(times) - times[COMPUTE],
    }
    return {name: group.total(part) for name, part in parts.items()}


class Overhead(NamedTuple):
    """All time that is not computation, for one unit of computation; and its interval."""

    ratio: float
    ci: tuple[float, float] | None

    @classmethod
    def of(cls, computed: ShareInterval) -> Overhead:
        """From the share of computation: (1 − share) ÷ share."""
        ci = computed.ci
        return cls(_odds(computed.share), (_odds(ci[1]), _odds(ci[0])) if ci else None)

    def __str__(self) -> str:
        interval = f" ({self.ci[0]:.1f} … {self.ci[1]:.1f})" if self.ci else ""
        return f"{self.ratio:.1f} : 1{interval}"


def groups(evidence: Evidence) -> list[Group]:
    """What was measured, by workload, in the order of the plan."""
    by_workload: dict[Workload, Group] = {}
    for measured in evidence.measured:
        if measured.settings["do"] == "ingest":
            continue
        workload = _workload(measured)
        group = by_workload.setdefault(workload, Group(workload))
        if measured.settings["do"] == "profiles":
            group.times[CPROFILE].append(measured.results["cprofile"])
            group.memory.append(Memory.of(measured))
            continue
        group.times[STOPWATCH if measured.traced else UNTRACED].append(
            summed(measured.results["backtests"])
        )
        if measured.traced:
            group.add_traced(
                evidence.results_of(measured.run_id).paths, len(measured.results["backtests"])
            )
    return list(by_workload.values())


def summed(times: Sequence[Mapping[str, int]]) -> Times:
    """The sum of the times of several backtests, by part."""
    return {part: sum(process[part] for process in times) for part in times[0]}


def _workload(measured: Measured) -> Workload:
    settings = measured.settings
    return Workload(str(settings["bars"]), int(settings["assets"]), int(settings["sessions"]))


def _odds(share: float) -> float:
    return (1 - share) / share
