"""Parallel searches of rustybt over real backtests: `python searches.py DATA POOL WORKERS`.

Prints the score of every trial, so that a traced search can be compared with an untraced one.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from counter import count

from rbtrace.studies.workloads import engine, searches

METHODS = ("get_history_window", "get_spot_value", "get_scalar_asset_spot_value")


class Counted(searches.Objective):
    """An objective that counts its evaluations."""

    def __call__(self, parameters: dict[str, Any]) -> Decimal:
        score = super().__call__(parameters)
        count("span", "ParallelOptimizer.evaluate")
        return score


def counted(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        count("call", name)
        return function(*args, **kwargs)

    return call


def count_the_engine() -> None:
    """Count the calls of the engine's data layer, in this process and those forked from it."""
    from rustybt.data.data_portal import DataPortal

    for method in METHODS:
        name = f"DataPortal.{method}"
        setattr(DataPortal, method, counted(getattr(DataPortal, method), name))


def main(data: str, pool: str, workers: str) -> None:
    engine.prepare(Path(data), "rbtrace-goog")
    if pool == "ingest":
        return
    from rustybt.optimization.parallel_optimizer import ParallelOptimizer
    from rustybt.optimization.parameter_space import CategoricalParameter, ParameterSpace
    from rustybt.optimization.search.grid_search import GridSearchAlgorithm

    count_the_engine()
    space = ParameterSpace(
        parameters=[
            CategoricalParameter(name="fast", choices=[5, 10]),
            CategoricalParameter(name="slow", choices=[30, 50]),
        ]
    )
    algorithm = GridSearchAlgorithm(space)
    optimizer = ParallelOptimizer(
        algorithm,
        n_jobs=int(workers),
        verbose=False,
        use_persistent_pool=pool == "persistent",
    )
    optimizer.run(Counted("2005-01-03", "2005-03-31"))
    for parameters, score in sorted(algorithm.get_results(), key=str):
        print(parameters, score)
    print(optimizer.get_best_result())


if __name__ == "__main__":
    main(*sys.argv[1:])
    count("end")
