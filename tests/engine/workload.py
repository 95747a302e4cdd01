"""A small deterministic rustybt program, and what it is to be compared by.

`python workload.py --data DIR KIND` prints the results as JSON: every portfolio value of a
backtest, the scores and the best parameters of a search, and the duration of rustybt's call by
`perf_counter`. With `--count FOLDER` every call of `DataPortal` is counted by plain counters that
know nothing of tracing.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import perf_counter
from typing import Any

import counters

from rbtrace.studies.workloads import engine, searches

OBJECTIVE = searches.Objective("2005-01-03", "2005-05-31")


def backtest() -> dict[str, Any]:
    started = perf_counter()
    performance = engine.run_backtest(engine.ten_assets_daily())
    seconds = perf_counter() - started
    values = [value.hex() for value in performance["portfolio_value"].astype(float)]
    return {"portfolio_values": values, "seconds": seconds}


def sequential() -> dict[str, Any]:
    return search(searches.grid_search(OBJECTIVE))


def parallel() -> dict[str, Any]:
    return search(searches.parallel_grid_search(OBJECTIVE, workers=2))


def search(found: searches.SearchOutcome) -> dict[str, Any]:
    return {
        "best": found.parameters,
        "score": str(found.score),
        "trials": found.trials,
        "seconds": found.seconds,
    }


KINDS = {"backtest": backtest, "sequential": sequential, "parallel": parallel}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=[*KINDS, "ingest"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--count", type=Path)
    options = parser.parse_args()
    engine.prepare(options.data, "rbtrace-goog", "rbtrace-ten-assets")
    if options.count:
        counters.install(options.count)
    if options.kind != "ingest":
        print(json.dumps(KINDS[options.kind]()))


if __name__ == "__main__":
    main()
