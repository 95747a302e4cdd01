"""Pure-Python implementations that are plain enough to be checked by reading.

A faster one is tested against them with `rbtrace.evaluation.assert_equivalent`; they themselves are
tested against pandas, numpy, statistics and decimal. `BASELINES` has them all by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rbtrace.evaluation.baselines import averages, data, decimals, indicators, rolling

_MODULES: Final = (averages, data, decimals, indicators, rolling)

BASELINES: Final[dict[str, Callable[..., Any]]] = {
    name: function
    for module in _MODULES
    for name, function in vars(module).items()
    if callable(function)
    and not name.startswith("_")
    and not isinstance(function, type)
    and function.__module__ == module.__name__
}
"""Name → baseline."""
