"""Arms made by hand, for tests of what is concluded from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rbtrace.comparison.arms import SELF, WALL, Arm, ArmRun
from rbtrace.comparison.compare import compare_arms
from rbtrace.comparison.decisions import make_policy
from rbtrace.comparison.results import Change, ComparisonResults, OperationChange

PATH = ("backtest", "handle_data", "price")


def arm(
    name: str,
    operations: Sequence[Mapping[str, float]],
    *,
    calls: Mapping[tuple[str, ...], int] | None = None,
    result: str = "same",
    host: str = "host",
    pairs: bool = False,
    source: str = "traces",
    **fields: Any,
) -> Arm:
    """An arm with one run for each mapping of operations to self times."""
    runs = tuple(
        ArmRun(
            name=f"{name}-{number}",
            measures={WALL: sum(times.values()), SELF: sum(times.values())},
            self_ns=times,
            calls={PATH: 5} if calls is None else calls,
            fingerprints=(result,) if result else (),
            hosts=frozenset({host}),
            pair=number if pairs else None,
            started_ns=1_000 * number + (name == "candidate"),
        )
        for number, times in enumerate(operations, 1)
    )
    return Arm(name, source, runs, **fields)


def noisy(total: float, runs: int, seed: int = 0) -> list[dict[str, float]]:
    """Runs that spread by some per cent, the same way for the same seed."""
    return [
        {"price": total * 0.4 * f, "order": total * 0.6 * f}
        for f in (1 + 0.02 * ((7 * (n + seed)) % 5 - 2) for n in range(runs))
    ]


def compared(baseline: Arm, candidate: Arm, **policy: Any) -> ComparisonResults:
    """Compare by a policy of some options."""
    return compare_arms(baseline, candidate, make_policy(**policy))


def operation(found: ComparisonResults, name: str) -> OperationChange:
    """The row of an operation."""
    (row,) = [one for one in found.operations if one.name == name]
    return row


def whole(found: ComparisonResults) -> Change:
    """The row that the gate is made of."""
    return found.overall[0]
