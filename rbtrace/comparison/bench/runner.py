"""Planning and running a benchmark: pairs in random order, each kept as it ends."""

from __future__ import annotations

import os
import random
import secrets
import shlex
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from rbtrace.comparison.bench.environment import (
    describe_machine,
    load,
    revision,
    untraced,
    versions,
)
from rbtrace.comparison.bench.processes import measure
from rbtrace.comparison.bench.result import (
    ARMS,
    TRACES,
    Command,
    Plan,
    ProcessRun,
    append_pair,
    read_runs,
)
from rbtrace.errors import InputError
from rbtrace.version import __version__

OUTPUT: Final = "output"


class Turn(NamedTuple):
    """One run that is to be made. Warm-up pairs have numbers from 0 downwards."""

    pair: int
    order: int
    arm: str

    def run_id(self, plan: Plan) -> str:
        """The run id, which sorts by time within a benchmark: `c0ffee-0003-2-candidate`."""
        return f"{plan.identity}-{self.pair:04}-{self.order}-{self.arm}"


Progress = Callable[[Turn], None]
"""Called with each run just before it starts."""


def make_plan(baseline: Command, candidate: Command, **fields: Any) -> Plan:
    """A plan for this machine; `fields` are others of `Plan`."""
    return Plan(
        baseline=baseline,
        candidate=candidate,
        identity=secrets.token_hex(3),
        environment=describe_machine(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rbtrace=__version__,
        **fields,
    )


def make_command(text: str, folder: Path) -> Command:
    """Look up a command as a user wrote it.

    Raises:
        InputError: it cannot be split into arguments, or there is no such program.
    """
    try:
        arguments = shlex.split(text)
    except ValueError as problem:
        raise InputError(f"cannot understand the command {text!r}: {problem}") from None
    if not arguments:
        raise InputError("a command is empty")
    folder = folder.absolute()
    program = arguments[0]
    if os.sep in program:
        program = str(folder / program)
    executable = shutil.which(program)
    if executable is None:
        raise InputError(f"there is no program {arguments[0]!r} (commands run without a shell)")
    return Command(
        arguments=[executable, *arguments[1:]],
        folder=str(folder),
        revision=revision(folder),
        versions=versions(executable, folder),
    )


def pair_of(number: int, seed: int) -> list[Turn]:
    """Both turns of a pair, in an order that depends on the seed and the number alone."""
    arms = random.Random(f"{seed}/{number}").sample(ARMS, len(ARMS))  # noqa: S311 - an order
    return [Turn(number, order, arm) for order, arm in enumerate(arms, 1)]


def run_pairs(folder: Path, plan: Plan, progress: Progress) -> Iterator[int]:
    """Run the pairs of a plan that are not yet kept, warm-up first; yield how many are kept.

    The caller may stop between two pairs. An interrupted pair is not kept: its runs would not have
    taken turns.

    Raises:
        CommandError: a command failed or hung; the pairs before it are kept.
        InputError: what is kept is damaged.
    """
    kept = len(read_runs(folder)) // len(ARMS)
    if kept >= plan.pairs:
        return
    for number in range(1 - plan.warmup, 1):
        for turn in pair_of(number, plan.seed):
            progress(turn)
            _run(folder, plan, turn)
            shutil.rmtree(folder / TRACES / turn.arm / turn.run_id(plan), ignore_errors=True)
    for number in range(kept + 1, plan.pairs + 1):
        runs = []
        for turn in pair_of(number, plan.seed):
            progress(turn)
            runs.append(_run(folder, plan, turn))
        append_pair(folder, runs)
        yield number


def _run(folder: Path, plan: Plan, turn: Turn) -> ProcessRun:
    command, run_id = plan.command(turn.arm), turn.run_id(plan)
    traces = folder / TRACES / turn.arm
    shutil.rmtree(traces / run_id, ignore_errors=True)  # of a pair that was interrupted
    environ = untraced(os.environ) | {
        "RBTRACE_ARM": turn.arm,
        "RBTRACE_PAIR": str(turn.pair),
        "RBTRACE_ORDER": str(turn.order),
        "RBTRACE_RUN_ID": run_id,
        "RBTRACE_DIR": str(traces.absolute()),
    }
    if plan.traced:
        environ["RBTRACE_ENABLED"] = "1"
    load_before, started = load(), time.time_ns()
    usage = measure(
        command.arguments,
        environ,
        Path(command.folder),
        folder / OUTPUT / f"{run_id}.txt",
        plan.timeout_s,
    )
    return ProcessRun(
        pair=turn.pair,
        order=turn.order,
        arm=turn.arm,
        run_id=run_id,
        started_ns=started,
        wall_ns=usage.wall_ns,
        cpu_ns=usage.cpu_ns,
        peak_bytes=usage.peak_bytes,
        load=load_before,
    )
