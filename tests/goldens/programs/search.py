"""A small search of real backtests, in one process and in two: the demo's, with fewer trials.

`python search.py FOLDER` is an ordinary program of rustybt, which keeps its data in FOLDER.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rbtrace.studies.workloads import engine, searches

OBJECTIVE = searches.Objective("2005-01-03", "2005-03-31")


def main() -> None:
    engine.prepare(Path(sys.argv[1]), "rbtrace-goog")
    searches.FAST, searches.SLOW = (5, 10), (20, 30)
    print(searches.grid_search(OBJECTIVE).parameters)
    print(searches.parallel_grid_search(OBJECTIVE, workers=2).parameters)


if __name__ == "__main__":
    main()
