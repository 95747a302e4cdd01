"""One short backtest in a fresh process, on request with a known difference.

`python -m tests.benchmarks.planted --data DIR` is what benchmarks of the benchmark run: what is
known to be there has to be found, and what is not there must not be. `--ingest` once, before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final

import click

from rbtrace.studies.workloads import engine
from rbtrace.studies.workloads.strategies import MovingAverageCrossover

BUNDLE: Final = "rbtrace-goog"
START, END = "2005-01-03", "2005-04-29"


@dataclass(frozen=True, slots=True)
class OneMorePrice(MovingAverageCrossover):
    """The same trades, and one price more than needed asked for on every bar."""

    def handle_data(self, context: Any, data: Any) -> None:
        """Ask for the price of the asset once more."""
        data.current(context.asset, "close")
        MovingAverageCrossover.handle_data(self, context, data)


STRATEGIES: Final[dict[str, Callable[[], MovingAverageCrossover]]] = {
    "as-it-is": lambda: MovingAverageCrossover(fast=5, slow=20),
    "one-more-price": lambda: OneMorePrice(fast=5, slow=20),
    "less-invested": lambda: MovingAverageCrossover(fast=5, slow=20, weight=0.9),
}


def slow_down(fraction: float) -> None:
    """Make the backtest that starts now longer by a fraction, within `get_history_window`.

    Whenever the engine asks its data portal for history, the portal takes as much longer as is
    needed for the whole to have taken `fraction` longer so far, however fast the machine is.
    """
    from rustybt.data.data_portal import DataPortal

    # The untraced method inside of it: the time is then in the traced one.
    original = DataPortal._get_history_daily_window
    started = perf_counter_ns()
    planted = 0

    @wraps(original)
    def slowed(*arguments: Any, **options: Any) -> Any:
        nonlocal planted
        window = original(*arguments, **options)
        now = perf_counter_ns()
        until = now + max(0, round(fraction * (now - started - planted)) - planted)
        while (after := perf_counter_ns()) < until:
            pass
        planted += after - now
        return window

    DataPortal._get_history_daily_window = slowed


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="rustybt's data.")
@click.option("--ingest", is_flag=True, help="Only write the prices into the data folder.")
@click.option("--strategy", type=click.Choice(list(STRATEGIES)), default="as-it-is")
@click.option("--slower", type=float, default=0.0, help="Per cent, in DataPortal.")
def main(data: Path, strategy: str, slower: float, *, ingest: bool) -> None:
    """Run one backtest of some months."""
    engine.prepare(data, BUNDLE)
    if ingest:
        return
    if slower:
        slow_down(slower / 100)
    engine.run_backtest(engine.Backtest(BUNDLE, STRATEGIES[strategy](), START, END))


if __name__ == "__main__":
    main()
