"""Work before time: how often everything was called, and whether the same was computed.

Call counts of a deterministic program repeat exactly, so one run of each arm shows a difference
that no clock could. Where counts vary between the runs of an arm, only ranges that do not overlap
count as a difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from rbtrace.analysis.runs import CallPathKey
from rbtrace.comparison.arms import Arm, paired_runs


class Counts(Struct, frozen=True):
    """The least and the greatest number of calls in any run."""

    least: int
    greatest: int

    @property
    def exact(self) -> bool:
        """Whether all runs have the same number."""
        return self.least == self.greatest


class PathWork(Struct, frozen=True):
    """Calls of one call path. `excess`: candidate − baseline, where both are exact."""

    path: list[str]
    baseline: Counts
    candidate: Counts
    excess: int | None


class Work(Struct, frozen=True):
    """What both arms did.

    Attributes:
        paths: call paths in both arms together.
        calls_baseline: calls of a run of the baseline, least and greatest.
        calls_candidate: the same of the candidate.
        differences: paths whose counts differ, the greatest excess first.
        varying: paths whose counts vary from run to run and overlap: no difference can be told.
        same: whether there are no differences.
        same_result: whether both arms computed the same; None where nothing tells.
        result: what there is to say about that.
    """

    paths: int
    calls_baseline: Counts
    calls_candidate: Counts
    differences: list[PathWork]
    varying: list[PathWork]
    same: bool
    same_result: bool | None
    result: str


def compare_work(baseline: Arm, candidate: Arm) -> Work | None:
    """Compare calls and results; None where an arm has no record of its calls."""
    calls = [[run.calls for run in arm.runs] for arm in (baseline, candidate)]
    recorded = [[counts for counts in arm if counts is not None] for arm in calls]
    if [len(arm) for arm in recorded] != [len(arm) for arm in calls]:
        return None
    of_baseline, of_candidate = recorded
    paths = sorted({path for arm in recorded for run in arm for path in run})
    rows = [_row(path, of_baseline, of_candidate) for path in paths]
    differing = [row for row in rows if not _overlap(row.baseline, row.candidate)]
    varying = [
        row
        for row in rows
        if not (row.baseline.exact and row.candidate.exact)
        and _overlap(row.baseline, row.candidate)
    ]
    verdict = compare_results(baseline, candidate)
    return Work(
        paths=len(paths),
        calls_baseline=_range([sum(run.values()) for run in of_baseline]),
        calls_candidate=_range([sum(run.values()) for run in of_candidate]),
        differences=sorted(differing, key=lambda row: (-_distance(row), len(row.path), row.path)),
        varying=varying,
        same=not differing,
        same_result=verdict.same,
        result=verdict.reason,
    )


class SameResult(NamedTuple):
    """Whether two arms computed the same, None if unknown, and why that is said."""

    same: bool | None
    reason: str


def compare_results(baseline: Arm, candidate: Arm) -> SameResult:
    """Compare the result fingerprints of two arms.

    Runs of the same pair must agree; without pairs the arms must have the same set of results.
    """
    ours, theirs = ({run.fingerprints for run in arm.runs} for arm in (baseline, candidate))
    if ours == theirs == {()}:
        return SameResult(same=None, reason="no run recorded a result fingerprint")
    if pairs := paired_runs(baseline, candidate):
        differing = [
            str(before.pair) for before, after in pairs if before.fingerprints != after.fingerprints
        ]
        if not differing:
            return SameResult(same=True, reason="the result is the same in every pair")
        numbers = ", ".join(differing[:5]) + (", …" if len(differing) > 5 else "")
        return SameResult(same=False, reason=f"the result differs in pair {numbers}")
    if ours == theirs:
        return SameResult(same=True, reason="the results are the same")
    for results, arm in ((ours, baseline), (theirs, candidate)):
        if results == {()}:
            return SameResult(same=False, reason=f"{arm.name} has no result, the other arm has")
    return SameResult(same=False, reason="the results differ")


def _row(
    path: CallPathKey,
    baseline: Sequence[Mapping[CallPathKey, int]],
    candidate: Sequence[Mapping[CallPathKey, int]],
) -> PathWork:
    ours = _range([run.get(path, 0) for run in baseline])
    theirs = _range([run.get(path, 0) for run in candidate])
    excess = theirs.least - ours.least if ours.exact and theirs.exact else None
    return PathWork(list(path), ours, theirs, excess)


def _range(numbers: Sequence[int]) -> Counts:
    return Counts(min(numbers), max(numbers))


def _overlap(ours: Counts, theirs: Counts) -> bool:
    return ours.least <= theirs.greatest and theirs.least <= ours.greatest


def _distance(row: PathWork) -> int:
    """How far apart the ranges are, in calls."""
    return max(
        row.candidate.least - row.baseline.greatest, row.baseline.least - row.candidate.greatest
    )
