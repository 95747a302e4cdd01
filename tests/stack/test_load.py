"""A million spans go through the collector and are in its files."""

from __future__ import annotations

import pytest

from collector import bench
from tests.stack.tools import prepared

SPANS = 1_000_000


def test_a_million_spans_arrive(otelcol, jaeger_binary, tmp_path):
    # Jaeger stays away: it would hold all of them in memory. Its share waits on disk.
    queue = {"COLLECTOR_QUEUE_SPANS": str(2 * SPANS)}
    with prepared(otelcol, jaeger_binary, tmp_path / "data", **queue) as stack:
        load = bench.measure("a million", [stack.collector], stack.folder, SPANS)

    assert load.spans == SPANS
    assert load.memory_mib < 1024


def test_a_collector_short_of_memory_refuses_and_loses_nothing(otelcol, jaeger_binary, tmp_path):
    little = {"COLLECTOR_MEMORY_MIB": "30", "COLLECTOR_MEMORY_SPIKE_MIB": "5"}
    # It looks at its memory once a second, and may look when it has just collected its garbage.
    for spans in (300_000, 1_000_000, 3_000_000):
        with prepared(otelcol, jaeger_binary, tmp_path / str(spans), **little) as stack:
            load = bench.measure("short of memory", [stack.collector], stack.folder, spans)
        assert load.spans == spans
        if load.refused:
            break

    assert load.refused > 0


def test_a_loss_is_noticed(tmp_path):
    (tmp_path / "traces").mkdir()
    line = '{"traceId":"%032x","spanId":"%016x"}\n'
    (tmp_path / "traces" / "a.jsonl").write_text(line % (1, 1) + line % (1, 2))

    bench.check(tmp_path, 2)
    with pytest.raises(bench.LossError, match="3 spans were acknowledged, 2 are in files"):
        bench.check(tmp_path, 3)
    (tmp_path / "traces" / "b.jsonl").write_text(line % (1, 2))
    with pytest.raises(bench.LossError, match="2 of them different"):
        bench.check(tmp_path, 3)
