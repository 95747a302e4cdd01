"""Data bundles of the scenarios: real prices, written through rustybt's own bcolz writers.

`register` + `ingest` with bcolz writers is the one ingestion route of rustybt 0.3.3 that gives
back what was put in. Everything lands in a folder of the caller's choosing.

Unconfigured, rustybt logs every step to standard output; and it uses interfaces of pandas and of
itself that warn. Here only messages that come from the engine's modules are silenced.
"""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rbtrace.errors import MissingExtraError
from rbtrace.studies.workloads.market_data import (
    by_session,
    daily_prices,
    many_assets,
    minute_assets,
    ten_assets,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

DATA_FOLDER_VARIABLE: Final = "ZIPLINE_ROOT"
"""The variable that tells rustybt where everything it keeps goes."""

MANY: Final = (5, 10, 20, 40, 50, 100, 200, 500)
"""Numbers of assets of the bundles that differ in nothing else."""

_EXCHANGE: Final = "NYSE"
_ENGINE_MODULES: Final = r"(rustybt|empyrical|exchange_calendars|bcolz)(\.|$)"
_LOG_LEVEL_ERROR: Final = 40


def quiet_engine_logs() -> None:
    """Let rustybt log errors only, to standard error (unconfigured: everything, to output)."""
    import structlog  # noqa: PLC0415 - comes with the engine

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(_LOG_LEVEL_ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextmanager
def without_engine_warnings() -> Iterator[None]:
    """Ignore Python warnings that code of the engine raises against itself or pandas."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=_ENGINE_MODULES)
        yield


def _goog() -> dict[str, pd.DataFrame]:
    return {"GOOG": daily_prices("GOOG")}


BUNDLES: Final[dict[str, Callable[[], dict[str, pd.DataFrame]]]] = {
    "rbtrace-goog": _goog,
    "rbtrace-ten-assets": ten_assets,
    **{f"rbtrace-{number}-assets": partial(many_assets, number) for number in MANY},
}
"""Bundle name → the prices of its assets, by symbol."""

MINUTE_BUNDLES: Final[dict[str, Callable[[], dict[str, pd.DataFrame]]]] = {
    "rbtrace-minute": minute_assets,
}
"""Bundles that have minute bars, too: the same, with a bar for each minute."""


@dataclass(frozen=True, slots=True)
class _Ingest:
    """The ingest function of one bundle; picklable, so worker processes can register it too."""

    bundle: str

    def __call__(
        self,
        _environ: Any,
        asset_db_writer: Any,
        minute_bar_writer: Any,
        daily_bar_writer: Any,
        adjustment_writer: Any,
        *_others: Any,
    ) -> None:
        if self.bundle in MINUTE_BUNDLES:
            minutes = MINUTE_BUNDLES[self.bundle]()
            minute_bar_writer.write(enumerate(minutes.values()), show_progress=False)
            frames = {symbol: by_session(frame) for symbol, frame in minutes.items()}
        else:
            frames = BUNDLES[self.bundle]()
        daily_bar_writer.write(enumerate(frames.values()), show_progress=False)
        asset_db_writer.write(equities=_equities(frames), exchanges=_exchanges())
        adjustment_writer.write()


def use_data_folder(folder: Path) -> None:
    """Make `folder` the place where rustybt keeps bundles, catalogue and backtest outputs.

    The process environment has to change: whatever `environ` rustybt is given, its catalogue of
    bundles and its backtest outputs go by the environment. Worker processes inherit it.
    """
    try:
        from rustybt.data.bundles.metadata import BundleMetadata  # noqa: PLC0415 - heavy
    except ModuleNotFoundError as problem:
        raise MissingExtraError("demo", "the demo") from problem

    folder = folder.expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[DATA_FOLDER_VARIABLE] = str(folder)
    # The class remembers the folder of its first use for the life of the process, so it has to
    # forget. Its first look-up creates the tables of the catalogue; were that left to worker
    # processes, two of them at once would, and one fail ("table exchanges already exists").
    BundleMetadata.set_db_path(None)
    BundleMetadata.get("")
    BundleMetadata.set_db_path(None)


def ensure_registered(bundle: str) -> None:
    """Register a bundle in this process, unless it already is."""
    from rustybt.data import bundles  # noqa: PLC0415 - heavy

    if bundle not in bundles.bundles:
        bundles.register(bundle, _Ingest(bundle), calendar_name=_EXCHANGE)


def ensure_ingested(bundle: str) -> None:
    """Register a bundle and write its prices into the data folder, unless they are there."""
    from rustybt.data import bundles  # noqa: PLC0415 - heavy

    ensure_registered(bundle)
    kept = Path(os.environ[DATA_FOLDER_VARIABLE], "data", bundle)
    # rustybt makes the folder of an ingestion first and moves the finished files in at the end.
    if not any(kept.glob("*/adjustments.sqlite")):
        with without_engine_warnings():
            bundles.ingest(bundle)


def _equities(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - heavy

    return pd.DataFrame(
        {
            "symbol": list(frames),
            "asset_name": list(frames),
            "start_date": [frame.index[0] for frame in frames.values()],
            "end_date": [frame.index[-1] for frame in frames.values()],
            "exchange": _EXCHANGE,
        }
    )


def _exchanges() -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - heavy

    return pd.DataFrame({"exchange": [_EXCHANGE], "country_code": ["US"]})
