"""p-values of many questions asked at once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rbtrace.statistics.samples import Floats, probability


def holm(p: Iterable[float]) -> list[float]:
    """Adjusted p-values that bound the chance of one false alarm among all questions.

    Verdicts over many operations use these.

    Args:
        p: raw p-values, in any order.

    Returns:
        Adjusted p-values in the order given.

    Raises:
        InvalidParameterError: a p-value is not from 0 to 1.

    Source:
        S. Holm, Scandinavian Journal of Statistics 6 (1979) 65–70.
    """
    raw, order = _ascending(p)
    remaining = raw.size - np.arange(raw.size)
    stepped = np.maximum.accumulate(raw[order] * remaining)
    return _in_place(stepped, order)


def benjamini_hochberg(p: Iterable[float]) -> list[float]:
    """Adjusted p-values that bound the expected fraction of false alarms among the alarms.

    For looking around, where a few false leads cost little; never for a verdict.

    Args:
        p: raw p-values, in any order.

    Returns:
        Adjusted p-values in the order given.

    Raises:
        InvalidParameterError: a p-value is not from 0 to 1.

    Source:
        Y. Benjamini, Y. Hochberg, Journal of the Royal Statistical Society B 57 (1995) 289–300.
    """
    raw, order = _ascending(p)
    scaled = raw[order] * raw.size / np.arange(1, raw.size + 1)
    stepped = np.minimum.accumulate(scaled[::-1])[::-1]
    return _in_place(stepped, order)


def _ascending(p: Iterable[float]) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    raw = np.array([probability(value, f"p-value {n}") for n, value in enumerate(p, 1)], float)
    return raw, np.argsort(raw, kind="stable")


def _in_place(stepped: Floats, order: np.ndarray[tuple[int], np.dtype[np.intp]]) -> list[float]:
    adjusted = np.empty_like(stepped)
    adjusted[order] = np.minimum(stepped, 1)
    return [float(value) for value in adjusted]
