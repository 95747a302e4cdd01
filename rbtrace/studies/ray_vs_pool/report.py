"""What the study of Ray beside multiprocessing.Pool says."""

from __future__ import annotations

from typing import Final

from rbtrace.reporting.model import Report, Row, Table, columns
from rbtrace.reporting.numbers import count, duration, percent, ratio
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.pools import IN_WORDS, SEQUENTIAL
from rbtrace.studies.ray_vs_pool.checks import clock_table, ray_table
from rbtrace.studies.ray_vs_pool.costs import memory_table, task_table
from rbtrace.studies.ray_vs_pool.figures import (
    AGAIN,
    FIRST,
    KEPT,
    OPTIMIZER,
    STARTED,
    Groups,
    grouped,
    middle,
    wall,
    with_workers,
)
from rbtrace.studies.ray_vs_pool.findings import findings, pictures
from rbtrace.studies.words import interval_of

TITLE: Final = "Ray and multiprocessing.Pool"


def ray_vs_pool_report(evidence: Evidence) -> Report:
    """Compose the report of what is measured."""
    groups = grouped(evidence.measured)
    return Report(
        title=TITLE,
        complete=evidence.complete,
        integrity=evidence.opening(),
        figures=_figures(evidence, groups),
        tables=[
            _started(groups),
            _gained(groups),
            task_table(groups),
            memory_table(groups),
            ray_table(groups),
            clock_table(evidence, groups),
            evidence.operations(),
        ],
        findings=findings(groups),
        pictures=pictures(groups),
        warnings=evidence.warnings(),
    )


def _figures(evidence: Evidence, groups: Groups) -> list[tuple[str, str]]:
    sequential = groups[SEQUENTIAL, 1]
    tasks = len(sequential[0].found.batches[FIRST].evaluated)
    return [
        ("cores that could be used", count(evidence.cores)),
        *(
            (f"threads of BLAS and OpenMP, workers of {IN_WORDS[way]}", _threads(groups, way))
            for way in dict.fromkeys(way for way, _ in with_workers(groups))
        ),
        ("backtests in a batch", count(tasks)),
        (
            "the same one after the other",
            duration(wall(sequential, FIRST)),
        ),
    ]


def _threads(groups: Groups, way: str) -> str:
    runs = [one for (name, _), group in groups.items() if name == way for one in group]
    return " ".join(
        str(number) for number in sorted({n for one in runs for n in one.found.threads})
    )


def _started(groups: Groups) -> Table:
    rows = []
    for (way, workers), group in with_workers(groups).items():
        figures = [
            middle(group, lambda one: one.found.made_ns),
            middle(group, lambda one: one.startup_ns),
            wall(group, FIRST),
            wall(group, AGAIN),
            wall(group, OPTIMIZER),
            middle(group, lambda one: one.found.closing_ns),
            middle(group, lambda one: one.started_for_it_ns),
        ]
        cells = [IN_WORDS[way], str(workers), str(len(group))]
        rows.append(Row([*cells, *map(duration, figures)]))
    titles = ["workers", "runs", "making", "until all work", "backtests, first time"]
    titles += ["the same again", "by rustybt's optimizer", "closing", "started for one batch"]
    note = (
        "Making: multiprocessing.Pool(), ray.init() with its dashboard. Until all work: that, and "
        "until every worker has done a task. First time: a worker of Ray imports the engine, one "
        "of the pool is forked with it. Again: by the same workers. rustybt's ParallelOptimizer "
        "makes a pool of its own, and uses the Ray that is there. Started for one batch: start-up, "
        "first time and closing, as a script pays it that does one search."
    )
    return Table("The same backtests", columns("way", titles), rows, note)


def _gained(groups: Groups) -> Table:
    rows = []
    for point in with_workers(groups):
        way, workers = point
        cells = [IN_WORDS[way], str(workers)]
        for gain in (STARTED, KEPT):
            gained = gain.speed_up(groups, point)
            cells += [ratio(gained.ratio), interval_of(gained), percent(gained.ratio / workers)]
        rows.append(Row(cells))
    titles = ["workers", "started for one batch: speed-up", "95 %", "efficiency"]
    titles += ["kept: speed-up", "its 95 %", "its efficiency"]
    note = (
        "Against the same backtests one after the other in one process. Kept: the second batch of "
        "the same workers, against that process without what its first backtest takes longer than "
        "the others."
    )
    return Table("Speed-up", columns("way", titles), rows, note)
