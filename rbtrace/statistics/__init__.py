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
    from rbtrace.statistics.changes import Compounded, Decomposition, compound, decompose
    from rbtrace.statistics.comparison import Arm, Comparison, compare_runs
    from rbtrace.statistics.diagnostics import LEAST_RUNS, pooling_findings
    from rbtrace.statistics.documents import DocumentError, dumps, loads
    from rbtrace.statistics.findings import Finding
    from rbtrace.statistics.multiple_testing import (
        PLANNED_LOOKS,
        Look,
        benjamini_hochberg,
        holm,
        o_brien_fleming,
    )
    from rbtrace.statistics.power import required_runs
    from rbtrace.statistics.power_law import PowerLaw, fit_power_law
    from rbtrace.statistics.samples import InvalidParameterError, InvalidRunsError, run_medians
    from rbtrace.statistics.shares import ShareInterval, share_interval
    from rbtrace.statistics.verdicts import (
        Decision,
        Equivalence,
        GateResult,
        Verdict,
        decide,
        equivalence,
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
    "Compounded": "rbtrace.statistics.changes",
    "Decision": "rbtrace.statistics.verdicts",
    "Decomposition": "rbtrace.statistics.changes",
    "DocumentError": "rbtrace.statistics.documents",
    "Equivalence": "rbtrace.statistics.verdicts",
    "Finding": "rbtrace.statistics.findings",
    "GateResult": "rbtrace.statistics.verdicts",
    "InvalidParameterError": "rbtrace.statistics.samples",
    "InvalidRunsError": "rbtrace.statistics.samples",
    "LEAST_RUNS": "rbtrace.statistics.diagnostics",
    "Look": "rbtrace.statistics.multiple_testing",
    "PLANNED_LOOKS": "rbtrace.statistics.multiple_testing",
    "PowerLaw": "rbtrace.statistics.power_law",
    "ShareInterval": "rbtrace.statistics.shares",
    "Verdict": "rbtrace.statistics.verdicts",
    "benjamini_hochberg": "rbtrace.statistics.multiple_testing",
    "compare_runs": "rbtrace.statistics.comparison",
    "compound": "rbtrace.statistics.changes",
    "decide": "rbtrace.statistics.verdicts",
    "decompose": "rbtrace.statistics.changes",
    "dumps": "rbtrace.statistics.documents",
    "equivalence": "rbtrace.statistics.verdicts",
    "fit_power_law": "rbtrace.statistics.power_law",
    "gate": "rbtrace.statistics.verdicts",
    "holm": "rbtrace.statistics.multiple_testing",
    "loads": "rbtrace.statistics.documents",
    "o_brien_fleming": "rbtrace.statistics.multiple_testing",
    "pooling_findings": "rbtrace.statistics.diagnostics",
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
