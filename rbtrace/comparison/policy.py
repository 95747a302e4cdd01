"""What a comparison is asked: how much counts as an improvement, and as a regression."""

from __future__ import annotations

from typing import Final

from rbtrace.comparison.results import Policy

THRESHOLD: Final = 5.0
MAX_REGRESSION: Final = 10.0


def make_policy(
    *,
    threshold: float = THRESHOLD,
    max_regression: float | None = None,
    require_improvement: bool = False,
    work: bool = False,
) -> Policy:
    """Complete what was asked for; `rbtrace.statistics` checks the numbers when it uses them.

    Args:
        threshold: per cent from which a candidate is an improvement, 0 to below 100.
        max_regression: per cent by which it may be slower, at least 0. Default: 10, and with
            `work` no gate on time at all.
        require_improvement: whether anything but an improvement fails.
        work: whether different calls, or another result, fail.
    """
    return Policy(
        threshold=float(threshold),
        max_regression=float(MAX_REGRESSION if max_regression is None else max_regression),
        require_improvement=require_improvement,
        work=work,
        gate_time=not work or max_regression is not None,
    )
