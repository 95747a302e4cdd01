"""How many modules data passes is what docs/architecture.md says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import uncovered

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def passage(folder, *arguments):
    """The modules that were passed, by `python -m tests.flows`."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.flows", *arguments],
        env={**uncovered(), "RBTRACE_ENABLED": "1", "RBTRACE_DIR": str(folder)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)["modules"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")
    return folder, passage(folder, "record")


def stated(what):
    (figure,) = re.findall(rf"{what} passes \*\*(\d+) modules\*\*", DOCUMENT.replace("\n", " "))
    return int(figure)


def test_a_span_passes_as_many_modules_as_the_document_says(recorded):
    _, modules = recorded
    assert len(modules) == stated("A span with a hot call"), modules


def test_a_line_passes_as_many_modules_as_the_document_says(recorded):
    folder, _ = recorded
    (file,) = folder.rglob("*.otlp.jsonl")
    modules = passage(folder, "analyze", str(file))
    assert len(modules) == stated("a line of OTLP"), modules
