"""The prices are the real ones, as the packages ship them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rbtrace.errors import InputError, MissingExtraError
from rbtrace.studies.workloads import market_data

pytest.importorskip("rustybt", reason="needs the extra demo", exc_type=ImportError)


@pytest.mark.parametrize("name", market_data.PRICE_FILES)
def test_daily_prices_are_complete_and_consistent(name):
    prices = market_data.daily_prices(name)

    assert list(prices.columns) == ["open", "high", "low", "close", "volume"]
    assert set(map(str, prices.dtypes)) == {"float64"}
    assert prices.index.tz is None
    assert prices.index.is_monotonic_increasing
    assert prices.index.is_unique
    assert not prices.isna().to_numpy().any()
    assert (prices["low"] <= prices[["open", "close"]].min(axis="columns") + 1e-9).all()
    assert (prices["high"] >= prices[["open", "close"]].max(axis="columns") - 1e-9).all()


@pytest.mark.parametrize("name", market_data.PRICE_FILES)
def test_every_figure_fits_into_the_engines_unsigned_32_bit_columns(name):
    prices = market_data.daily_prices(name)

    assert prices["volume"].max() < 2**32
    assert prices["high"].max() * 1000 < 2**32


def test_goog_begins_with_its_first_day_of_trading():
    first = market_data.daily_prices("GOOG").iloc[0]

    assert first.name.date().isoformat() == "2004-08-19"
    assert first["close"] == 100.34


def test_the_ten_assets_are_real_years_on_one_calendar():
    assets = market_data.ten_assets()

    assert len(assets) == 10
    calendar = assets["GOOG-2005"].index
    assert len(calendar) == market_data.WARM_UP_SESSIONS + market_data.YEAR_SESSIONS
    for label, prices in assets.items():
        name, _, year = label.partition("-")
        original = market_data.daily_prices(name)
        first = original.index.searchsorted(f"{year}-01-01")
        assert prices.index.equals(calendar)
        assert prices["close"].iloc[market_data.WARM_UP_SESSIONS] == original["close"].iloc[first]


@pytest.mark.parametrize("number", [5, 500])
def test_any_number_of_assets_are_different_real_years_on_one_calendar(number):
    assets = market_data.many_assets(number)

    assert len(assets) == number
    calendar = market_data.ten_assets()["GOOG-2005"].index
    assert len({tuple(prices["close"]) for prices in assets.values()}) == number
    for label, prices in list(assets.items())[-3:]:
        name, _, first = label.partition("+")
        original = market_data.daily_prices(name)["close"].to_numpy()
        assert prices.index.equals(calendar)
        assert list(prices["close"]) == list(original[int(first) :][: len(calendar)])


def test_no_asset_repeats_another():
    closes = {tuple(prices["close"]) for prices in market_data.ten_assets().values()}

    assert len(closes) == 10


def test_reading_prices_does_not_import_the_packages_that_ship_them():
    program = (
        "import sys; from rbtrace.studies.workloads import market_data; market_data.ten_assets();"
        "sys.exit(any(name in sys.modules for name in ('backtesting', 'arch', 'bokeh')))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_unknown_prices_are_named():
    with pytest.raises(InputError, match="no prices are called 'TULIPS'; there are GOOG"):
        market_data.daily_prices("TULIPS")


def test_a_missing_package_names_the_extra(monkeypatch):
    missing = market_data.PriceFile("no_such_package_of_prices", "x.csv")
    monkeypatch.setitem(market_data.PRICE_FILES, "GOOG", missing)

    with pytest.raises(MissingExtraError, match=r"pip install 'rbtrace\[demo\]'"):
        market_data.daily_prices("GOOG")


def test_a_file_that_is_no_longer_shipped_is_named(monkeypatch):
    moved = market_data.PriceFile("pandas", "no/such/file.csv")
    monkeypatch.setitem(market_data.PRICE_FILES, "GOOG", moved)

    with pytest.raises(InputError, match=r"'pandas' does not ship no/such/file\.csv"):
        market_data.daily_prices("GOOG")
