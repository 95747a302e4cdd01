"""What a comparison is asked: how much counts as an improvement, and as a regression."""

from __future__ import annotations

import math
from typing import Final

from rbtrace.comparison.results import Policy
from rbtrace.errors import RbtraceError

THRESHOLD: Final = 5.0
MAX_REGRESSION: Final = 10.0


def make_policy(
    *,
    threshold: float = THRESHOLD,
    max_regression: float | None = None,
    require_improvement: bool = False,
    work: bool = False,
) -> Policy:
    """Check and complete what was asked for.

    Args:
        threshold: per cent from which a candidate is an improvement.
        max_regression: per cent by which it may be slower. Default: 10, and with `work` no gate on
            time at all.
        require_improvement: whether anything but an improvement fails.
        work: whether different calls, or another result, fail.

    Raises:
        RbtraceError: a number of per cent is not finite, or not above 0 (the threshold below 100).
    """
    allowed = MAX_REGRESSION if max_regression is None else max_regression
    if not (0 < threshold < 100 and 0 < allowed < math.inf):
        raise RbtraceError(
            f"a threshold of {threshold:g} % with {allowed:g} % of regression allowed is not "
            "understood: give per cent above 0, the threshold below 100"
        )
    return Policy(
        threshold=float(threshold),
        max_regression=float(allowed),
        require_improvement=require_improvement,
        work=work,
        gate_time=not work or max_regression is not None,
    )
