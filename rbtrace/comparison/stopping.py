"""Whether a benchmark that may end early has found enough."""

from __future__ import annotations

from pathlib import Path

from rbtrace.comparison.bench.result import Plan
from rbtrace.comparison.compare import compare_paths
from rbtrace.comparison.policy import make_policy


def is_decided(folder: Path, plan: Plan, pairs: int) -> bool:
    """Whether the whole differs at a planned look, by the bound for that look.

    Args:
        folder: the benchmark.
        plan: its plan.
        pairs: how many pairs are kept; nothing is asked but after the planned ones.
    """
    if pairs not in plan.looks:
        return False
    found = compare_paths(folder, folder, make_policy())
    p = found.overall[0].p_value
    return p is not None and p < found.design.alpha
