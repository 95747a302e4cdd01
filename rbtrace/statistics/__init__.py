"""Intervals, comparisons and decisions that hold: the run is the unit, ratios are the estimand.

    from rbtrace.statistics import compare_runs, decide

    comparison = compare_runs(baseline_ns, candidate_ns, paired=True)
    decide(comparison, threshold=5).decision

`docs/methodology.md` explains every figure. Results go to JSON and back with `dumps` and `loads`.
"""

from rbtrace.statistics.comparison import Arm, Comparison, compare_runs
from rbtrace.statistics.compounding import Compounded, compound
from rbtrace.statistics.decomposition import Decomposition, decompose
from rbtrace.statistics.diagnostics import LEAST_RUNS
from rbtrace.statistics.documents import DocumentError
from rbtrace.statistics.errors import InvalidParameterError, InvalidRunsError
from rbtrace.statistics.findings import Finding
from rbtrace.statistics.json import dumps, loads
from rbtrace.statistics.looks import PLANNED_LOOKS, Look, o_brien_fleming
from rbtrace.statistics.multiplicity import benjamini_hochberg, holm
from rbtrace.statistics.pooling import pooling_findings
from rbtrace.statistics.power import required_runs
from rbtrace.statistics.power_law import PowerLaw, fit_power_law
from rbtrace.statistics.samples import run_medians
from rbtrace.statistics.shares import ShareInterval, share_interval
from rbtrace.statistics.tost import Equivalence, equivalence
from rbtrace.statistics.verdicts import (
    Decision,
    GateResult,
    Verdict,
    decide,
    gate,
    sensitivity_finding,
)

__all__ = [
    "LEAST_RUNS",
    "PLANNED_LOOKS",
    "Arm",
    "Comparison",
    "Compounded",
    "Decision",
    "Decomposition",
    "DocumentError",
    "Equivalence",
    "Finding",
    "GateResult",
    "InvalidParameterError",
    "InvalidRunsError",
    "Look",
    "PowerLaw",
    "ShareInterval",
    "Verdict",
    "benjamini_hochberg",
    "compare_runs",
    "compound",
    "decide",
    "decompose",
    "dumps",
    "equivalence",
    "fit_power_law",
    "gate",
    "holm",
    "loads",
    "o_brien_fleming",
    "pooling_findings",
    "required_runs",
    "run_medians",
    "sensitivity_finding",
    "share_interval",
]
