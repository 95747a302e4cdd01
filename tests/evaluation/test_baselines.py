"""Every baseline against a library that computes the same."""

from __future__ import annotations

import decimal
import math
import statistics
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from rbtrace.evaluation import InvalidFieldError, Tolerance, assert_equivalent
from rbtrace.evaluation.baselines import BASELINES, averages, data, decimals, indicators, rolling
from rbtrace.evaluation.baselines.data import Bars

CLOSE = Tolerance(relative=1e-9, absolute=1e-8, same_type=False)
EXAMPLES = 300

prices = st.lists(st.integers(100, 20000).map(lambda cents: cents / 100), max_size=40)
lengths = st.integers(1, 8)
series = st.tuples(prices, lengths)


@st.composite
def bars(draw):
    """High, low, close and volume of some bars."""
    rows = draw(
        st.lists(st.tuples(*[st.integers(100, 20000)] * 3, st.integers(0, 999)), max_size=40)
    )
    ordered = [(*sorted(row[:3]), row[3]) for row in rows]
    columns = [[row[n] / 100 for row in ordered] for n in range(3)]
    return columns[2], columns[0], columns[1], [float(row[3]) for row in ordered]


ohlc = bars().map(lambda found: found[:3])
ohlc_and_length = st.tuples(ohlc, lengths).map(lambda found: (*found[0], found[1]))


def s(values):
    return pd.Series(values, dtype=float)


def pandas_rsi(values, length):
    change = s(values).diff()
    rise, fall = (
        side.iloc[1:].ewm(alpha=1 / length, adjust=False).mean().reindex(change.index)
        for side in (change.clip(lower=0), -change.clip(upper=0))
    )
    found = (100 * rise / (rise + fall)).where(rise + fall > 0, 50.0)
    found.iloc[:length] = math.nan
    return found


def pandas_true_range(high, low, close):
    before = s(close).shift()
    return pd.concat(
        [s(high) - s(low), (s(high) - before).abs(), (s(low) - before).abs()], axis=1
    ).max(axis=1)


def pandas_atr(high, low, close, length):
    return (
        pandas_true_range(high, low, close)
        .ewm(alpha=1 / length, adjust=False, min_periods=length)
        .mean()
    )


def pandas_stochastic(high, low, close, length):
    bottom, top = s(low).rolling(length).min(), s(high).rolling(length).max()
    k = 100 * (s(close) - bottom) / (top - bottom)
    return k.where(top > bottom), k.where(top > bottom).rolling(3).mean()


def pandas_cci(high, low, close, length):
    typical = (s(high) + s(low) + s(close)) / 3
    mad = typical.rolling(length).apply(lambda part: np.abs(part - part.mean()).mean(), raw=True)
    return ((typical - typical.rolling(length).mean()) / (0.015 * mad)).where(mad > 1e-9)


def flat_is_missing(function):
    """The baseline, where a deviation of rounding alone counts as none, as in `pandas_cci`."""

    def wrapped(high, low, close, length):
        typical = [sum(bar) / 3 for bar in zip(high, low, close, strict=True)]
        spread = rolling.rolling(typical, length, lambda part: max(part) - min(part))
        found = function(high, low, close, length)
        return [
            math.nan if not range_ > 1e-9 else value
            for value, range_ in zip(found, spread, strict=True)
        ]

    return wrapped


def pandas_bands(values, length):
    middle = s(values).rolling(length).mean()
    # pandas updates its window's variance and keeps rounding; numpy looks at each window anew.
    spread = s(values).rolling(length).apply(np.std, raw=True)
    return middle - 2 * spread, middle, middle + 2 * spread


def pandas_macd(values):
    fast, slow = (s(values).ewm(span=span, adjust=False).mean() for span in (12, 26))
    signal = (fast - slow).ewm(span=9, adjust=False).mean()
    return fast - slow, signal, fast - slow - signal


def pandas_dema(values, length):
    once = s(values).ewm(span=length, adjust=False).mean()
    return 2 * once - once.ewm(span=length, adjust=False).mean()


