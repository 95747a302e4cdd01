"""What a user names as an arm: traces, a benchmark, or results of another benchmark tool."""

from __future__ import annotations

from pathlib import Path

from rbtrace.comparison.arms import Arm
from rbtrace.comparison.bench.result import is_result
from rbtrace.comparison.foreign import arm_of_pyperf, arm_of_pytest_benchmark, document_in
from rbtrace.comparison.traces import arm_of_bench, arm_of_traces
from rbtrace.errors import InputError


def read_arm(named: str | Path, role: str) -> Arm:
    """Read one arm.

    Args:
        named: a folder of `rbtrace bench`; a file, folder or glob of traces; a file of pyperf; a
            file of pytest-benchmark, or a folder of them.
        role: `baseline` or `candidate`: which arm to take of a place that has both.

    Raises:
        InputError: there is nothing to compare there; the message says what and why.
    """
    arm = _read(Path(named).expanduser(), str(named), role)
    if not arm.runs:
        raise InputError(f"{named} has no runs")
    return arm


def _read(path: Path, named: str, role: str) -> Arm:
    if is_result(path):
        return arm_of_bench(path, role)
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    documents = [(file, found) for file in files if (found := document_in(file)) is not None]
    if not documents:
        return arm_of_traces(named, role)
    if len(documents) < len(files):
        other = next(file for file in files if file not in dict(documents))
        raise InputError(f"{path} has results of benchmarks, but {other.name} is none")
    if all("machine_info" in found for _, found in documents):
        return arm_of_pytest_benchmark(named, documents)
    if len(documents) > 1:
        raise InputError(f"{path} has several files of pyperf: name one (pyperf can join them)")
    return arm_of_pyperf(named, documents[0][1])
