"""Where the runs of two arms ran and with what: whether that alone could make a difference."""

from __future__ import annotations

from collections.abc import Sequence

from rbtrace import statistics
from rbtrace.comparison.arms import REVISION, Arm, Run
from rbtrace.comparison.bench.environment import COMPARABLE
from rbtrace.comparison.sides import Sides

_HOST = COMPARABLE[0]


def differences(baseline: Arm, candidate: Arm, sides: Sides) -> tuple[statistics.Finding, ...]:
    """What differs between the places of the runs; some of it forbids every verdict.

    Pairs may be spread over several hosts, if both runs of each were on the same one. The revision
    is what arms are meant to differ in.
    """
    machine = list(COMPARABLE)
    pairs = zip(sides.baseline, sides.candidate, strict=False)
    if sides.paired and all(before.hosts == after.hosts for before, after in pairs):
        machine.remove(_HOST)
    software = {*baseline.environment, *candidate.environment} - {*COMPARABLE, REVISION}
    return statistics.pooling_findings(
        _places(baseline, sides.baseline),
        _places(candidate, sides.candidate),
        machine=machine,
        software=sorted(software),
    )


def _places(arm: Arm, runs: Sequence[Run]) -> list[dict[str, str]]:
    return [
        {**arm.environment, **({_HOST: ", ".join(sorted(run.hosts))} if any(run.hosts) else {})}
        for run in runs
    ]
