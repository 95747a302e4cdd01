"""The four places where a developer of rustybt puts a `ProfileContext`, around the real engine.

`python hooks.py HOOK DATA OUTPUT` profiles one of them, `python hooks.py HOOK DATA` does the same
work with the context disabled. Either prints what the engine found.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rbtrace.profiling import ProfileContext
from rbtrace.studies.workloads import engine, searches
from rbtrace.studies.workloads.market_data import daily_prices

OBJECTIVE = searches.Objective("2005-01-03", "2005-05-31")


def walk_forward() -> Any:
    index = daily_prices("GOOG").loc["2005-01-03":"2007-04-30"].index
    found = searches.walk_forward([session.date().isoformat() for session in index])
    return found.windows, found.test_scores


def grid(found: searches.SearchOutcome) -> Any:
    return found.parameters, found.score, found.trials


HOOKS = {
    "ParallelOptimizer": lambda: grid(searches.parallel_grid_search(OBJECTIVE, workers=2)),
    "GridSearch": lambda: grid(searches.grid_search(OBJECTIVE)),
    "WalkForward": walk_forward,
    "DataPortal": lambda: OBJECTIVE({"fast": 5, "slow": 30}),
}


def main(hook: str, data: str, *output: str) -> None:
    engine.prepare(Path(data), "rbtrace-goog")
    with ProfileContext(hook, enabled=bool(output)) as profile:
        found = HOOKS[hook]()
    for path in output:
        profile.save_stats(path)
    print(found)


if __name__ == "__main__":
    main(*sys.argv[1:])
