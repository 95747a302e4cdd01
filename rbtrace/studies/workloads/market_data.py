"""Real market prices, shipped inside the packages of the extra `demo`.

The files are found and read without importing the packages that hold them: importing
`backtesting` would load a plotting library. Every frame has float columns `open`, `high`, `low`,
`close`, `volume` and a timezone-naive index of sessions, which is what rustybt's writers expect.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rbtrace.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd


_COLUMNS: Final = ["open", "high", "low", "close", "volume"]


@dataclass(frozen=True, slots=True)
class PriceFile:
    """Where a package keeps one price series.

    Attributes:
        package: the distribution's top-level package.
        path: the file, relative to the package.
        volume_unit: shares in one unit of our volume column. rustybt's bcolz files hold unsigned
            32-bit numbers, and the volume of an index in shares does not fit.
    """

    package: str
    path: str
    volume_unit: int = 1


PRICE_FILES: Final = {
    "GOOG": PriceFile("backtesting", "test/GOOG.csv"),
    "SP500": PriceFile("arch", "data/sp500/sp500.csv.gz", volume_unit=1000),
    "NASDAQ": PriceFile("arch", "data/nasdaq/nasdaq.csv.gz", volume_unit=1000),
}

TEN_ASSETS: Final = (
    ("GOOG", 2005),
    ("GOOG", 2006),
    ("GOOG", 2007),
    ("GOOG", 2008),
    ("GOOG", 2009),
    ("GOOG", 2010),
    ("SP500", 2003),
    ("SP500", 2008),
    ("NASDAQ", 2003),
    ("NASDAQ", 2008),
)
"""Series and first year of the stretches that become the ten assets."""

TEN_ASSETS_YEAR: Final = 2010
"""Year of the calendar the ten stretches are laid onto."""

WARM_UP_SESSIONS: Final = 20
"""Sessions of a stretch before its year, so that a strategy can look back on its first day."""

YEAR_SESSIONS: Final = 251
"""Sessions of a stretch from the first of its year on."""


def daily_prices(name: str) -> pd.DataFrame:
    """The whole of one daily series.

    Args:
        name: a key of `PRICE_FILES`.

    Raises:
        MissingExtraError: the package that ships the prices is not installed.
        InputError: there is no such series, or the package no longer ships its file.
    """
    import pandas as pd  # noqa: PLC0415 - heavy

    if name not in PRICE_FILES:
        raise InputError(f"no prices are called {name!r}; there are {', '.join(PRICE_FILES)}")
    source = PRICE_FILES[name]
    frame = pd.read_csv(locate(source), index_col=0, parse_dates=True)
    frame = frame.rename(columns=str.lower)[_COLUMNS].astype(float)
    frame["volume"] = (frame["volume"] / source.volume_unit).round()
    frame.index.name = "session"
    return frame


def ten_assets() -> dict[str, pd.DataFrame]:
    """Ten real one-year stretches on one calendar, as ten assets that trade side by side.

    `GOOG-2005` holds the prices from the first session of 2005 on, after some of 2004. Only the
    dates are moved: no price is made up.
    """
    sessions = _stretch(daily_prices("SP500"), TEN_ASSETS_YEAR).index
    return {
        f"{name}-{year}": _stretch(daily_prices(name), year).set_axis(sessions, axis="index")
        for name, year in TEN_ASSETS
    }


def many_assets(number: int) -> dict[str, pd.DataFrame]:
    """Any number of real one-year stretches on one calendar, as in `ten_assets`.

    The stretches of one series overlap: they begin some sessions after each other, as evenly as
    the series allows. `GOOG+40` begins at its session 40.
    """
    sessions = _stretch(daily_prices("SP500"), TEN_ASSETS_YEAR).index
    series = {name: daily_prices(name) for name in PRICE_FILES}
    assets = {}
    for position in range(number):
        name = list(series)[position % len(series)]
        room = len(series[name]) - len(sessions)
        first = position // len(series) * room // max(1, -(-number // len(series)) - 1)
        prices = series[name].iloc[first : first + len(sessions)]
        assets[f"{name}+{first}"] = prices.set_axis(sessions, axis="index")
    return assets


def _stretch(prices: pd.DataFrame, year: int) -> pd.DataFrame:
    first = int(prices.index.searchsorted(f"{year}-01-01"))
    return prices.iloc[first - WARM_UP_SESSIONS : first + YEAR_SESSIONS]


def locate(source: PriceFile) -> Path:
    """Where the file of a series is.

    Raises:
        MissingExtraError: the package that ships it is not installed.
        InputError: the package no longer ships it.
    """
    spec = importlib.util.find_spec(source.package)
    if spec is None or spec.origin is None:
        raise MissingExtraError("demo", "the demo")
    path = Path(spec.origin).parent / source.path
    if not path.is_file():
        raise InputError(
            f"the installed package {source.package!r} does not ship {source.path}: "
            "reinstall the extra with pip install --force-reinstall 'rbtrace[demo]'"
        )
    return path


MINUTE_ASSETS: Final = 10
MINUTE_SESSIONS: Final = 6
SESSION_MINUTES: Final = 390
_FIRST_SESSION: Final = "2017-05-01"
"""None of the sessions from here on closes early."""
_LOT: Final = 1000
"""Euros in one share: the engine's bcolz files keep three decimals, a rate has five."""
_HOURLY: Final = PriceFile("backtesting", "test/EURUSD.csv")


