"""One fresh process of the overhead benchmark: the ten-asset backtest, twice.

`python -m rbtrace.scenarios.daily_backtest --data DIR` prints one JSON object. The first run pays
for imports, calendars and caches; the second is warm and is the one that is measured. The
ingestion happens once, before, with `--ingest`.
"""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter_ns, process_time_ns

import click

from rbtrace.scenarios import engine


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="rustybt's data.")
@click.option("--ingest", is_flag=True, help="Only write the prices into the data folder.")
def main(data: Path, *, ingest: bool) -> None:
    """Run the backtest twice; print time and result of the second run as JSON."""
    backtest = engine.ten_assets_daily()
    engine.prepare(data, backtest.bundle)
    if ingest:
        return
    engine.run_backtest(backtest)
    wall, cpu = perf_counter_ns(), process_time_ns()
    performance = engine.run_backtest(backtest)
    cpu, wall = process_time_ns() - cpu, perf_counter_ns() - wall
    value = float(performance["portfolio_value"].iloc[-1])
    click.echo(json.dumps({"cpu_ns": cpu, "wall_ns": wall, "portfolio_value": value}))


if __name__ == "__main__":
    main()
