"""The report of what analyzing costs."""

from __future__ import annotations

import resource
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rbtrace.reporting.model import Column, Report, Table
from tests.benchmarks.analyzing.known import (
    KNOWN_SELF_NS,
    TOLERANCE,
    generated,
    greatest_error,
    known_trace,
    true_self_ns,
)
from tests.benchmarks.analyzing.peers.catalogue import HOW_TO_GET, Peer
from tests.benchmarks.analyzing.programs import BARE, Arm, Program, SelfTimes
from tests.benchmarks.benchmarks import this_machine


@dataclass(frozen=True, slots=True)
class Results:
    """What was measured.

    Attributes:
        arms: every program on every generated trace, the smallest trace first.
        known: every program on the known trace.
        rounds: how many processes each had at most.
        peers: every peer, and whether it is installed.
        peer_spans: how many spans a trace may have at most that peers are given.
    """

    arms: Sequence[Arm]
    known: Mapping[Program, Arm]
    rounds: int
    peers: Mapping[Peer, bool]
    peer_spans: int


def report(results: Results) -> Report:
    """The report of what was measured."""
    return Report(
        title="What analyzing costs",
        complete=None,
        integrity=[
            (
                "The same generated traces for all, and fresh processes that take turns. CPU time "
                "is the least of a program's processes, children included; memory is the greatest "
                f"of them, and shows no less than the {_own_peak_bytes() / 1e6:.0f} MB of the "
                "process that measures."
            ),
            (
                "The bare script decodes one spelling of clean OTLP JSON and computes self times, "
                "no more."
            ),
            this_machine(),
        ],
        figures=[("rounds", str(results.rounds))],
        tables=[table(results), per_span(results.arms), of_peers(results)],
    )


def _own_peak_bytes() -> int:
    """A process that is started counts the memory of the one that starts it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def table(results: Results) -> Table:
    """Every program on every trace."""
    bare = {arm.spans: min(arm.cpu_s) for arm in results.arms if arm.program == BARE}

    def of_known(arm: Arm) -> str:
        return verdict(results.known[arm.program], KNOWN_SELF_NS)

    def figure(title: str, cell: Callable[[Arm], str]) -> Column[Arm]:
        return Column(title, lambda arm: cell(arm) if arm.cpu_s and not arm.problem else "")

    columns: list[Column[Arm]] = [
        Column("program", lambda arm: arm.program.name, right=False),
        Column("spans", lambda arm: str(arm.spans)),
        figure("CPU, s", lambda arm: f"{min(arm.cpu_s):.2f}"),
        figure(
            "speed beside the bare script", lambda arm: f"{bare[arm.spans] / min(arm.cpu_s):.2f}"
        ),
        figure("peak, MB", lambda arm: f"{max(arm.peak_bytes) / 1e6:.0f}"),
        Column("self time of the known trace", of_known, right=False),
        Column("self time of this one", _verdict_of_generated, right=False),
    ]
    note = (
        "The known trace is small, and its children run in parallel. Self time is right where that "
        f"of no operation is off by more than {TOLERANCE:.0%} of itself, for outputs are rounded; "
        "else the operation that is furthest off is named. A program whose format knows "
        "microseconds only is held to the trace cut to these."
    )
    title = "Time, memory, and whether the self time is right"
    return Table.of(title, columns, results.arms, note)


def _verdict_of_generated(arm: Arm) -> str:
    if not arm.cpu_s or arm.problem:
        return arm.problem
    return verdict(arm, _true(arm.spans, arm.program.input.unit_ns))


@cache
def _true(spans: int, unit_ns: int) -> Mapping[str, int]:
    return true_self_ns(generated(spans), unit_ns)


def verdict(arm: Arm, true: Mapping[str, int]) -> str:
    """Whether what a program said is right, in words."""
    if arm.output is None:
        return arm.problem
    if arm.output.critical_path_ns is not None:
        return _of_critical_path(arm, arm.output.critical_path_ns)
    return _of_self_times(arm.output, true)


def _of_self_times(output: SelfTimes, true: Mapping[str, int]) -> str:
    worst, error = greatest_error(output.self_ns, true)
    if error <= TOLERANCE:
        return "right"
    given, own = output.self_ns.get(worst, 0), true[worst]
    return f"wrong: {worst} {given / 1e6:.1f} ms, not {own / 1e6:.1f} ms"


def _of_critical_path(arm: Arm, path_ns: int) -> str:
    """A critical path as long as the root is what it should be."""
    of_known = arm.spans == known_trace().span_id.size
    traces = [known_trace()] if of_known else generated(arm.spans)
    roots_ns = sum(int(trace.end[0] - trace.start[0]) for trace in traces)
    return f"on the critical path only, which is {path_ns / roots_ns:.1%} of the roots"


def per_span(arms: Sequence[Arm]) -> Table:
    """CPU time of each program for each span, at every size but the smallest."""
    least, *sizes = sorted({arm.spans for arm in arms})
    done = {(arm.program.name, arm.spans): min(arm.cpu_s) for arm in arms if arm.cpu_s}
    costs = {
        name: {
            size: (done[name, size] - done[name, least]) / (size - least) * 1e6
            for size in sizes
            if (name, size) in done and (name, least) in done
        }
        for name, _ in done
    }

    def of_size(size: int) -> Column[str]:
        return Column(
            f"{size} spans, µs",
            lambda name: f"{costs[name][size]:.2f}" if size in costs[name] else "",
        )

    def spread(name: str) -> str:
        of_name = costs[name].values()
        low, high = min(of_name, default=0.0), max(of_name, default=0.0)
        return f"{high / low:.2f}" if len(of_name) > 1 and low > 0 else ""

    columns: list[Column[str]] = [
        Column("program", str, right=False),
        *map(of_size, sizes),
        Column("greatest ÷ least", spread),
    ]
    note = (
        "CPU time less that of the smallest trace, which is start-up, for each span more. Where "
        "cost grows linearly, all sizes of a program cost the same."
    )
    return Table.of("Cost per span", columns, costs, note)


def of_peers(results: Results) -> Table:
    """How peers were measured, and how to get those that are not installed."""

    def how_measured(peer: Peer) -> str:
        needs = f", which needs {peer.needs}" if peer.needs else ""
        return peer.note if results.peers[peer] else f"not installed: {HOW_TO_GET}{needs}"

    columns: list[Column[Peer]] = [
        Column("analyzer", lambda peer: peer.title, right=False),
        Column("what is measured", how_measured, right=False),
    ]
    note = (
        "Each reads the same traces, in a format that it reads; writing them is not measured. They "
        f"are given traces of up to {results.peer_spans} spans."
    )
    return Table.of("Other analyzers", columns, results.peers, note)