def hourly_prices() -> pd.DataFrame:
    """EUR/USD by the hour, dollars for 1,000 euros, as long as the package ships it."""
    import pandas as pd  # noqa: PLC0415 - heavy

    frame = pd.read_csv(locate(_HOURLY), index_col=0, parse_dates=True)
    frame = frame.rename(columns=str.lower)[_COLUMNS].astype(float)
    prices = _COLUMNS[:-1]
    frame[prices] = (frame[prices] * _LOT).round(3)
    return frame


def minute_assets() -> dict[str, pd.DataFrame]:
    """Ten stretches of the hourly series, one bar for each minute of six sessions, UTC.

    They overlap: they begin some hours after each other, as evenly as the series allows.
    `EURUSD+40` begins with its hour 40.
    """
    hours, minutes = hourly_prices(), trading_minutes()
    apart = (len(hours) - len(minutes)) // (MINUTE_ASSETS - 1)
    return {
        f"EURUSD+{first}": hours.iloc[first : first + len(minutes)].set_axis(minutes, axis="index")
        for first in range(0, MINUTE_ASSETS * apart, apart)
    }


def trading_sessions() -> list[str]:
    """The sessions of the minute bars, ISO dates; the first is there to look back to."""
    days = daily_prices("SP500").loc[_FIRST_SESSION:].index[:MINUTE_SESSIONS]
    return [day.date().isoformat() for day in days]


def trading_minutes() -> pd.DatetimeIndex:
    """The minutes in which New York trades in these sessions, each named by its end, UTC."""
    import pandas as pd  # noqa: PLC0415 - heavy

    opened = pd.DatetimeIndex([f"{day} 09:31" for day in trading_sessions()])
    passed = pd.to_timedelta(range(SESSION_MINUTES), unit="min")
    local = pd.DatetimeIndex([first + minute for first in opened for minute in passed])
    return local.tz_localize("America/New_York").tz_convert("UTC")


def by_session(minutes: pd.DataFrame) -> pd.DataFrame:
    """Daily bars of minute bars, by session without time zone."""
    import pandas as pd  # noqa: PLC0415 - heavy

    index = pd.DatetimeIndex(minutes.index)
    days = index.tz_convert("America/New_York").tz_localize(None).normalize()
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    sessions: pd.DataFrame = minutes.groupby(days).agg(how)
    return sessions
