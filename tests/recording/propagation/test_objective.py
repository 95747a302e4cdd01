"""The objective that takes its trace along, and what of its parameters may be seen."""

from __future__ import annotations

import pickle
from decimal import Decimal

import pytest

import rbtrace
from rbtrace import conventions as key
from rbtrace.recording.parameters import parameter_attributes
from rbtrace.recording.propagation.objective import EVALUATE, TracedObjective
from rbtrace.recording.recorder import RECORDER
from rbtrace.testing import capture


def objective(parameters):
    return Decimal(parameters["fast"])


def failing(parameters):
    raise LookupError(parameters)


def test_every_pickle_is_a_trial_below_the_span_it_was_made_in():
    with capture() as captured:
        with rbtrace.span("sweep"):
            carried = TracedObjective(objective)
        arrived = [pickle.loads(pickle.dumps(carried)) for _ in range(3)]
        assert [one({"fast": number}) for number, one in enumerate(arrived)] == [0, 1, 2]
    sweep = captured.one("sweep")
    trials = captured.named(EVALUATE)
    assert [trial.attributes[key.TRIAL_NUMBER] for trial in trials] == [0, 1, 2]
    assert [trial.attributes[key.TRIAL_SCORE] for trial in trials] == [0, 1, 2]
    assert {trial.parent_id for trial in trials} == {sweep.span_id}
    assert {trial.trace_id for trial in trials} == {sweep.trace_id}
    for trial in trials:
        assert trial.attributes[key.TRIAL_PARAMS] == ["fast"]
        assert trial.attributes[key.CPU_NS] >= 0
        assert trial.attributes[key.RUNQUEUE_NS] >= 0


def test_in_the_same_process_it_works_without_a_number():
    with capture() as captured:
        assert TracedObjective(objective)({"fast": 7}) == 7
    assert key.TRIAL_NUMBER not in captured.one(EVALUATE).attributes


def test_an_error_of_the_objective_is_raised_and_recorded():
    with capture() as captured:
        carried = pickle.loads(pickle.dumps(TracedObjective(failing)))
        with pytest.raises(LookupError):
            carried({"fast": 1})
    assert captured.one(EVALUATE).attributes[key.ERROR_TYPE] == "LookupError"


def test_where_tracing_is_off_it_turns_it_on_and_where_it_cannot_it_only_evaluates(
    tmp_path, monkeypatch
):
    with capture(tmp_path) as captured:
        message = pickle.dumps(TracedObjective(objective))
    monkeypatch.setattr(RECORDER, "_given_up", True)
    try:
        assert pickle.loads(message)({"fast": 3}) == 3
        assert RECORDER.is_on
    finally:
        monkeypatch.undo()
        rbtrace.shutdown()
    assert captured.spans == []


def test_parameters_are_names_and_a_digest_that_a_plain_hash_does_not_give():
    first = parameter_attributes({"slow": 50, "fast": 10})
    same = parameter_attributes({"fast": 10, "slow": 50})
    other = parameter_attributes({"fast": 10, "slow": 51})
    assert first == same
    assert first[key.TRIAL_PARAMS] == ["fast", "slow"]
    assert first[key.TRIAL_PARAMS_HMAC] != other[key.TRIAL_PARAMS_HMAC]
    assert key.TRIAL_PARAM_VALUES not in first
    import hashlib
    import json

    plain = json.dumps({"fast": "10", "slow": "50"}, sort_keys=True).encode()
    assert first[key.TRIAL_PARAMS_HMAC] != hashlib.sha256(plain).hexdigest()


def test_values_only_on_request():
    with capture(params=True) as captured:
        TracedObjective(objective)({"fast": 7})
    assert captured.one(EVALUATE).attributes[key.TRIAL_PARAM_VALUES] == '{"fast": "7"}'


def test_the_key_is_not_in_the_trace():
    from rbtrace.recording.parameters import digest_key

    with capture() as captured:
        TracedObjective(objective)({"fast": 7})
    assert digest_key().hex() not in str(captured.spans)
