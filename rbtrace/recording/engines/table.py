"""THE table of traced rustybt methods. A new traced method is a new row here.

`docs/traced-methods.md` is tested against it, and every row against the installed rustybt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rbtrace.conventions import Category
from rbtrace.recording.target import Target


class Kind(StrEnum):
    """How the calls of a method are recorded."""

    SPAN = "span"
    """A span for every call: runs, sweeps, trials, windows, backtests, loads."""
    HOT = "hot"
    """Aggregated beneath the enclosing span; a span per call with `RBTRACE_DETAIL=calls`."""


@dataclass(frozen=True, slots=True)
class TracedMethod(Target):
    """One row: what is wrapped, how it is recorded, what its spans say."""

    kind: Kind
    category: Category
    name: str = ""
    """Span name; by default `Class.method`, or the function's name."""
    before: str = ""
    """Extractor of attributes from the arguments, by name."""
    after: str = ""
    """Extractor of attributes from the result, by name."""
    measures_cpu: bool = False
    """Whether CPU time and time waiting for a core go on the span."""
    runs_user_code: bool = False
    """Whether a hot call runs code of the user's, which may start spans by itself."""
    carries_objective: bool = False
    """Whether the call hands its first argument to worker processes."""
    is_trial: bool = False
    """Whether a span may become a trace of its own in a large sweep."""

    @property
    def span_name(self) -> str:
        """The name of its spans."""
        return self.name or self.path


def _spans(category: Category, *paths: str, before: str = "") -> tuple[TracedMethod, ...]:
    return tuple(
        TracedMethod(f"rustybt.{path}", Kind.SPAN, category, before=before) for path in paths
    )


def _hot(
    category: Category, owner: str, *methods: str, before: str = ""
) -> tuple[TracedMethod, ...]:
    return tuple(
        TracedMethod(f"rustybt.{owner}.{method}", Kind.HOT, category, before=before)
        for method in methods
    )


_BACKTEST = (
    TracedMethod(
        "rustybt.utils.run_algo:run_algorithm",
        Kind.SPAN,
        Category.COMPUTATION,
        before="run_algorithm",
    ),
    TracedMethod(
        "rustybt.algorithm:TradingAlgorithm.run",
        Kind.SPAN,
        Category.COMPUTATION,
        before="algorithm_run",
        after="result_fingerprint",
        measures_cpu=True,
    ),
    *(
        TracedMethod(
            f"rustybt.algorithm:TradingAlgorithm.{method}",
            Kind.HOT,
            Category.USER,
            runs_user_code=True,
        )
        for method in ("initialize", "before_trading_start", "handle_data", "analyze")
    ),
)

_STORAGE = (
    TracedMethod(
        "rustybt.data.bundles.core:load",
        Kind.SPAN,
        Category.IO,
        name="bundles.load",
        before="bundle_load",
    ),
    *_spans(
        Category.IO,
        "data.bcolz_daily_bars:BcolzDailyBarReader.load_raw_arrays",
        "data.bcolz_minute_bars:BcolzMinuteBarReader.load_raw_arrays",
        "data.hdf5_daily_bars:HDF5DailyBarReader.load_raw_arrays",
        "data.in_memory_daily_bars:InMemoryDailyBarReader.load_raw_arrays",
        "data.polars.parquet_bar_reader:ParquetDailyBarReader.load_raw_arrays",
        "data.polars.parquet_minute_bar_reader:ParquetMinuteBarReader.load_raw_arrays",
        before="raw_arrays",
    ),
)

