"""Reading what a user names as an arm: traces, a benchmark, or results of another tool."""

from __future__ import annotations

from pathlib import Path

from rbtrace.analysis.integrity import integrity
from rbtrace.analysis.loading import load
from rbtrace.analysis.runs import RunFigures, figures_by_run
from rbtrace.analysis.self_time import self_times
from rbtrace.analysis.table import weigh
from rbtrace.comparison.arms import (
    BENCH,
    PEAK_MEMORY,
    PROCESS_CPU,
    PROCESS_WALL,
    REVISION,
    SELF,
    TRACES,
    WALL,
    Arm,
    ArmRun,
)
from rbtrace.comparison.bench import result
from rbtrace.comparison.bench.environment import COMPARABLE
from rbtrace.comparison.external_results import arm_of_pyperf, arm_of_pytest_benchmark, document_in
from rbtrace.errors import InputError


def read_arm(source: str | Path, role: str) -> Arm:
    """Read one arm.

    Args:
        source: a folder of `rbtrace bench`; a file, folder or glob of traces; a file of pyperf; a
            file of pytest-benchmark, or a folder of them.
        role: `baseline` or `candidate`: which arm to take of a place that has both.

    Raises:
        InputError: there is nothing to compare there; the message says what and why.
    """
    arm = _read(Path(source).expanduser(), str(source), role)
    if not arm.runs:
        raise InputError(f"{source} has no runs")
    return arm


def _read(path: Path, name: str, role: str) -> Arm:
    if result.is_result(path):
        return _arm_of_bench(path, role)
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    documents = [(file, content) for file in files if (content := document_in(file)) is not None]
    if not documents:
        return _arm_of_traces(name, role)
    if len(documents) < len(files):
        other = next(file for file in files if file not in dict(documents))
        raise InputError(f"{path} has results of benchmarks, but {other.name} is none")
    if all("machine_info" in content for _, content in documents):
        return arm_of_pytest_benchmark(name, documents)
    if len(documents) > 1:
        raise InputError(f"{path} has several files of pyperf: name one (pyperf can join them)")
    return arm_of_pyperf(name, documents[0][1])


def _arm_of_traces(path: str, role: str) -> Arm:
    """The runs in a folder, file or glob of traces.

    Args:
        path: as for `rbtrace analyze`.
        role: which arm to take of a place that has both `baseline` and `candidate`.

    Raises:
        InputError: nothing can be read, or the runs are of several arms.
    """
    figures, warnings = _figures(path)
    arms = {run.run.arm for run in figures}
    if arms == set(result.ARMS):
        figures = [run for run in figures if run.run.arm == role]
    elif len(arms) > 1:
        names = ", ".join(sorted(str(arm) for arm in arms))
        raise InputError(f"{path} has runs of several arms ({names}): name a folder for each")
    runs = sorted(map(_traced_run, figures), key=lambda run: run.started_ns or 0)
    return Arm(path, TRACES, tuple(runs), warnings=warnings)


def _arm_of_bench(folder: Path, role: str) -> Arm:
    """One arm of a benchmark.

    Raises:
        InputError: it is damaged, has no pairs yet, or lacks the traces of some runs.
    """
    plan = result.read_plan(folder)
    measured = [run for run in result.read_runs(folder) if run.arm == role]
    if not measured:
        raise InputError(f"{folder} has no finished pair yet: rbtrace bench --resume -o {folder}")
    traced: dict[str, RunFigures] = {}
    warnings: tuple[str, ...] = ()
    traces = folder / result.TRACES / role
    if plan.traced and any(traces.rglob("*")):
        figures, warnings = _figures(str(traces))
        traced = {run.run.run_id: run for run in figures}
        lacking = [run.run_id for run in measured if run.run_id not in traced]
        if lacking:
            raise InputError(f"{traces} has no spans of run {', '.join(lacking[:3])}")
    elif plan.traced:
        warnings = ("no run of it recorded a span: only whole processes can be compared",)
    command = plan.command(role)
    machine: dict[str, str] = {
        name: str(plan.environment[name]) for name in COMPARABLE if name in plan.environment
    }
    return Arm(
        name=f"{folder} ({role})",
        source=BENCH,
        runs=tuple(_measured_run(run, traced.get(run.run_id), machine) for run in measured),
        environment={**machine, **command.versions, REVISION: command.revision or "unknown"},
        plan=f"{plan.identity} {plan.created} {plan.seed}",
        interim_analyses=tuple(plan.looks),
        warnings=warnings,
    )


def _figures(path: str) -> tuple[list[RunFigures], tuple[str, ...]]:
    loaded = load([path])
    selfs = self_times(loaded.table)
    warnings: tuple[str, ...] = ()
    if integrity(loaded, selfs).complete is False:
        warnings = (f"its traces are incomplete: rbtrace analyze {path} says what is missing",)
    weights = weigh(loaded.table)
    return figures_by_run(loaded.table, weights, selfs.self_ns), warnings


def _traced_run(figures: RunFigures) -> ArmRun:
    return ArmRun(
        name=figures.run.run_id,
        measures={WALL: figures.run.wall_ns, SELF: sum(figures.self_ns.values())},
        self_ns=figures.self_ns,
        calls=figures.calls,
        fingerprints=figures.fingerprints,
        hosts=frozenset(figures.hosts),
        pair=figures.run.pair,
        started_ns=figures.started_ns,
    )


def _measured_run(
    run: result.ProcessRun, figures: RunFigures | None, machine: dict[str, str]
) -> ArmRun:
    process: dict[str, float] = {PROCESS_WALL: run.wall_ns, PROCESS_CPU: run.cpu_ns}
    if run.peak_bytes is not None:
        process[PEAK_MEMORY] = run.peak_bytes
    traced = None if figures is None else _traced_run(figures)
    return ArmRun(
        name=run.run_id,
        measures=process if traced is None else {**traced.measures, **process},
        self_ns={} if traced is None else traced.self_ns,
        calls=None if traced is None else traced.calls,
        fingerprints=() if traced is None else traced.fingerprints,
        hosts=frozenset({machine.get("host", "")}) if traced is None else traced.hosts,
        pair=run.pair,
        started_ns=run.started_ns,
    )
