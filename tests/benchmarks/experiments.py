"""Experiments with known differences, and what a comparison has to conclude of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from rbtrace.comparison.results import ComparisonResults

IDENTICAL: Final = 20
"""Comparisons of identical arms."""
ALLOWED_ALARMS: Final = 2
"""Of these, at most so many may accept or fail: each is right 19 times in 20."""
_PLANTED_IN: Final = "DataPortal.get_history_window"


class Experiment(NamedTuple):
    """Two arms of `tests.benchmarks.planted`, as its options, and how often they run.

    `holds` judges the comparison: what was planted is found, what was not is not.
    """

    planted: str
    pairs: int
    holds: Callable[[ComparisonResults], bool]
    baseline: str = ""
    candidate: str = ""


def _slower_for(speed_up: float) -> str:
    """What a baseline needs, for a candidate without it to take `speed_up` per cent less."""
    return f"--slower {100 * (1 / (1 - speed_up / 100) - 1):.4f}"


def _finds_the_price(comparison: ComparisonResults) -> bool:
    if comparison.work is None or len(comparison.work.differences) != 1:
        return False
    (row,) = comparison.work.differences
    path = ["TradingAlgorithm.handle_data", "DataPortal.get_spot_value"]
    return row.path[-2:] == path and row.excess == row.baseline.least > 0


def _refuses(comparison: ComparisonResults) -> bool:
    ratio = comparison.overall[0].ratio
    undecided = {change.decision for change in comparison.overall} == {"INCONCLUSIVE"}
    return comparison.same_result is False and undecided and ratio is not None and ratio < 1


def _names_the_portal(comparison: ComparisonResults) -> bool:
    slower = [change.name for change in comparison.operations if change.gate == "FAIL"]
    return comparison.outcome.gate == "FAIL" and slower[:1] == [_PLANTED_IN]


def _accepts(comparison: ComparisonResults) -> bool:
    return comparison.outcome.decision == "ACCEPT"


def _does_not_accept(comparison: ComparisonResults) -> bool:
    return not _accepts(comparison)


def same_work(comparison: ComparisonResults) -> bool:
    """Whether no call count and no result differs between two arms."""
    work = comparison.work
    return work is not None and work.same and not work.varying and comparison.same_result is True


def is_alarm(comparison: ComparisonResults) -> bool:
    """Whether a comparison of identical arms claims to have found something."""
    return _accepts(comparison) or bool(comparison.outcome.failed)


EXPERIMENTS: Final[dict[str, Experiment]] = {
    "one-more-price": Experiment(
        "one more get_spot_value on every bar, from one run of each arm",
        1,
        _finds_the_price,
        candidate="--strategy one-more-price",
    ),
    "another-result": Experiment(
        "another portfolio value, and a third less time",
        5,
        _refuses,
        "--slower 50",
        "--strategy less-invested",
    ),
    "slow-down-15": Experiment(
        "15 % more time, in DataPortal", 30, _names_the_portal, candidate="--slower 15"
    ),
    "speed-up-12": Experiment("12 % less time", 30, _accepts, _slower_for(12)),
    "speed-up-2": Experiment("2 % less time", 30, _does_not_accept, _slower_for(2)),
    "speed-up-2-again": Experiment("2 % less time", 30, _does_not_accept, _slower_for(2)),
    **{
        f"identical-{number:02}": Experiment("nothing", 10, same_work)
        for number in range(1, IDENTICAL + 1)
    },
}
