"""Comparing two arms: the work they did, how their times differ, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rbtrace import statistics
from rbtrace.comparison.arms import RECORDED, REVISION, Arm, ArmRun, Sides, sides_of
from rbtrace.comparison.bench.environment import COMPARABLE
from rbtrace.comparison.bench.result import BASELINE, CANDIDATE, Plan
from rbtrace.comparison.changes import operation_changes, overall_changes
from rbtrace.comparison.decisions import alpha_at, conclude, make_policy, without_verdicts
from rbtrace.comparison.inputs import read_arm
from rbtrace.comparison.results import ArmInfo, ComparisonResults, Design, Policy
from rbtrace.comparison.work import compare_results, compare_work
from rbtrace.errors import InputError
from rbtrace.statistics.findings import FORBIDDING

_HOST: Final = COMPARABLE[0]


def compare_paths(baseline: str | Path, candidate: str | Path, policy: Policy) -> ComparisonResults:
    """Read both arms and compare them; see `read_arm` for what they may be.

    Raises:
        InputError: an arm cannot be read, or the two have nothing in common.
    """
    return compare_arms(read_arm(baseline, BASELINE), read_arm(candidate, CANDIDATE), policy)


def is_decided(folder: Path, plan: Plan, pairs: int) -> bool:
    """Whether a benchmark may end: at a planned interim analysis the whole differs by its bound.

    Args:
        folder: the benchmark.
        plan: its plan.
        pairs: how many pairs are kept; nothing is asked but after the planned numbers.
    """
    if pairs not in plan.looks:
        return False
    results = compare_paths(folder, folder, make_policy())
    p = results.overall[0].p_value
    return p is not None and p < results.design.alpha


def compare_arms(baseline: Arm, candidate: Arm, policy: Policy) -> ComparisonResults:
    """Compare two arms.

    Raises:
        InputError: they have nothing in common, or `--work` is asked for without a record of calls.
    """
    _check_sources(baseline, candidate)
    work = compare_work(baseline, candidate)
    if policy.work and work is None:
        raise InputError(
            f"{baseline.name} and {candidate.name} have no record of calls: --work needs traces "
            "of both arms"
        )
    sides, warnings = sides_of(baseline, candidate)
    interim_analyses = baseline.interim_analyses if sides.paired else ()
    alpha = alpha_at(interim_analyses, len(sides.baseline))
    overall = overall_changes(sides, policy, alpha)
    if not overall:
        raise InputError(_why_nothing(baseline, candidate))
    by_operation = operation_changes(sides, policy, None if interim_analyses else alpha)
    result = compare_results(baseline, candidate)
    differences = _environment_differences(baseline, candidate, sides)
    reasons = [f"not the same computation: {result.reason}"] if result.same is False else []
    reasons += [finding.message for finding in differences if finding in FORBIDDING]
    if reasons:
        overall = [without_verdicts(change) for change in overall]
        by_operation = by_operation._replace(
            operations=[without_verdicts(change) for change in by_operation.operations]
        )
    return ComparisonResults(
        baseline=_info(baseline),
        candidate=_info(candidate),
        policy=policy,
        design=Design(sides.paired, len(sides.baseline), len(sides.candidate), alpha),
        outcome=conclude(overall[0], by_operation.operations, work, result, policy, reasons),
        same_result=result.same,
        work=work,
        overall=overall,
        operations=by_operation.operations,
        log_ratio=by_operation.log_ratio,
        warnings=[
            *(f"{arm.name}: {text}" for arm in (baseline, candidate) for text in arm.warnings),
            *warnings,
            *(finding.message for finding in differences if finding not in FORBIDDING),
        ],
    )


def _check_sources(baseline: Arm, candidate: Arm) -> None:
    """Times of one tool are no times of another: what they leave out differs."""
    ours, theirs = baseline.source, candidate.source
    if ours != theirs and not {ours, theirs} <= RECORDED:
        raise InputError(
            f"{baseline.name} is of {ours} and {candidate.name} of {theirs}: "
            "compare results of the same tool"
        )


def _why_nothing(baseline: Arm, candidate: Arm) -> str:
    for arm in (baseline, candidate):
        for run in arm.runs:
            if not any(value > 0 for value in run.measures.values()):
                return f"the run {run.name} of {arm.name} has no time at all"
    return (
        f"{baseline.name} ({baseline.source}) and {candidate.name} ({candidate.source}) have no "
        "measure in common"
    )


def _environment_differences(
    baseline: Arm, candidate: Arm, sides: Sides
) -> tuple[statistics.Finding, ...]:
    """What differs between the machines and versions of the runs; some of it forbids every verdict.

    Pairs may be spread over several hosts, if both runs of each were on the same one. The revision
    is what arms are meant to differ in.
    """
    machine = list(COMPARABLE)
    pairs = zip(sides.baseline, sides.candidate, strict=False)
    if sides.paired and all(before.hosts == after.hosts for before, after in pairs):
        machine.remove(_HOST)
    software = {*baseline.environment, *candidate.environment} - {*COMPARABLE, REVISION}
    return statistics.pooling_findings(
        _environments(baseline, sides.baseline),
        _environments(candidate, sides.candidate),
        machine=machine,
        software=sorted(software),
    )


def _environments(arm: Arm, runs: Sequence[ArmRun]) -> list[dict[str, str]]:
    return [
        {**arm.environment, **({_HOST: ", ".join(sorted(run.hosts))} if any(run.hosts) else {})}
        for run in runs
    ]


def _info(arm: Arm) -> ArmInfo:
    hosts = sorted({host for run in arm.runs for host in run.hosts if host})
    return ArmInfo(arm.name, arm.source, len(arm.runs), hosts, dict(arm.environment))
