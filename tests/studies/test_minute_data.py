"""The minute bars are the real hourly ones, on the minutes of the exchange."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from rbtrace.studies.workloads import market_data

pytest.importorskip("rustybt", reason="needs the extra demo", exc_type=ImportError)


def test_the_minutes_are_those_of_the_exchange():
    from rustybt.utils.calendar_utils import get_calendar

    days = market_data.trading_sessions()
    calendar = get_calendar("NYSE")

    expected = calendar.sessions_minutes(days[0], days[-1])

    assert market_data.trading_minutes().tolist() == expected.tolist()
    assert len(expected) == market_data.MINUTE_SESSIONS * market_data.SESSION_MINUTES


def test_every_asset_is_a_stretch_of_the_hourly_series_with_its_times_moved():
    hours, assets = market_data.hourly_prices(), market_data.minute_assets()

    assert len(assets) == market_data.MINUTE_ASSETS
    for symbol, bars in assets.items():
        first = int(symbol.partition("+")[2])
        original = hours.iloc[first : first + len(bars)]
        assert (bars.to_numpy() == original.to_numpy()).all()
    # 1.0716 dollars for a euro.
    assert assets["EURUSD+0"]["open"].iloc[0] == 1071.6


def test_a_session_is_the_sum_of_its_minutes():
    minutes = next(iter(market_data.minute_assets().values()))
    first = minutes.iloc[: market_data.SESSION_MINUTES]

    day = market_data.by_session(minutes).iloc[0]

    assert day.name.date().isoformat() == market_data.trading_sessions()[0]
    assert (day["open"], day["close"]) == (first["open"].iloc[0], first["close"].iloc[-1])
    assert (day["high"], day["low"]) == (first["high"].max(), first["low"].min())
    assert day["volume"] == first["volume"].sum()


READ = """
import json, sys
from pathlib import Path
from rbtrace.studies.workloads import engine, market_data
engine.prepare(Path(sys.argv[1]), "rbtrace-minute")
from rustybt.data import bundles
loaded, minutes = bundles.load("rbtrace-minute"), market_data.trading_minutes()
day = minutes[-1].tz_localize(None)
(asset,) = loaded.asset_finder.lookup_symbols(["EURUSD+0"], day)
read = loaded.equity_minute_bar_reader.load_raw_arrays
found = read(["close", "volume"], minutes[0], minutes[-1], [asset.sid])
print(json.dumps([column[:, 0].tolist() for column in found]))
"""


@pytest.mark.engine
@pytest.mark.slow
def test_the_engine_gives_back_the_minute_bars_that_were_put_in(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", READ, str(tmp_path)]
    read = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)

    assert read.returncode == 0, read.stderr
    closes, volumes = json.loads(read.stdout)
    put_in = market_data.minute_assets()["EURUSD+0"]
    assert closes == pytest.approx(put_in["close"].tolist(), abs=1e-6)
    assert volumes == put_in["volume"].tolist()
