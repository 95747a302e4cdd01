"""The share of an operation in the time of all, with an interval from the runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from rbtrace.statistics import findings
from rbtrace.statistics.estimates import NO_SPREAD, LogEstimate
from rbtrace.statistics.findings import Finding
from rbtrace.statistics.samples import (
    Floats,
    InvalidRunsError,
    Number,
    Runs,
    finite_runs,
    open_fraction,
    positive_runs,
    same_length,
)

ENOUGH_K_EFF: Final = 5
GIANT_FRACTION: Final = 0.10


@dataclass(frozen=True, slots=True)
class ShareInterval:
    """A share and what is known of it.

    Attributes:
        share: Σ part ÷ Σ whole, a fraction of 0–1.
        ci: both ends of the interval, fractions; None where there is nothing to take it from.
        k_eff: effective number of runs, (Σ T)² ÷ Σ T².
        runs: number of runs.
        confidence: of the interval.
        warnings: what to know before believing it.
    """

    share: float
    ci: tuple[float, float] | None
    k_eff: float
    runs: int
    confidence: float
    warnings: tuple[Finding, ...]


def share_interval(
    part: Runs, whole: Runs, confidence: Number = 0.95, *, largest_span: Number | None = None
) -> ShareInterval:
    """Interval for Σ part ÷ Σ whole by the jackknife over runs on the logit scale.

    Runs are unequal, and a long one counts for more in the share; the degrees of freedom are
    therefore K_eff − 1 and not n − 1.

    Args:
        part: of each run, the self time of the operation (any unit).
        whole: of each run, the self time of all operations (same unit).
        confidence: of the two-sided interval, between 0 and 1.
        largest_span: the longest single span of the operation (same unit), if known: one that
            is a tenth of the operation's time makes the interval too narrow.

    Raises:
        InvalidRunsError: a number is not finite, a whole is not above 0, a part is negative or
            more than its whole, or they are not equally many.
        InvalidParameterError: the confidence is not between 0 and 1.

    Source:
        R. G. Miller, Biometrika 61 (1974) 1–15 (jackknife of a transformed ratio); L. Kish,
        Survey Sampling (1965) (effective number of unequal units).
    """
    level = open_fraction(confidence, "confidence")
    parts, wholes = _checked(part, whole)
    estimate, k_eff = logit_jackknife(parts, wholes)
    low, high = estimate.interval(level)
    known = np.isfinite(low) and np.isfinite(high)
    return ShareInterval(
        share=float(parts.sum() / wholes.sum()),
        ci=(float(_expit(low)), float(_expit(high))) if known else None,
        k_eff=float(k_eff),
        runs=parts.size,
        confidence=level,
        warnings=tuple(_warnings(parts, wholes, float(k_eff), largest_span, known=bool(known))),
    )


def logit_jackknife(part: Floats, whole: Floats) -> tuple[LogEstimate, Floats]:
    """The logit of the share with its jackknife error, and K_eff; shapes (…, runs) → (…).

    The error is NaN with one run, where all runs agree, and where the share is 0 or 1 with or
    without one of the runs.
    """
    n = whole.shape[-1]
    all_parts = part.sum(axis=-1, keepdims=True)
    all_wholes = whole.sum(axis=-1, keepdims=True)
    k_eff = all_wholes[..., 0] ** 2 / (whole**2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = _logit(all_parts, all_wholes)[..., 0]
        without = _logit(all_parts - part, all_wholes - whole)
        spread = without - without.mean(axis=-1, keepdims=True)
        error = np.sqrt((n - 1) / n * (spread**2).sum(axis=-1))
    usable = np.isfinite(value) & np.isfinite(error) & (error > NO_SPREAD)
    return LogEstimate(value, np.where(usable, error, np.nan), k_eff - 1), k_eff


def _checked(part: Runs, whole: Runs) -> tuple[Floats, Floats]:
    parts, wholes = finite_runs(part, "part"), positive_runs(whole, "whole")
    same_length(parts, wholes, "parts and wholes")
    wrong = np.flatnonzero((parts < 0) | (parts > wholes))
    if wrong.size:
        first = int(wrong[0])
        raise InvalidRunsError(
            f"part: run {first + 1} is {parts[first]:g}; "
            f"it must be between 0 and its whole, {wholes[first]:g}"
        )
    return parts, wholes


def _warnings(
    parts: Floats, wholes: Floats, k_eff: float, largest_span: Number | None, *, known: bool
) -> list[Finding]:
    warnings = []
    if k_eff < ENOUGH_K_EFF:
        warnings.append(
            Finding(
                findings.LOW_K_EFF,
                f"{parts.size} runs count for {k_eff:.1f} equal ones; "
                f"fewer than {ENOUGH_K_EFF} say little",
            )
        )
    if not known and parts.size > 1:
        warnings.append(_why_unknown(parts, wholes))
    total = float(parts.sum())
    if largest_span is not None and total > 0 and float(largest_span) > GIANT_FRACTION * total:
        warnings.append(
            Finding(
                findings.GIANT_SPAN,
                f"one span is {float(largest_span) / total:.0%} of the operation's time: "
                "the interval is too narrow if such spans are rare",
            )
        )
    return warnings


def _why_unknown(parts: Floats, wholes: Floats) -> Finding:
    logits = logit_jackknife(parts, wholes)[0].value
    if not np.isfinite(logits) or np.count_nonzero(parts) == 1:
        return Finding(findings.AT_BOUNDARY, "the share is 0 or 1, or rests on one run alone")
    return Finding(findings.ZERO_VARIANCE, "every run has the same share: no spread to judge by")


def _logit(part: Floats, whole: Floats) -> Floats:
    logit: Floats = np.log(part) - np.log(whole - part)
    return logit


def _expit(logit: Floats) -> Floats:
    from scipy import special  # noqa: PLC0415 - heavy

    share: Floats = special.expit(logit)
    return share
