"""Strategy parameters in traces: names, and a keyed digest that tells equal from different.

A plain hash of a parameter grid is reversed in milliseconds by trying the grid. The key of the
digest is random, the same in all workers of a run, and never exported.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import Any

from rbtrace.conventions import (
    TRIAL_PARAM_VALUES,
    TRIAL_PARAMS,
    TRIAL_PARAMS_HMAC,
    TRIAL_SCORE,
)
from rbtrace.recording.export.values import attributes_of, is_dict, number, text
from rbtrace.recording.recorder import RECORDER


class _Key:
    def __init__(self) -> None:
        self.value = secrets.token_bytes(32)


_key = _Key()


def digest_key() -> bytes:
    """The key of this run, for the pickled objective that carries it to a worker."""
    return _key.value


def use_digest_key(value: bytes) -> None:
    """Use the key of the run this worker belongs to."""
    _key.value = value


def parameter_attributes(parameters: Any) -> dict[str, Any]:
    """Names and digest of parameters; their values only with `RBTRACE_PARAMS=1`.

    There are none of what is not a dict.
    """
    if not is_dict(parameters):
        return {}
    values = {name: text(value) for name, value in attributes_of(parameters).items()}
    names = sorted(values)
    canonical = json.dumps(values, sort_keys=True)
    digest = hmac.new(_key.value, canonical.encode(), hashlib.sha256).hexdigest()
    attributes: dict[str, Any] = {TRIAL_PARAMS: names, TRIAL_PARAMS_HMAC: digest}
    if RECORDER.settings.params:
        attributes[TRIAL_PARAM_VALUES] = canonical
    return attributes


def score_attributes(score: Any) -> dict[str, float]:
    """The score of a trial.

    Raises:
        TypeError: it is not a number of a kind that is known.
    """
    known = number(score)
    if known is None:
        raise TypeError("the score is not a number of a kind that is known")
    return {TRIAL_SCORE: known}
