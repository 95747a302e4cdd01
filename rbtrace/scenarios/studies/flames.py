"""The flame graph of a study: one more process of one of its cases, with its stacks sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from rbtrace.analysis.functions import FunctionTime
from rbtrace.errors import InputError
from rbtrace.flamegraph.formats import FORMATS
from rbtrace.flamegraph.functions import functions
from rbtrace.flamegraph.selecting import Selection
from rbtrace.flamegraph.sources import drawable
from rbtrace.reporting.model import Picture
from rbtrace.scenarios.studies.case import Case

FILE: Final = "flame.svg"


class Flame(NamedTuple):
    """What can be shown of it, and what there is to warn of."""

    pictures: list[Picture]
    warnings: list[str]


def case_to_sample(cases: Sequence[Case]) -> Case | None:
    """The longest of the traced cases, sampled; None where nothing is traced."""
    traced = [case for case in cases if case.traced]
    if not traced:
        return None
    return max(traced, key=lambda case: case.expected_s)._replace(sampled=True)


def flame_graph(traces: Path, case: Case) -> Flame:
    """Draw the stacks that were sampled in a case.

    Args:
        traces: the folder of its run.
        case: the case, for the title.
    """
    try:
        drawn = drawable([traces], Selection())
    except InputError as problem:
        return Flame([], [f"there is no flame graph: {problem}"])
    svg = FORMATS["svg"].write(replace(drawn, title=str(case))).decode()
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
        drawn = drawable([traces], Selection(operation=operation))
    except InputError:
        return None
    return next(iter(functions(drawn.profile)), None) if drawn.profile.measured else None
