"""The OpenTelemetry instrumentor: found by entry point, idempotent, exact in taking back."""

from __future__ import annotations

import logging
from importlib.metadata import entry_points

import pytest

import rbtrace
from rbtrace.recording.engines.control import traced_count
from rbtrace.recording.engines.instrumentor import RustybtInstrumentor
from rbtrace.recording.engines.table import TRACED_METHODS
from rbtrace.recording.recorder import is_on


@pytest.fixture
def instrumentor(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield RustybtInstrumentor()
    rbtrace.shutdown()


def test_entry_point_names_it():
    (found,) = entry_points(group="opentelemetry_instrumentor", name="rustybt")
    assert found.load() is RustybtInstrumentor


@pytest.mark.engine
def test_twice_is_as_once(instrumentor, caplog):
    pytest.importorskip("rustybt", exc_type=ImportError)
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            instrumentor.instrument()
            instrumentor.instrument()
            assert is_on()
            assert traced_count() <= len(TRACED_METHODS)
            instrumentor.uninstrument()
            instrumentor.uninstrument()
            assert not is_on()
            assert traced_count() == 0
