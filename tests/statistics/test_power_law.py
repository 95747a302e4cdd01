"""The law of growth: exact where there is no noise, and its interval covers as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbtrace.statistics import InvalidParameterError, InvalidRunsError, fit_power_law

SIZES = np.array([10, 20, 50, 100, 200, 500], float)


@settings(max_examples=1000)
@given(
    a=st.floats(0, 10),
    b=st.floats(0.01, 10),
    c=st.floats(0.3, 2.5),
    unit=st.sampled_from([1e-3, 1.0, 1e9]),
)
def test_a_law_without_noise_is_found_again(a: float, b: float, c: float, unit: float) -> None:
    values = (a + b * SIZES**c) * unit

    law = fit_power_law(SIZES, values)

    assert [law.at(size) for size in SIZES] == pytest.approx(values, rel=1e-5)
    assert law.c_ci[0] <= law.c <= law.c_ci[1]


def test_the_parameters_are_those_it_was_made_with() -> None:
    law = fit_power_law(SIZES, 0.08 + 0.0016 * SIZES**1.2)

    assert (law.a, law.b, law.c) == pytest.approx((0.08, 0.0016, 1.2), rel=1e-4)
    assert law.sizes == (10, 500)
    assert law.is_linear is False


def test_proportional_growth_is_not_called_something_else() -> None:
    noise = np.random.default_rng(7).lognormal(0, 0.03, 30)

    law = fit_power_law(np.repeat(SIZES, 5), (0.1 + 0.002 * np.repeat(SIZES, 5)) * noise)

    assert law.is_linear is None
    assert law.c_ci[0] <= 1 <= law.c_ci[1]
    assert law.spread == pytest.approx(0.03, rel=0.5)


def test_the_interval_holds_the_exponent_nineteen_times_in_twenty() -> None:
    random = np.random.default_rng(11)
    sizes = np.repeat(SIZES, 5)
    truth = 0.1 + 0.002 * sizes**1.1
    times = 400

    held = 0
    for _ in range(times):
        low, high = fit_power_law(sizes, truth * random.lognormal(0, 0.05, sizes.size)).c_ci
        held += low <= 1.1 <= high

    # Four standard errors of a share of 0.95 in so many trials.
    assert held / times == pytest.approx(0.95, abs=4 * (0.95 * 0.05 / times) ** 0.5)


def test_measurements_that_scatter_too_much_determine_nothing() -> None:
    law = fit_power_law([1, 2, 3, 4], [1, 40, 0.5, 3])

    assert not law.is_determined
    assert fit_power_law(SIZES, SIZES).is_determined


@pytest.mark.parametrize(
    ("sizes", "values"),
    [([1, 2, 3], [1, 2, 3]), ([1, 1, 2, 3], [1, 2, 3, 4]), ([1, 2, 3, 4], [1, 2, 3])],
)
def test_too_little_is_refused(sizes: list[float], values: list[float]) -> None:
    with pytest.raises(InvalidRunsError):
        fit_power_law(sizes, values)


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(bad: float) -> None:
    with pytest.raises(InvalidRunsError):
        fit_power_law([1, 2, 3, 4], [1, 2, 3, bad])
    with pytest.raises(InvalidParameterError):
        fit_power_law([1, 2, 3, 4], [1, 2, 3, 4], confidence=bad)
