"""Minute bars for the engine, made of real hourly ones.

The packages of the extra `demo` ship no minute bars; the finest series is hourly. Its bars are laid
onto the minutes of a trading calendar, one on each, in their order. Only their times are moved: no
price is made up, none is repeated within an asset. What the engine does with a bar does not depend
on how long the bar took; how far prices move within a session does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rbtrace.studies.workloads.market_data import PriceFile, daily_prices, locate

if TYPE_CHECKING:
    import pandas as pd

MINUTE_ASSETS: Final = 10
MINUTE_SESSIONS: Final = 6
SESSION_MINUTES: Final = 390
_FIRST_SESSION: Final = "2017-05-01"
"""None of the sessions from here on closes early."""
_LOT: Final = 1000
"""Euros in one share: the engine's bcolz files keep three decimals, a rate has five."""
_HOURLY: Final = PriceFile("backtesting", "test/EURUSD.csv")
_COLUMNS: Final = ["open", "high", "low", "close", "volume"]


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
    found: pd.DataFrame = minutes.groupby(days).agg(how)
    return found
