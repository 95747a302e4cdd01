"""One fresh process of the overhead benchmark: a ten-asset backtest for every line it is sent.

`python -m tests.benchmarks.daily_backtest --data DIR` answers each line on standard input with one
JSON object: time and result of one more backtest. A line names the detail to trace with or `off`,
and then a short warm-up precedes the measured backtest, since turning tracing on or off makes the
interpreter forget what it specialised; an empty line leaves tracing as the environment has it. The
ingestion happens once, before, with `--ingest`.
"""

from __future__ import annotations

import gc
import json
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns, process_time_ns

import click

import rbtrace
from rbtrace.recording.recorder import RECORDER
from rbtrace.studies.workloads import engine

OFF = "off"

_WARM_UP_END = "2010-03-01"


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="rustybt's data.")
@click.option("--ingest", is_flag=True, help="Only write the prices into the data folder.")
def main(data: Path, *, ingest: bool) -> None:
    """Run a backtest for every line of standard input; print its time and result as JSON."""
    backtest = engine.ten_assets_daily()
    engine.prepare(data, backtest.bundle)
    if ingest:
        return
    for line in sys.stdin:
        click.echo(json.dumps(_measured(backtest, line.strip())))
        sys.stdout.flush()


def _measured(backtest: engine.Backtest, detail: str) -> dict[str, float]:
    """Time of one backtest until its spans are in the file."""
    if detail:
        if detail != OFF:
            rbtrace.instrument(detail=detail)
        engine.run_backtest(replace(backtest, end=_WARM_UP_END))
        _flush()
    gc.collect()  # else the garbage of one arm is collected in the time of the next
    wall, cpu = perf_counter_ns(), process_time_ns()
    performance = engine.run_backtest(backtest)
    if detail:
        _flush()
    cpu, wall = process_time_ns() - cpu, perf_counter_ns() - wall
    if detail:
        rbtrace.uninstrument()
    value = float(performance["portfolio_value"].iloc[-1])
    return {"cpu_ns": cpu, "wall_ns": wall, "portfolio_value": value}


def _flush() -> None:
    """Write what was recorded to the files, if tracing is on."""
    if (pipeline := RECORDER.pipeline()) is not None:
        pipeline.flush()


if __name__ == "__main__":
    main()
