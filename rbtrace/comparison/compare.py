"""Comparing two arms: the work they did, how their times differ, and what follows from it."""

from __future__ import annotations

from pathlib import Path

from rbtrace.comparison.arms import RECORDED, Arm
from rbtrace.comparison.bench.looks import alpha_at
from rbtrace.comparison.bench.result import BASELINE, CANDIDATE
from rbtrace.comparison.changes import overall_changes
from rbtrace.comparison.environments import differences
from rbtrace.comparison.inputs import read_arm
from rbtrace.comparison.operations import operation_changes
from rbtrace.comparison.outcome import draw, without_verdicts
from rbtrace.comparison.results import ArmInfo, Comparison, Design, Policy
from rbtrace.comparison.sides import sides_of
from rbtrace.comparison.work import compare_results, compare_work
from rbtrace.errors import InputError
from rbtrace.statistics.findings import FORBIDDING


def compare_paths(baseline: str | Path, candidate: str | Path, policy: Policy) -> Comparison:
    """Read both arms and compare them; see `read_arm` for what they may be.

    Raises:
        InputError: an arm cannot be read, or the two have nothing in common.
    """
    return compare_arms(read_arm(baseline, BASELINE), read_arm(candidate, CANDIDATE), policy)


def compare_arms(baseline: Arm, candidate: Arm, policy: Policy) -> Comparison:
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
    looks = baseline.looks if sides.paired else ()
    alpha = alpha_at(looks, len(sides.baseline))
    overall = overall_changes(sides, policy, alpha)
    if not overall:
        raise InputError(_why_nothing(baseline, candidate))
    explained = operation_changes(sides, policy, None if looks else alpha)
    result = compare_results(baseline, candidate)
    apart = differences(baseline, candidate, sides)
    reasons = [f"not the same computation: {result.reason}"] if result.same is False else []
    reasons += [one.message for one in apart if one in FORBIDDING]
    if reasons:
        overall = [without_verdicts(one) for one in overall]
        explained = explained._replace(
            operations=[without_verdicts(one) for one in explained.operations]
        )
    return Comparison(
        baseline=_info(baseline),
        candidate=_info(candidate),
        policy=policy,
        design=Design(sides.paired, len(sides.baseline), len(sides.candidate), alpha),
        outcome=draw(overall[0], explained.operations, work, result, policy, reasons),
        same_result=result.same,
        work=work,
        overall=overall,
        operations=explained.operations,
        log_ratio=explained.log_ratio,
        warnings=[
            *(f"{arm.name}: {one}" for arm in (baseline, candidate) for one in arm.warnings),
            *warnings,
            *(one.message for one in apart if one not in FORBIDDING),
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


def _info(arm: Arm) -> ArmInfo:
    hosts = sorted({host for run in arm.runs for host in run.hosts if host})
    return ArmInfo(arm.name, arm.source, len(arm.runs), hosts, dict(arm.environment))
