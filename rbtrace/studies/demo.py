"""The demo's work: a backtest, a grid search in one and in two processes, a walk-forward.

`python -m rbtrace.studies.demo [--output DIR]` is an ordinary rustybt program. It knows nothing
of tracing: `RBTRACE_ENABLED=1` in its environment is all there is.
"""

from __future__ import annotations

import _thread
import json
import shutil
import signal
import sys
import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import click

from rbtrace.errors import EXIT_GOOD, RbtraceError, exit_code_of_interrupt
from rbtrace.studies.workloads import engine, searches
from rbtrace.studies.workloads.market_data import daily_prices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


_AGAIN_AFTER: Final = 0.1


def _interrupt_main() -> None:
    """As Ctrl-C does, which ends what the main thread waits for."""
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@contextmanager
def lasting_interrupts() -> Iterator[Callable[[], None]]:
    """Yield a function that raises `KeyboardInterrupt` if Ctrl-C was pressed in this block.

    Ctrl-C raises at once as usual. But some package the engine imports goes on after any
    exception while it is imported: the function is for asking again at a better place. And an
    exception in a callback of the garbage collector cannot leave it (SQLAlchemy has such
    callbacks): there, Ctrl-C is repeated a moment later.
    """
    pressed = False
    repeats: list[threading.Timer] = []
    report_unraisable = sys.unraisablehook

    def remember(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    def repeat(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            repeats.append(threading.Timer(_AGAIN_AFTER, _interrupt_main))
            repeats[-1].start()
        else:
            report_unraisable(unraisable)

    def ask_again() -> None:
        if pressed:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, remember)
    sys.unraisablehook = repeat
    try:
        yield ask_again
    finally:
        for timer in repeats:
            timer.cancel()
        sys.unraisablehook = report_unraisable
        signal.signal(signal.SIGINT, before)


_WORKERS: Final = 2

_BACKTEST: Final = ("2005-01-03", "2008-12-31")
_GRID: Final = ("2005-01-03", "2006-03-31")
_WALK_FORWARD: Final = ("2005-01-03", "2007-09-28")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the demo, with the time of rustybt's call by an independent clock.

    Attributes:
        name: what was done.
        call: rustybt's function that was timed.
        seconds: how long it took.
        result: what came out, as JSON would hold it.
    """

    name: str
    call: str
    seconds: float
    result: dict[str, Any]


def one_backtest() -> Part:
    """Four years of a moving-average crossover on GOOG."""
    backtest = engine.goog_crossover(10, 50, *_BACKTEST)
    started = perf_counter()
    performance = engine.run_backtest(backtest)
    seconds = perf_counter() - started
    result = {"sessions": len(performance), **engine.metrics(performance)}
    return Part("one backtest", "run_algorithm", seconds, result)


def sequential_grid() -> Part:
    """The grid in this process."""
    outcome = searches.grid_search(searches.Objective(*_GRID))
    return Part("grid search", "Optimizer.optimize", outcome.seconds, _as_result(outcome))


def parallel_grid() -> Part:
    """The same grid in worker processes."""
    outcome = searches.parallel_grid_search(searches.Objective(*_GRID), _WORKERS)
    name = f"grid search, {_WORKERS} workers"
    return Part(name, "ParallelOptimizer.run", outcome.seconds, _as_result(outcome))


def walk_forward() -> Part:
    """The grid, chosen again in every window."""
    index = daily_prices("GOOG").loc[slice(*_WALK_FORWARD)].index
    walked = searches.walk_forward([session.date().isoformat() for session in index])
    result = {
        "windows": walked.windows,
        "test_scores": [float(score) for score in walked.test_scores],
    }
    return Part("walk-forward", "WalkForwardOptimizer.run", walked.seconds, result)


PARTS: Final[tuple[Callable[[], Part], ...]] = (
    one_backtest,
    sequential_grid,
    parallel_grid,
    walk_forward,
)


def _as_result(outcome: searches.SearchOutcome) -> dict[str, Any]:
    return {"trials": outcome.trials, "best": outcome.parameters, "score": float(outcome.score)}


def run(output: Path) -> list[Part]:
    """Run every part, saying how far it is; keep the results in `output/results.json`.

    Raises:
        RbtraceError: something is missing, a backtest failed, or the two grids disagree.
    """
    data = output / "rustybt-data"
    results = output / "results.json"
    results.unlink(missing_ok=True)
    try:
        parts = list(_work(data))
    finally:
        shutil.rmtree(data, ignore_errors=True)
    document = json.dumps([asdict(part) for part in parts], indent=2)
    results.write_text(document + "\n", encoding="utf-8")
    _, sequential, parallel, _ = parts
    if sequential.result != parallel.result:
        raise RbtraceError("the grid search found something else with workers than without")
    click.echo("The workers found the same best parameters as the single process.")
    return parts


def _work(data: Path) -> Iterator[Part]:
    with lasting_interrupts() as stop_if_interrupted:
        click.echo("Ingesting GOOG, daily, into rustybt ...")
        engine.prepare(data, "rbtrace-goog")
        for part in PARTS:
            stop_if_interrupted()
            done = part()
            click.echo(f"{done.name:<24} {done.seconds:6.2f} s  {_as_text(done.result)}")
            yield done


def _as_text(result: dict[str, Any]) -> str:
    def word(value: Any) -> str:
        if isinstance(value, float):
            return f"{value:.3f}"
        if isinstance(value, dict):
            return "/".join(str(item) for item in value.values())
        if isinstance(value, list):
            return " ".join(word(item) for item in value)
        return str(value)

    return ", ".join(f"{key.replace('_', ' ')} {word(value)}" for key, value in result.items())


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("rbtrace-demo"),
    show_default=True,
    help="Folder for the results.",
)
def main(output: Path) -> None:
    """Run real backtests and searches on real prices: something to trace."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        run(output)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(exit_code_of_interrupt())
    except OSError as problem:
        click.echo(f"rbtrace: error: {problem}", err=True)
        sys.exit(RbtraceError.exit_code)
    except RbtraceError as problem:
        click.echo(f"rbtrace: error: {problem}", err=True)
        sys.exit(problem.exit_code)
    sys.exit(EXIT_GOOD)


if __name__ == "__main__":
    main()
