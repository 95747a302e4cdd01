"""Intervals, comparisons and decisions that hold: the run is the unit, ratios are the estimand.

    from rbtrace.statistics import compare_runs, decide

    comparison = compare_runs(baseline_ns, candidate_ns, paired=True)
    decide(comparison, threshold=5).decision

`docs/methodology.md` explains every figure.
"""

from rbtrace.statistics.comparison import Arm, Comparison, compare_runs
from rbtrace.statistics.errors import InvalidParameterError, InvalidRunsError
from rbtrace.statistics.findings import Finding
from rbtrace.statistics.multiplicity import benjamini_hochberg, holm
from rbtrace.statistics.power import required_runs
from rbtrace.statistics.shares import ShareInterval, share_interval
from rbtrace.statistics.verdicts import Decision, GateResult, Verdict, decide, gate

__all__ = [
    "Arm",
    "Comparison",
    "Decision",
    "Finding",
    "GateResult",
    "InvalidParameterError",
    "InvalidRunsError",
    "ShareInterval",
    "Verdict",
    "benjamini_hochberg",
    "compare_runs",
    "decide",
    "gate",
    "holm",
    "required_runs",
    "share_interval",
]
