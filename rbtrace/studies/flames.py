"""The flame graph of a study, from the sampled stacks of one case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from rbtrace.analysis.results import FunctionTime
from rbtrace.errors import InputError
from rbtrace.profiling.flamegraph.formats import FORMATS
from rbtrace.profiling.flamegraph.functions import functions
from rbtrace.profiling.flamegraph.selecting import Selection
from rbtrace.profiling.flamegraph.sources import read_flame_graph
from rbtrace.reporting.model import Picture
from rbtrace.reporting.tables import without_folders
from rbtrace.studies.journal import Case

FILE: Final = "flame.svg"


class Flame(NamedTuple):
    """What can be shown of it, and what there is to warn of."""

    pictures: list[Picture]
    warnings: list[str]


def case_to_sample(cases: Sequence[Case]) -> Case | None:
    """The case whose stacks are sampled; None where nothing is traced.

    If none of them is planned so, it is the longest of the traced ones, once more.
    """
    chosen = next((case for case in cases if case.sampled), None) or _longest(cases)
    return chosen._replace(sampled=True) if chosen else None


def with_one_sampled(cases: Sequence[Case]) -> list[Case]:
    """The same cases with the longest of the traced ones sampled, which spares one more process."""
    longest = _longest(cases)
    return [case._replace(sampled=case is longest) for case in cases]


def _longest(cases: Sequence[Case]) -> Case | None:
    traced = (case for case in cases if case.traced)
    return max(traced, key=lambda case: case.expected_s, default=None)


def flame_graph(traces: Path, case: Case) -> Flame:
    """Draw the stacks that were sampled in a case.

    Args:
        traces: the folder of its run.
        case: the case, for the title.
    """
    try:
        drawn = read_flame_graph([traces], Selection())
    except InputError as problem:
        return Flame([], [f"there is no flame graph: {problem}"])
    # Reports are passed on: where this machine has its files is nobody's business.
    frames = [frame._replace(file=without_folders(frame.file)) for frame in drawn.profile.frames]
    shown = replace(drawn, title=str(case), profile=replace(drawn.profile, frames=frames))
    svg = FORMATS["svg"].write(shown).decode()
    picture = Picture("Flame graph of one process", FILE, svg, interactive=True)
    return Flame([picture], drawn.warnings)


def hottest_function(traces: Path, operation: str) -> FunctionTime | None:
    """The function that was most often on top of the stacks sampled within an operation.

    Args:
        traces: the folder of the run.
        operation: the name of its spans.

    Returns:
        The function, its share one of the samples within; None where nothing was sampled there.
    """
    try:
        drawn = read_flame_graph([traces], Selection(operation=operation))
    except InputError:
        return None
    return next(iter(functions(drawn.profile)), None) if drawn.profile.measured else None
