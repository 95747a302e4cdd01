"""Is the candidate as fast as the baseline? Finding no difference does not show that."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rbtrace.statistics.comparison import Comparison
from rbtrace.statistics.estimates import student_tail
from rbtrace.statistics.samples import Number, percentage
from rbtrace.statistics.verdicts import can_judge


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The result of two one-sided tests.

    Attributes:
        equivalent: the ratio is within the margin, both tests significant.
        p_value: the larger of both one-sided p-values; None without an interval.
        margin: per cent of the baseline's time.
    """

    equivalent: bool
    p_value: float | None
    margin: float


def equivalence(comparison: Comparison, margin: Number = 5) -> Equivalence:
    """Test whether the ratio is within 1 ± margin (TOST).

    Args:
        comparison: what the runs say.
        margin: difference that does not matter, per cent, above 0 and below 100.

    Raises:
        InvalidParameterError: the margin is outside its range.

    Source:
        D. J. Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657–680.
    """
    width = percentage(margin, "margin", below=100)
    if comparison.log_error is None or comparison.df is None:
        return Equivalence(equivalent=False, p_value=None, margin=width)
    log_ratio = math.log(comparison.ratio)
    bounds = math.log1p(-width / 100), math.log1p(width / 100)
    distances = np.array([log_ratio - bounds[0], bounds[1] - log_ratio])
    tails = student_tail(distances / comparison.log_error, np.asarray(comparison.df))
    p = float(tails.max())
    return Equivalence(can_judge(comparison) and p < comparison.alpha, p, width)
