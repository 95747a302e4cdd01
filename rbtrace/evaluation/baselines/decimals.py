"""Decimal arithmetic on money: exact sums and products, each result rounded once.

Sums and products are exact, whatever the precision of the caller's decimal context; what has no
finite decimal form is rounded once, at the end, half to even, to `DIGITS` significant digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final

from rbtrace.evaluation.validation import InvalidFieldError, equally_long

DIGITS: Final = 28

_CONTEXT: Final = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)


def total(amounts: Sequence[Decimal]) -> Decimal:
    """Sum of amounts."""
    return _rounded(_sum(amounts))


def average(amounts: Sequence[Decimal]) -> Decimal:
    """Arithmetic mean.

    Raises:
        InvalidFieldError: there are none.
    """
    if not amounts:
        raise InvalidFieldError("there are no amounts")
    return _rounded(_sum(amounts) / len(amounts))


def weighted_average(amounts: Sequence[Decimal], weights: Sequence[Decimal]) -> Decimal:
    """Mean of amounts in proportion to weights: an average price by size, for one.

    Raises:
        InvalidFieldError: they are not equally many, or the weights sum to 0.
    """
    equally_long(amounts, weights)
    whole = _sum(weights)
    if not whole:
        raise InvalidFieldError("the weights sum to 0")
    return _rounded(_products(amounts, weights) / whole)


def variance(amounts: Sequence[Decimal]) -> Decimal:
    """Sample variance (n − 1).

    Raises:
        InvalidFieldError: there are fewer than two.
    """
    if len(amounts) < 2:
        raise InvalidFieldError("a variance needs two amounts or more")
    centre = _sum(amounts) / len(amounts)
    squares = sum((Fraction(amount) - centre) ** 2 for amount in amounts)
    return _rounded(Fraction(squares) / (len(amounts) - 1))


def portfolio_value(cash: Decimal, shares: Sequence[Decimal], prices: Sequence[Decimal]) -> Decimal:
    """Cash and the worth of all positions.

    Raises:
        InvalidFieldError: there are not as many prices as positions.
    """
    equally_long(shares, prices)
    return _rounded(Fraction(cash) + _products(shares, prices))


def percent_change(before: Decimal, after: Decimal) -> Decimal:
    """Change, per cent of the first amount.

    Raises:
        InvalidFieldError: the first amount is 0.
    """
    if not before:
        raise InvalidFieldError("there is no percentage of 0")
    return _rounded(100 * (Fraction(after) / Fraction(before) - 1))


def compounded(returns: Sequence[Decimal]) -> Decimal:
    """What returns (as fractions) amount to after one another."""
    growth = Fraction(1)
    for change in returns:
        growth *= 1 + Fraction(change)
    return _rounded(growth - 1)


def round_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The nearest multiple of the tick, half to even, with the tick's digits.

    Raises:
        InvalidFieldError: the tick is not above 0.
    """
    if tick <= 0:
        raise InvalidFieldError(f"a tick must be above 0, not {tick}")
    return _CONTEXT.multiply(Decimal(round(Fraction(price) / Fraction(tick))), tick)


def commission(shares: Decimal, per_share: Decimal, minimum: Decimal = Decimal(0)) -> Decimal:
    """Cost of a trade by the share, at least the minimum; of no trade, nothing."""
    if not shares:
        return Decimal(0)
    return max(_rounded(abs(Fraction(shares)) * Fraction(per_share)), minimum)


def profit(shares: Decimal, bought_at: Decimal, sold_at: Decimal, costs: Decimal) -> Decimal:
    """What a closed position earned; shares below 0 were sold first."""
    gain = (Fraction(sold_at) - Fraction(bought_at)) * Fraction(shares) - Fraction(costs)
    return _rounded(gain)


def _sum(amounts: Sequence[Decimal]) -> Fraction:
    return sum(map(Fraction, amounts), Fraction())


def _products(first: Sequence[Decimal], second: Sequence[Decimal]) -> Fraction:
    return sum(
        (Fraction(a) * Fraction(b) for a, b in zip(first, second, strict=True)),
        Fraction(),
    )


def _rounded(exact: Fraction) -> Decimal:
    return _CONTEXT.divide(Decimal(exact.numerator), Decimal(exact.denominator))
