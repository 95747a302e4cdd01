"""Arms out of the results of pyperf and of pytest-benchmark.

The run is the unit: of pyperf every worker process, of pytest-benchmark every file, because its
rounds share one process. Each benchmark is an operation; its time in a run is the mean of the
values there.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from rbtrace.comparison.arms import WALL, Arm, Run
from rbtrace.errors import InputError

_NS: Final = 1e9


class _PyperfRun(Struct):
    values: list[float] = []


class _PyperfBenchmark(Struct):
    runs: list[_PyperfRun]
    metadata: dict[str, Any] = {}


class _Pyperf(Struct):
    benchmarks: list[_PyperfBenchmark]
    version: str
    metadata: dict[str, Any] = {}


class _Stats(Struct):
    mean: float


class _PytestBenchmark(Struct):
    fullname: str
    stats: _Stats


class _PytestFile(Struct):
    benchmarks: list[_PytestBenchmark]
    machine_info: dict[str, Any]
    version: str
    commit_info: dict[str, Any] = {}
    datetime: str = ""


def document_in(path: Path) -> dict[str, Any] | None:
    """The JSON document in a file of a benchmark tool; None if it is something else."""
    if not path.name.endswith((".json", ".json.gz")):
        return None
    try:
        raw = path.read_bytes()
        found = msgspec.json.decode(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    except (OSError, EOFError, ValueError):
        return None
    return found if isinstance(found, dict) and "benchmarks" in found else None


def arm_of_pyperf(name: str, document: Mapping[str, Any]) -> Arm:
    """The worker processes in a file of pyperf.

    Raises:
        InputError: it is not what pyperf writes, or its values are not times.
    """
    found = _converted(name, document, _Pyperf, "pyperf")
    values: dict[str, list[float]] = {}
    for place, benchmark in enumerate(found.benchmarks):
        said = {**found.metadata, **benchmark.metadata}
        title = str(said.get("name", f"benchmark {place + 1}"))
        if said.get("unit", "second") != "second":
            raise InputError(f"{name}: {title} is measured in {said['unit']}, not in seconds")
        values[title] = [_mean(name, run.values) for run in benchmark.runs if run.values]
    runs, warnings = _runs_by_place(values)
    said = found.metadata
    environment = {
        ours: str(said[theirs])
        for ours, theirs in (
            ("host", "hostname"),
            ("cpu", "cpu_model_name"),
            ("cores", "cpu_count"),
            ("python", "python_version"),
        )
        if theirs in said
    }
    return Arm(name, "pyperf", tuple(runs), environment, warnings=warnings)


def arm_of_pytest_benchmark(name: str, documents: Sequence[tuple[Path, Mapping[str, Any]]]) -> Arm:
    """The files of pytest-benchmark as runs.

    Raises:
        InputError: one is not what pytest-benchmark writes, or they are not from one machine.
    """
    runs = []
    machines: dict[tuple[tuple[str, str], ...], str] = {}
    for path, document in documents:
        found = _converted(str(path), document, _PytestFile, "pytest-benchmark")
        machine = found.machine_info
        environment = {
            "host": str(machine.get("node", "")),
            "cpu": str(machine.get("cpu", {}).get("brand_raw", machine.get("machine", ""))),
            "system": f"{machine.get('system', '')} {machine.get('release', '')}",
            "python": str(machine.get("python_version", "")),
        }
        machines[tuple(environment.items())] = str(path)
        times = {one.fullname: _mean(str(path), [one.stats.mean]) for one in found.benchmarks}
        runs.append(_run(path.name, times))
    if len(machines) > 1:
        raise InputError(
            f"{' and '.join(list(machines.values())[:2])} are from different machines or versions "
            "of Python: their runs do not belong into one arm"
        )
    return Arm(name, "pytest-benchmark", tuple(runs), dict(next(iter(machines), ())))


def _runs_by_place(values: Mapping[str, Sequence[float]]) -> tuple[list[Run], tuple[str, ...]]:
    """A run of each place in the lists: what a benchmark has more than the others is left out."""
    number = min((len(one) for one in values.values()), default=0)
    left_out = sum(len(one) - number for one in values.values())
    runs = [
        _run(f"run {place + 1}", {name: one[place] for name, one in values.items()})
        for place in range(number)
    ]
    if left_out:
        return runs, (f"{left_out} values of benchmarks with more runs than others are left out",)
    return runs, ()


def _run(name: str, times: Mapping[str, float]) -> Run:
    return Run(name, {WALL: math.fsum(times.values())}, times)


def _mean(name: str, seconds: Sequence[float]) -> float:
    """Mean of some times, s, in ns."""
    if not all(math.isfinite(one) and one > 0 for one in seconds):
        raise InputError(f"{name}: a time is not a positive number of seconds")
    return math.fsum(seconds) / len(seconds) * _NS


def _converted[T: Struct](name: str, document: Mapping[str, Any], kind: type[T], tool: str) -> T:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as problem:
        raise InputError(f"{name} is not what {tool} writes: {problem}") from None