def pandas_vwap(price, volume):
    traded = s(volume).cumsum()
    return ((s(price) * s(volume)).cumsum() / traded).where(traded > 0)


def numpy_wma(values, length):
    weights = np.arange(1, length + 1)
    return s(values).rolling(length).apply(lambda part: np.average(part, weights=weights), raw=True)


with_two = st.tuples(
    st.lists(st.tuples(*[st.floats(-99, 99).map(lambda x: round(x, 2))] * 2), max_size=25),
    st.integers(3, 6),
).map(lambda found: ([a for a, _ in found[0]], [b for _, b in found[0]], found[1]))
two_or_more = st.lists(
    st.integers(-9999, 9999).map(lambda n: n / 100), min_size=2, max_size=30, unique=True
)

LIBRARY = {
    "sma": (averages.sma, lambda x, n: s(x).rolling(n).mean(), series),
    "wma": (averages.wma, numpy_wma, series),
    "ema": (averages.ema, lambda x, n: s(x).ewm(span=n, adjust=False).mean(), series),
    "wilder": (averages.wilder, lambda x, n: s(x).ewm(alpha=1 / n, adjust=False).mean(), series),
    "smoothed": (
        averages.smoothed,
        lambda x, a: s(x).ewm(alpha=a, adjust=False).mean(),
        st.tuples(prices, st.floats(0.01, 1)),
    ),
    "rolling": (
        lambda x, n: rolling.rolling(x, n, max),
        lambda x, n: s(x).rolling(n).max(),
        series,
    ),
    "rolling_sum": (rolling.rolling_sum, lambda x, n: s(x).rolling(n).sum(), series),
    "rolling_min": (rolling.rolling_min, lambda x, n: s(x).rolling(n).min(), series),
    "rolling_max": (rolling.rolling_max, lambda x, n: s(x).rolling(n).max(), series),
    "rolling_median": (rolling.rolling_median, lambda x, n: s(x).rolling(n).median(), series),
    "rolling_std": (
        rolling.rolling_std,
        lambda x, n: s(x).rolling(n).apply(lambda part: np.std(part, ddof=1), raw=True),
        st.tuples(prices, st.integers(2, 8)),
    ),
    "mean": (rolling.mean, np.mean, st.tuples(two_or_more)),
    "standard_deviation": (
        rolling.standard_deviation,
        lambda x: np.std(x, ddof=1),
        st.tuples(two_or_more),
    ),
    "correlation": (
        lambda x: rolling.correlation(x, sorted(x)),
        lambda x: np.corrcoef(x, sorted(x))[0, 1],
        st.tuples(two_or_more),
    ),
    "momentum": (indicators.momentum, lambda x, n: s(x).diff(n), series),
    "rate_of_change": (indicators.rate_of_change, lambda x, n: 100 * s(x).pct_change(n), series),
    "rsi": (indicators.rsi, pandas_rsi, series),
    "macd": (indicators.macd, pandas_macd, st.tuples(prices)),
    "bollinger": (indicators.bollinger, pandas_bands, series),
    "true_range": (indicators.true_range, pandas_true_range, ohlc),
    "atr": (indicators.atr, pandas_atr, ohlc_and_length),
    "stochastic": (indicators.stochastic, pandas_stochastic, ohlc_and_length),
    "williams_r": (
        indicators.williams_r,
        lambda *columns: pandas_stochastic(*columns)[0] - 100,
        ohlc_and_length,
    ),
    "cci": (flat_is_missing(indicators.cci), pandas_cci, ohlc_and_length),
    "obv": (
        indicators.obv,
        lambda c, v: (np.sign(s(c).diff().fillna(0)) * s(v)).cumsum(),
        bars().map(lambda found: found[2:]),
    ),
    "vwap": (indicators.vwap, pandas_vwap, bars().map(lambda found: found[2:])),
    "dema": (indicators.dema, pandas_dema, series),
    "simple_returns": (data.simple_returns, lambda x: s(x).pct_change(), st.tuples(prices)),
    "log_returns": (data.log_returns, lambda x: np.log(s(x)).diff(), st.tuples(prices)),
    "cumulative_returns": (
        data.cumulative_returns,
        lambda x: (1 + s(x)).cumprod() - 1,
        st.tuples(st.lists(st.floats(-0.5, 0.5), max_size=30)),
    ),
    "drawdown": (data.drawdown, lambda x: s(x) / s(x).cummax() - 1, st.tuples(prices)),
    "forward_fill": (
        data.forward_fill,
        lambda x, n: s(x).ffill(limit=n),
        st.tuples(
            st.lists(st.one_of(st.just(math.nan), st.floats(-9, 9)), max_size=30),
            st.one_of(st.none(), lengths),
        ),
    ),
    "z_scores": (
        data.z_scores,
        lambda x: (s(x) - s(x).mean()) / s(x).std(),
        st.tuples(two_or_more),
    ),
    "ranks": (data.ranks, lambda x: s(x).rank(), st.tuples(prices)),
}


