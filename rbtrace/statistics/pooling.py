"""May these runs be put together? Runs on different machines do not measure one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rbtrace.statistics import findings
from rbtrace.statistics.findings import Finding

type Environment = Mapping[str, object]
"""What is known of the place where one run ran, by any names."""


def pooling_findings(
    baseline: Sequence[Environment],
    candidate: Sequence[Environment],
    *,
    machine: Sequence[str] = ("host.name",),
    software: Sequence[str] = (),
) -> tuple[Finding, ...]:
    """Warn where the environments of the runs differ.

    Machines have to be one for all runs, versions one for each arm: a candidate may be a new
    version. What is missing in a run is unknown, and differs from nothing.

    Args:
        baseline: environment of each run of the baseline.
        candidate: environment of each run of the candidate.
        machine: keys that say where a run ran.
        software: keys that say by which versions.
    """
    arms = {"baseline": baseline, "candidate": candidate}
    found = []
    for key in machine:
        found += _within_arms(findings.MIXED_HOSTS, key, arms)
        found += _between_arms(findings.DIFFERENT_HOSTS, key, baseline, candidate)
    for key in software:
        found += _within_arms(findings.MIXED_VERSIONS, key, arms)
        found += _between_arms(findings.DIFFERENT_VERSIONS, key, baseline, candidate)
    return tuple(found)


def _within_arms(code: str, key: str, arms: Mapping[str, Sequence[Environment]]) -> list[Finding]:
    return [
        Finding(code, f"runs of the {name} differ in {key}: {', '.join(sorted(known))}")
        for name, runs in arms.items()
        if len(known := _known(key, runs)) > 1
    ]


def _between_arms(
    code: str, key: str, baseline: Sequence[Environment], candidate: Sequence[Environment]
) -> list[Finding]:
    before, after = _known(key, baseline), _known(key, candidate)
    if len(before) != 1 or len(after) != 1 or before == after:
        return []
    return [Finding(code, f"{key} is {before.pop()} in the baseline, {after.pop()} in the other")]


def _known(key: str, runs: Sequence[Environment]) -> set[str]:
    return {str(run[key]) for run in runs if run.get(key) is not None}
