"""Differences that are known, and what a comparison has to say of them."""

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


def _finds_the_price(found: ComparisonResults) -> bool:
    if found.work is None or len(found.work.differences) != 1:
        return False
    (row,) = found.work.differences
    path = ["TradingAlgorithm.handle_data", "DataPortal.get_spot_value"]
    return row.path[-2:] == path and row.excess == row.baseline.least > 0


def _refuses(found: ComparisonResults) -> bool:
    ratio = found.overall[0].ratio
    undecided = {one.decision for one in found.overall} == {"INCONCLUSIVE"}
    return found.same_result is False and undecided and ratio is not None and ratio < 1


def _names_the_portal(found: ComparisonResults) -> bool:
    slower = [one.name for one in found.operations if one.gate == "FAIL"]
    return found.outcome.gate == "FAIL" and slower[:1] == [_PLANTED_IN]


def _accepts(found: ComparisonResults) -> bool:
    return found.outcome.decision == "ACCEPT"


def _does_not_accept(found: ComparisonResults) -> bool:
    return not _accepts(found)


def same_work(found: ComparisonResults) -> bool:
    """Whether no call count and no result differs between two arms."""
    work = found.work
    return work is not None and work.same and not work.varying and found.same_result is True


def is_alarm(found: ComparisonResults) -> bool:
    """Whether a comparison of identical arms claims to have found something."""
    return _accepts(found) or bool(found.outcome.failed)


EXPERIMENTS: Final[dict[str, Experiment]] = {
    "one-more-price": Experiment(
        "one more `get_spot_value` on every bar, from one run of each arm",
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
        "15 % more time, in `DataPortal`", 30, _names_the_portal, candidate="--slower 15"
    ),
    "speed-up-12": Experiment("12 % less time", 30, _accepts, _slower_for(12)),
    "speed-up-2": Experiment("2 % less time", 30, _does_not_accept, _slower_for(2)),
    "speed-up-2-again": Experiment("2 % less time", 30, _does_not_accept, _slower_for(2)),
    **{
        f"identical-{number:02}": Experiment("nothing", 10, same_work)
        for number in range(1, IDENTICAL + 1)
    },
}
