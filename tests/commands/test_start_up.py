"""What a small analysis costs is start-up, and that is bounded."""

from __future__ import annotations

import time
from pathlib import Path

from rbtrace.errors import EXIT_GOOD
from tests.support.metered import metered
from tests.support.spans import Span, write

MOST_CPU_S = 0.4
TRIES = 10


def test_fifty_spans_are_analyzed_at_once(tmp_path: Path) -> None:
    """Whatever else the machine does can only add to the time: one quick run in ten proves it."""
    spans = [Span(at, f"operation {at % 7}", at, 1000 - at, at // 2) for at in range(1, 51)]
    source = write(tmp_path / "a.otlp.jsonl", spans)
    # An installed package is compiled once; one that is edited in place may be at every start.
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path / "compiled")}
    took = []
    while not took or (took[-1] > MOST_CPU_S and len(took) < TRIES):
        time.sleep(2 * bool(took))  # what slows the machine down may last for seconds
        found = metered("analyze", source, **compiled)
        assert found.returncode == EXIT_GOOD, found.stderr
        assert "operation 3" in found.stdout
        took.append(found.cpu_s)
    assert min(took) <= MOST_CPU_S
