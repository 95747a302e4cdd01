"""Reading the results of other benchmark tools, pyperf and pytest-benchmark, as arms.

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

from rbtrace.comparison.arms import WALL, Arm, ArmRun
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
        document = msgspec.json.decode(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    except (OSError, EOFError, ValueError):
        return None
    return document if isinstance(document, dict) and "benchmarks" in document else None


def arm_of_pyperf(name: str, document: Mapping[str, Any]) -> Arm:
    """The worker processes in a file of pyperf.

    Raises:
        InputError: it is not what pyperf writes, or its values are not times.
    """
    results = _converted(name, document, _Pyperf, "pyperf")
    values: dict[str, list[float]] = {}
    for number, benchmark in enumerate(results.benchmarks, 1):
        metadata = {**results.metadata, **benchmark.metadata}
        title = str(metadata.get("name", f"benchmark {number}"))
        if metadata.get("unit", "second") != "second":
            raise InputError(f"{name}: {title} is measured in {metadata['unit']}, not in seconds")
        values[title] = [_mean(name, run.values) for run in benchmark.runs if run.values]
    runs, warnings = _runs_by_number(values)
    environment = {
        ours: str(results.metadata[theirs])
        for ours, theirs in (
            ("host", "hostname"),
            ("cpu", "cpu_model_name"),
            ("cores", "cpu_count"),
            ("python", "python_version"),
        )
        if theirs in results.metadata
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
        results = _converted(str(path), document, _PytestFile, "pytest-benchmark")
        machine = results.machine_info
        environment = {
            "host": str(machine.get("node", "")),
            "cpu": str(machine.get("cpu", {}).get("brand_raw", machine.get("machine", ""))),
            "system": f"{machine.get('system', '')} {machine.get('release', '')}",
            "python": str(machine.get("python_version", "")),
        }
        machines[tuple(environment.items())] = str(path)
        times = {
            benchmark.fullname: _mean(str(path), [benchmark.stats.mean])
            for benchmark in results.benchmarks
        }
        runs.append(_run(path.name, times))
    if len(machines) > 1:
        raise InputError(
            f"{' and '.join(list(machines.values())[:2])} are from different machines or versions "
            "of Python: their runs do not belong into one arm"
        )
    return Arm(name, "pytest-benchmark", tuple(runs), dict(next(iter(machines), ())))


def _runs_by_number(
    values: Mapping[str, Sequence[float]],
) -> tuple[list[ArmRun], tuple[str, ...]]:
    """The first run of each benchmark, the second, and so on as far as all have one."""
    number = min(map(len, values.values()), default=0)
    left_out = sum(len(runs) - number for runs in values.values())
    runs = [
        _run(f"run {index + 1}", {name: times[index] for name, times in values.items()})
        for index in range(number)
    ]
    if left_out:
        return runs, (f"{left_out} values of benchmarks with more runs than others are left out",)
    return runs, ()


def _run(name: str, times: Mapping[str, float]) -> ArmRun:
    return ArmRun(name, {WALL: math.fsum(times.values())}, times)


def _mean(name: str, seconds: Sequence[float]) -> float:
    """Mean of some times, s, in ns."""
    if not all(math.isfinite(time) and time > 0 for time in seconds):
        raise InputError(f"{name}: a time is not a positive number of seconds")
    return math.fsum(seconds) / len(seconds) * _NS


def _converted[T: Struct](name: str, document: Mapping[str, Any], kind: type[T], tool: str) -> T:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as problem:
        raise InputError(f"{name} is not what {tool} writes: {problem}") from None