@pytest.mark.parametrize("name", LIBRARY)
def test_baseline_is_what_the_library_computes(name):
    baseline, library, inputs = LIBRARY[name]
    assert_equivalent(baseline, library, inputs, tolerance=CLOSE, examples=EXAMPLES)


@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_rolling_correlation():
    assert_equivalent(
        lambda a, b, n: [round(x, 6) for x in rolling.rolling_correlation(a, b, n)],
        lambda a, b, n: [
            math.nan
            if end < n or not (np.ptp(a[end - n : end]) and np.ptp(b[end - n : end]))
            else round(float(np.corrcoef(a[end - n : end], b[end - n : end])[0, 1]), 6)
            for end in range(1, len(a) + 1)
        ],
        with_two,
        tolerance=Tolerance(absolute=2e-6, same_type=False),
        examples=EXAMPLES,
    )


@st.composite
def ohlcv(draw):
    high, low, close, volume = draw(bars())
    return Bars(close[::-1], high, low, close, volume), draw(lengths)


def pandas_resample(table, length):
    frame = pd.DataFrame(table._asdict(), dtype=float)
    grouped = frame.groupby(np.arange(len(frame)) // length)
    found = grouped.agg(
        {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    )
    return tuple(found[column].tolist() for column in table._fields)


def test_resample():
    assert_equivalent(data.resample, pandas_resample, ohlcv(), tolerance=CLOSE, examples=EXAMPLES)


def pandas_as_of(times, known, values):
    if not known:
        return [math.nan] * len(times)
    left = pd.DataFrame({"t": pd.Series(times, dtype="int64")}).sort_values("t", kind="stable")
    right = pd.DataFrame({"t": known, "value": values})
    return pd.merge_asof(left.reset_index(), right, on="t").sort_values("index")["value"]


def test_as_of():
    known = st.lists(st.integers(0, 50), max_size=20).map(sorted)
    inputs = st.tuples(st.lists(st.integers(0, 50), max_size=20), known).map(
        lambda found: (*found, [float(n) for n in range(len(found[1]))])
    )
    assert_equivalent(data.as_of, pandas_as_of, inputs, tolerance=CLOSE, examples=EXAMPLES)


amount = st.decimals(-(10**9), 10**9, places=6, allow_nan=False)
amounts = st.lists(amount, min_size=2, max_size=20)
EXACT_CONTEXT = decimal.Context(prec=200)
ROUNDED = decimal.Context(prec=decimals.DIGITS, rounding=decimal.ROUND_HALF_EVEN)


def exactly(function):
    """Compute with 200 digits, round once."""

    def wrapped(*arguments):
        with decimal.localcontext(EXACT_CONTEXT):
            return ROUNDED.plus(function(*arguments))

    return wrapped


DECIMALS = {
    "total": (decimals.total, sum, st.tuples(amounts)),
    "average": (decimals.average, statistics.mean, st.tuples(amounts)),
    "variance": (decimals.variance, statistics.variance, st.tuples(amounts)),
    "weighted_average": (
        decimals.weighted_average,
        lambda x, w: np.average(np.array(x), weights=np.array(w)),
        st.lists(st.tuples(amount, st.decimals(1, 99, places=2)), min_size=1, max_size=9).map(
            lambda rows: tuple(map(list, zip(*rows, strict=True)))
        ),
    ),
    "portfolio_value": (
        decimals.portfolio_value,
        lambda cash, n, p: cash + np.dot(np.array(n), np.array(p)),
        st.tuples(amount, st.lists(st.tuples(amount, amount), min_size=1, max_size=9)).map(
            lambda found: (found[0], *map(list, zip(*found[1], strict=True)))
        ),
    ),
    "percent_change": (
        decimals.percent_change,
        lambda before, after: (after - before) * 100 / before,
        st.tuples(amount.filter(bool), amount),
    ),
    "compounded": (
        decimals.compounded,
        lambda x: math.prod([1 + each for each in x]) - 1,
        st.tuples(st.lists(st.decimals(-1, 2, places=4), max_size=12)),
    ),
    "commission": (
        decimals.commission,
        lambda n, rate, least: max(abs(n) * rate, least) if n else Decimal(0),
        st.tuples(amount, *[st.decimals(0, 10, places=4)] * 2),
    ),
    "profit": (
        decimals.profit,
        lambda n, before, after, costs: n * (after - before) - costs,
        st.tuples(amount, amount, amount, amount),
    ),
}


@pytest.mark.parametrize("name", DECIMALS)
def test_decimal_baseline_is_what_decimal_computes(name):
    baseline, library, inputs = DECIMALS[name]
    assert_equivalent(baseline, exactly(library), inputs, examples=EXAMPLES)


def test_round_to_tick():
    inputs = st.tuples(amount, st.integers(0, 6).map(lambda places: Decimal(1).scaleb(-places)))
    assert_equivalent(
        decimals.round_to_tick,
        lambda price, tick: price.quantize(tick, rounding=decimal.ROUND_HALF_EVEN),
        inputs,
        examples=EXAMPLES,
    )
    assert decimals.round_to_tick(Decimal("10.13"), Decimal("0.25")) == Decimal("10.25")
    assert str(decimals.round_to_tick(Decimal("10.1"), Decimal("0.05"))) == "10.10"


def test_money_does_not_depend_on_the_context_of_the_caller():
    values = [Decimal("0.1234567"), Decimal("9876543.21")]
    expected = decimals.total(values)
    with decimal.localcontext(prec=3):
        assert decimals.total(values) == expected


def test_every_baseline_is_tested_against_a_library():
    others = {"rolling_correlation", "resample", "as_of", "round_to_tick"}
    assert set(BASELINES) == {*LIBRARY, *DECIMALS, *others}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: averages.sma([1.0], 0), "a window must be at least 1 long, not 0"),
        (lambda: averages.ema([1.0], 1.5), "not 1.5"),
        (lambda: rolling.rolling_std([1.0], 1), "at least 2 long"),
        (lambda: rolling.rolling_correlation([1.0], [1.0, 2], 2), "equally long"),
        (lambda: indicators.atr([1.0], [1.0, 2], [1.0]), r"equally long, not \[1, 2, 1\]"),
        (lambda: data.resample(Bars([1.0], [], [], [], []), 1), "equally long"),
        (lambda: data.as_of([1], [2, 1], [0.0, 0]), "must be ascending"),
        (lambda: data.z_scores([1.0]), "two values"),
        (lambda: data.forward_fill([1.0], 0), "at least 1"),
        (lambda: decimals.average([]), "no amounts"),
        (lambda: decimals.variance([Decimal(1)]), "two amounts"),
        (lambda: decimals.weighted_average([Decimal(1)], [Decimal(0)]), "sum to 0"),
        (lambda: decimals.percent_change(Decimal(0), Decimal(1)), "no percentage of 0"),
        (lambda: decimals.round_to_tick(Decimal(1), Decimal(0)), "a tick must be above 0"),
    ],
)
def test_input_that_makes_no_sense(call, message):
    with pytest.raises(InvalidFieldError, match=message):
        call()
