"""Multi-fidelity search: what backtests of short windows save when parameters are searched.

First every configuration of the space is evaluated at every fidelity, by real backtests: that
table says how far a search is from the best. Then some searches run real backtests, traced; and
searches with many more seeds look their scores up in the table, which the engine would repeat
exactly. `rbtrace.studies.multi_fidelity.report` says what was found, and whether it did.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from rbtrace.errors import InputError
from rbtrace.files.small_files import replace_file
from rbtrace.studies.journal import Case, Settings
from rbtrace.studies.multi_fidelity.report import multi_fidelity_report as report
from rbtrace.studies.multi_fidelity.searches import (
    BUNDLE,
    GRID,
    MULTI_FIDELITY,
    RANDOM,
    SEARCHES,
    SPACES,
    Evaluation,
    Space,
    evaluate,
    run_search,
)
from rbtrace.studies.workloads import engine

__all__ = ["cases", "measure", "report"]

_TABLES: Final = "multi-fidelity"
_PROCESS_S: Final = 4.0
"""An interpreter with the engine imported."""
_BACKTEST_S: Final = 0.1
_BAR_S: Final = 0.0017
_LOOKED_UP_S: Final = 0.01
"""An evaluation that is looked up: what the search itself takes."""


def cases(*, quick: bool) -> list[Case]:
    """The table first: the searches that look scores up read it."""
    name = "small" if quick else "large"
    space = SPACES[name]
    planned = [_table(name, space, part) for part in range(1, space.parts + 1)]
    planned.append(_replay(name, space, 3 if quick else 30))
    planned.append(_search(name, space, MULTI_FIDELITY, 1))
    if not quick:
        planned += [_search(name, space, search, 1) for search in (RANDOM, GRID)]
        planned.append(_search(name, space, MULTI_FIDELITY, 2))
    return planned


def measure(settings: Settings, data: Path) -> dict[str, Any]:
    """Measure a part of the table, or search; times in ns."""
    engine.prepare(data, BUNDLE)
    name = str(settings["space"])
    space = SPACES[name]
    if settings["do"] == "table":
        part = int(settings["part"])
        mine = range(part - 1, len(space.configurations), space.parts)
        done = [
            evaluate(space, configuration, level)
            for configuration in mine
            for level in range(len(space.levels))
        ]
        replace_file(_file(data, name, part), msgspec.json.encode(done))
        return {"evaluations": done}
    if settings["do"] == "replay":
        table = read_table(data, name)
        return {
            "searches": [
                [search, seed, run_search(search, seed, space, lambda *at: table[at]).evaluations]
                for seed in range(1, int(settings["seeds"]) + 1)
                for search in SEARCHES
            ]
        }
    searched = run_search(
        str(settings["search"]),
        int(settings["seed"]),
        space,
        lambda configuration, level: evaluate(space, configuration, level),
    )
    return searched._asdict()


def read_table(data: Path, name: str) -> dict[tuple[int, int], Evaluation]:
    """The table of a space, by configuration and level.

    Raises:
        InputError: a part of it is not there, or damaged.
    """
    table = {}
    for part in range(1, SPACES[name].parts + 1):
        path = _file(data, name, part)
        try:
            done = msgspec.json.decode(path.read_bytes(), type=list[Evaluation])
        except (OSError, ValueError) as problem:
            raise InputError(
                f"{path} cannot be read ({problem}): choose another folder, or remove this study's"
            ) from None
        for evaluation in done:
            table[evaluation.configuration, evaluation.level] = evaluation._replace(ns=0)
    return table


def _table(name: str, space: Space, part: int) -> Case:
    configurations = len(space.configurations) / space.parts
    each = sum(_BACKTEST_S + sessions * _BAR_S for sessions in space.levels)
    settings: Settings = {"do": "table", "space": name, "part": part}
    return Case(settings, _PROCESS_S + configurations * each, traced=False)


def _replay(name: str, space: Space, seeds: int) -> Case:
    settings: Settings = {"do": "replay", "space": name, "seeds": seeds}
    evaluations = seeds * len(SEARCHES) * space.budget * 2
    return Case(settings, _PROCESS_S + evaluations * _LOOKED_UP_S, traced=False)


def _search(name: str, space: Space, search: str, seed: int) -> Case:
    settings: Settings = {"do": "search", "space": name, "search": search, "seed": seed}
    each = 2 * _BACKTEST_S + space.whole * _BAR_S
    return Case(settings, _PROCESS_S + space.budget * each)


def _file(data: Path, name: str, part: int) -> Path:
    folder = data / _TABLES
    folder.mkdir(exist_ok=True)
    return folder / f"{name}-{part}.json"