_PORTALS = (
    *_hot(
        Category.DATA_ACCESS,
        "data.data_portal:DataPortal",
        "get_history_window",
        before="history_window",
    ),
    *_hot(
        Category.DATA_ACCESS,
        "data.data_portal:DataPortal",
        "get_spot_value",
        "get_scalar_asset_spot_value",
        "get_adjusted_value",
        "get_adjustments",
        before="spot_value",
    ),
    *_hot(Category.DATA_ACCESS, "data.data_portal:DataPortal", "get_splits"),
    *_hot(
        Category.DATA_ACCESS,
        "data.polars.data_portal:PolarsDataPortal",
        "get_history_window",
        before="history_window",
    ),
    *_hot(
        Category.DATA_ACCESS,
        "data.polars.data_portal:PolarsDataPortal",
        "get_spot_value",
        before="spot_value",
    ),
    *_spans(
        Category.DATA_ACCESS,
        "data.polars.data_portal:PolarsDataPortal.async_get_history_window",
        before="history_window",
    ),
    *_spans(
        Category.DATA_ACCESS,
        "data.polars.data_portal:PolarsDataPortal.async_get_spot_value",
        before="spot_value",
    ),
)

_BOOKS = (
    *_hot(
        Category.METRICS,
        "finance.ledger:Ledger",
        "start_of_session",
        "end_of_bar",
        "end_of_session",
        "sync_last_sale_prices",
        "process_transaction",
        "process_order",
        "process_commission",
    ),
    *_hot(
        Category.METRICS,
        "finance.metrics.tracker:MetricsTracker",
        "handle_market_open",
        "handle_market_close",
        "handle_minute_close",
        "handle_simulation_end",
    ),
)

_ORDERS = (
    *_hot(
        Category.ORDERS,
        "finance.blotter.simulation_blotter:SimulationBlotter",
        "order",
        "cancel",
        "get_transactions",
        "process_splits",
        "prune_orders",
    ),
    *_hot(
        Category.ORDERS,
        "algorithm:TradingAlgorithm",
        "order",
        "order_value",
        "order_percent",
        "order_target",
        "order_target_value",
        "order_target_percent",
        "batch_market_order",
        "cancel_order",
    ),
)

_SEARCH = tuple(
    row
    for owner in (
        "optimization.search.grid_search:GridSearchAlgorithm",
        "optimization.search.random_search:RandomSearchAlgorithm",
        "optimization.search.bayesian_search:BayesianOptimizer",
        "optimization.search.genetic_algorithm:GeneticAlgorithm",
    )
    for row in _hot(Category.SEARCH, owner, "suggest", "update")
)

_OPTIMIZATION = (
    TracedMethod(
        "rustybt.optimization.optimizer:Optimizer.optimize",
        Kind.SPAN,
        Category.COORDINATION,
        before="search",
    ),
    TracedMethod(
        "rustybt.optimization.optimizer:Optimizer._evaluate_params",
        Kind.SPAN,
        Category.USER,
        name="Optimizer.evaluate",
        before="trial",
        after="trial_result",
        measures_cpu=True,
        is_trial=True,
    ),
    TracedMethod(
        "rustybt.optimization.parallel_optimizer:ParallelOptimizer.run",
        Kind.SPAN,
        Category.COORDINATION,
        before="parallel_search",
        carries_objective=True,
    ),
    TracedMethod(
        "rustybt.optimization.parallel_optimizer:ParallelOptimizer._process_result",
        Kind.HOT,
        Category.COORDINATION,
        name="ParallelOptimizer.process_result",
    ),
    TracedMethod(
        "rustybt.optimization.walk_forward:WalkForwardOptimizer.run",
        Kind.SPAN,
        Category.COORDINATION,
    ),
    TracedMethod(
        "rustybt.optimization.walk_forward:WalkForwardOptimizer._process_window",
        Kind.SPAN,
        Category.COORDINATION,
        name="WalkForwardOptimizer.process_window",
        before="window",
    ),
)

TRACED_METHODS: Final[tuple[TracedMethod, ...]] = (
    *_BACKTEST,
    *_STORAGE,
    *_PORTALS,
    *_BOOKS,
    *_ORDERS,
    *_SEARCH,
    *_OPTIMIZATION,
)


def extractor(name: str) -> Callable[..., dict[str, object]] | None:
    """An extractor by its name in the table."""
    if not name:
        return None
    from rbtrace.recording.engines import extractors  # noqa: PLC0415 - not before rustybt is used

    extractor: Callable[..., dict[str, object]] = getattr(extractors, name)
    return extractor
