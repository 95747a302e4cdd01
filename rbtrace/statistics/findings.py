"""Warnings that accompany a figure: a code and a sentence each."""

from __future__ import annotations

from typing import Final, Self

TOO_FEW_RUNS: Final = "too_few_runs"
FEW_RUNS: Final = "few_runs"
ZERO_VARIANCE: Final = "zero_variance"
HIGH_CV: Final = "high_cv"
MDE_ABOVE_THRESHOLD: Final = "mde_above_threshold"
UNSTABLE: Final = "unstable"
SEQUENTIAL: Final = "sequential"
FIXED_ORDER: Final = "fixed_order"
DRIFT: Final = "drift"
AUTOCORRELATION: Final = "autocorrelation"
BIMODAL: Final = "bimodal"
GIANT_SPAN: Final = "giant_span"
LOW_K_EFF: Final = "low_k_eff"
AT_BOUNDARY: Final = "at_boundary"
MIXED_HOSTS: Final = "mixed_hosts"
MIXED_VERSIONS: Final = "mixed_versions"
DIFFERENT_HOSTS: Final = "different_hosts"
DIFFERENT_VERSIONS: Final = "different_versions"

FORBIDDING: Final = frozenset({MIXED_HOSTS, MIXED_VERSIONS, DIFFERENT_HOSTS})
"""With one of these no verdict may be given: the runs do not measure one thing."""


class Finding(str):
    """A warning: the text is its code, `message` says it in words.

    A finding equals its code, so `"unstable" in comparison.warnings` asks for one.
    """

    __slots__ = ("message",)
    message: str

    def __new__(cls, code: str, message: str) -> Self:
        """Make the finding `code`, which `message` explains."""
        finding = super().__new__(cls, code)
        finding.message = message
        return finding

    def __reduce__(self) -> tuple[type[Finding], tuple[str, str]]:
        return Finding, (str(self), self.message)


def forbids_verdict(findings: tuple[Finding, ...]) -> bool:
    """Whether one of them makes every verdict impossible."""
    return not FORBIDDING.isdisjoint(findings)
