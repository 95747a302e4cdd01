"""Intervals, comparisons and decisions that hold: the run is the unit, ratios are the estimand.

    from rbtrace.statistics import compare_runs, decide

    comparison = compare_runs(baseline_ns, candidate_ns, paired=True)
    decide(comparison, threshold=5).decision

`docs/methodology.md` explains every figure. Results go to JSON and back with `dumps` and `loads`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
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

_HOMES: Final = {
    "Arm": "comparison",
    "Comparison": "comparison",
    "Compounded": "compounding",
    "Decision": "verdicts",
    "Decomposition": "decomposition",
    "DocumentError": "documents",
    "Equivalence": "tost",
    "Finding": "findings",
    "GateResult": "verdicts",
    "InvalidParameterError": "errors",
    "InvalidRunsError": "errors",
    "LEAST_RUNS": "diagnostics",
    "Look": "looks",
    "PLANNED_LOOKS": "looks",
    "PowerLaw": "power_law",
    "ShareInterval": "shares",
    "Verdict": "verdicts",
    "benjamini_hochberg": "multiplicity",
    "compare_runs": "comparison",
    "compound": "compounding",
    "decide": "verdicts",
    "decompose": "decomposition",
    "dumps": "json",
    "equivalence": "tost",
    "fit_power_law": "power_law",
    "gate": "verdicts",
    "holm": "multiplicity",
    "loads": "json",
    "o_brien_fleming": "looks",
    "pooling_findings": "pooling",
    "required_runs": "power",
    "run_medians": "samples",
    "sensitivity_finding": "verdicts",
    "share_interval": "shares",
}
"""Which module has each name: a report that needs one figure does not load all of them."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
