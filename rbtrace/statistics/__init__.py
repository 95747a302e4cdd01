"""Intervals, comparisons and decisions that hold: the run is the unit, ratios are the estimand.

    from rbtrace.statistics import compare_runs, decide

    comparison = compare_runs(baseline_ns, candidate_ns, paired=True)
    decide(comparison, threshold=5).decision

`docs/methodology.md` explains every figure. Results go to JSON and back with `dumps` and `loads`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rbtrace.lazy import load as _load

if TYPE_CHECKING:
    from rbtrace.statistics.comparison import Arm, Comparison, compare_runs
    from rbtrace.statistics.compounding import Compounded, compound
    from rbtrace.statistics.decomposition import Decomposition, decompose
    from rbtrace.statistics.diagnostics import LEAST_RUNS
    from rbtrace.statistics.documents import DocumentError, dumps, loads
    from rbtrace.statistics.errors import InvalidParameterError, InvalidRunsError
    from rbtrace.statistics.findings import Finding
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

_MODULES: Final = {
    "Arm": "rbtrace.statistics.comparison",
    "Comparison": "rbtrace.statistics.comparison",
    "Compounded": "rbtrace.statistics.compounding",
    "Decision": "rbtrace.statistics.verdicts",
    "Decomposition": "rbtrace.statistics.decomposition",
    "DocumentError": "rbtrace.statistics.documents",
    "Equivalence": "rbtrace.statistics.tost",
    "Finding": "rbtrace.statistics.findings",
    "GateResult": "rbtrace.statistics.verdicts",
    "InvalidParameterError": "rbtrace.statistics.errors",
    "InvalidRunsError": "rbtrace.statistics.errors",
    "LEAST_RUNS": "rbtrace.statistics.diagnostics",
    "Look": "rbtrace.statistics.looks",
    "PLANNED_LOOKS": "rbtrace.statistics.looks",
    "PowerLaw": "rbtrace.statistics.power_law",
    "ShareInterval": "rbtrace.statistics.shares",
    "Verdict": "rbtrace.statistics.verdicts",
    "benjamini_hochberg": "rbtrace.statistics.multiplicity",
    "compare_runs": "rbtrace.statistics.comparison",
    "compound": "rbtrace.statistics.compounding",
    "decide": "rbtrace.statistics.verdicts",
    "decompose": "rbtrace.statistics.decomposition",
    "dumps": "rbtrace.statistics.documents",
    "equivalence": "rbtrace.statistics.tost",
    "fit_power_law": "rbtrace.statistics.power_law",
    "gate": "rbtrace.statistics.verdicts",
    "holm": "rbtrace.statistics.multiplicity",
    "loads": "rbtrace.statistics.documents",
    "o_brien_fleming": "rbtrace.statistics.looks",
    "pooling_findings": "rbtrace.statistics.pooling",
    "required_runs": "rbtrace.statistics.power",
    "run_medians": "rbtrace.statistics.samples",
    "sensitivity_finding": "rbtrace.statistics.verdicts",
    "share_interval": "rbtrace.statistics.shares",
}
"""Which module has each name: a report that needs one figure does not load all of them."""


def __getattr__(name: str) -> Any:
    return _load(globals(), _MODULES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
