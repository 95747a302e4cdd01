"""Attributes of traced rustybt calls: an allow-list, one small function per kind of call.

A `before` extractor takes the call's own arguments, an `after` extractor the result. None of them
imports rustybt, pandas or numpy, and none takes prices, orders or parameter values; those of a
trial's parameters are recorded only with `RBTRACE_PARAMS=1`. Arguments are the program's: none is
asked for its text, length or items but in the ways of `rbtrace.recording.export.values`.
"""

from __future__ import annotations

import hashlib
from typing import Any

from rbtrace import conventions as key
from rbtrace.recording.export.typenames import name_of
from rbtrace.recording.export.values import size, text
from rbtrace.recording.parameters import parameter_attributes, score_attributes


def run_algorithm(*_: Any, **arguments: Any) -> dict[str, Any]:
    """Bundle and data frequency of a backtest."""
    attributes = {
        key.BUNDLE_NAME: arguments.get("bundle"),
        key.FREQUENCY: arguments.get("data_frequency", "daily"),
    }
    return {name: value for name, value in attributes.items() if value is not None}


def algorithm_run(algorithm: Any, *_: Any, **__: Any) -> dict[str, Any]:
    """Data frequency of a simulation."""
    return {key.FREQUENCY: text(algorithm.sim_params.data_frequency)}


def result_fingerprint(performance: Any) -> dict[str, Any]:
    """A digest of the portfolio values: equal digests, the same computation."""
    values = performance["portfolio_value"].to_numpy(dtype="float64")
    return {key.FINGERPRINT: hashlib.sha256(values.tobytes()).hexdigest()[:32]}


def bundle_load(name: str, *_: Any, **__: Any) -> dict[str, Any]:
    """Name of the bundle."""
    return {key.BUNDLE_NAME: text(name)}


def raw_arrays(
    _reader: Any, fields: Any, _start: Any = None, _end: Any = None, assets: Any = (), **__: Any
) -> dict[str, Any]:
    """Fields and number of assets a reader is asked for."""
    asked = fields if type(fields) is list or type(fields) is tuple else ()
    return {
        key.FIELD: ",".join(text(getattr(field, "name", field)) for field in asked),
        **_count_of(assets),
    }


def _count_of(assets: Any) -> dict[str, int]:
    count = size(assets)
    return {} if count is None else {key.ASSETS_COUNT: count}


def history_window(
    _portal: Any,
    assets: Any,
    _end_dt: Any,
    bar_count: int,
    frequency: str,
    field: str,
    *_: Any,
    **__: Any,
) -> dict[str, Any]:
    """Size of a history window (recorded when every call is a span)."""
    return {
        **_count_of(assets),
        key.BAR_COUNT: bar_count,
        key.FREQUENCY: text(frequency),
        key.FIELD: text(field),
    }


def spot_value(_portal: Any, assets: Any, field: str, *_: Any, **__: Any) -> dict[str, Any]:
    """Field and number of assets of a spot value (recorded when every call is a span)."""
    return {key.ASSETS_COUNT: 1, **_count_of(assets), key.FIELD: text(field)}


def search(optimizer: Any, *_: Any, **__: Any) -> dict[str, Any]:
    """Class of the search algorithm of an `Optimizer`."""
    return {key.SEARCH_ALGORITHM: name_of(type(optimizer.search_algorithm))}


def parallel_search(optimizer: Any, *_: Any, **__: Any) -> dict[str, Any]:
    """Class of the search algorithm and number of workers of a `ParallelOptimizer`."""
    return {
        key.SEARCH_ALGORITHM: name_of(type(optimizer.algorithm)),
        key.WORKERS: optimizer.n_jobs,
    }


def trial(optimizer: Any, params: Any) -> dict[str, Any]:
    """Number and parameters of a trial."""
    return {key.TRIAL_NUMBER: optimizer.current_trial, **parameter_attributes(params)}


def trial_result(result: Any) -> dict[str, Any]:
    """Score of a trial; a failed one scores minus infinity."""
    return score_attributes(result.score)


def window(_optimizer: Any, window_id: int, *_: Any, **__: Any) -> dict[str, Any]:
    """Number of a walk-forward window."""
    return {key.WINDOW_ID: window_id}
