"""All that an analysis finds, for comparing two ways of finding it."""

from __future__ import annotations

from rbtrace.analysis.results import Results

COMPARED = (
    "integrity", "wall_ns", "self_ns", "parallelism", "overhead_to_computation", "operations",
    "categories", "processes", "paths", "critical_path", "regions", "workers", "trials",
    "trial_durations", "runs", "environment", "warnings", "share_note", "timeline", "histograms",
    "filter",
)  # fmt: skip


def figures(results: Results) -> dict[str, object]:
    return {name: getattr(results, name) for name in COMPARED}
