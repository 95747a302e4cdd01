"""Numbers as people read them: durations with a fitting unit, percentages that add up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_UNITS: Final = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"))
_SIZES: Final = ((30, "GiB"), (20, "MiB"), (10, "KiB"))
_NOTHING: Final = "–"
DECIMALS: Final = 2


def duration(ns: float | None) -> str:
    """A duration with a unit and about four significant digits: `1.234 s`, `56.7 µs`."""
    if ns is None:
        return _NOTHING
    if abs(ns) >= 600e9:
        minutes, seconds = divmod(round(ns / 1e9), 60)
        return f"{minutes:,} min {seconds:02} s"
    for size, unit in _UNITS:
        if abs(ns) >= size:
            value = ns / size
            decimals = 3 if value < 10 else 2 if value < 100 else 1
            return f"{value:.{decimals}f} {unit}"
    return f"{ns:.0f} ns"


def size(number: float | None) -> str:
    """An amount of memory: `12.3 MiB`."""
    if number is None:
        return _NOTHING
    for power, unit in _SIZES:
        if abs(number) >= 1 << power:
            return f"{number / (1 << power):.1f} {unit}"
    return f"{number:.0f} B"


def count(number: int | None) -> str:
    """A whole number with separated thousands."""
    return _NOTHING if number is None else f"{number:,}"


def ratio(number: float | None, unit: str = "", decimals: int = 2) -> str:
    """A ratio with so many decimals."""
    return _NOTHING if number is None else f"{number:.{decimals}f}{unit}"


def percent(fraction: float | None) -> str:
    """One percentage that is not part of a sum."""
    return _NOTHING if fraction is None else f"{fraction * 100:.1f} %"


def interval(fractions: tuple[float, float] | None) -> str:
    """An interval of percentages."""
    if fractions is None:
        return _NOTHING
    low, high = fractions
    return f"{low * 100:.1f} … {high * 100:.1f} %"


def percentages(parts: Sequence[int], decimals: int = DECIMALS) -> list[str]:
    """Percentages of the parts of a whole that add to exactly 100 as they are shown.

    Each is rounded down; what is missing goes, one unit of the last decimal each, to those with
    the largest remainders. Where the parts sum to nothing each is a dash.
    """
    whole = sum(parts)
    if whole <= 0:
        return [_NOTHING] * len(parts)
    units = 100 * 10**decimals
    divided = [divmod(part * units, whole) for part in parts]
    left = units - sum(quotient for quotient, _ in divided)
    by_remainder = sorted(range(len(parts)), key=lambda index: -divided[index][1])
    rounded_up = set(by_remainder[:left])
    return [
        f"{(quotient + (index in rounded_up)) / 10**decimals:.{decimals}f} %"
        for index, (quotient, _) in enumerate(divided)
    ]


def printable(text: str) -> str:
    """A text from a trace without control signs, which could steer a terminal or a renderer."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
