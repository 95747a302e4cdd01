"""The table in docs/architecture.md of who owns what when: one test for each of its cells."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from rbtrace.system import SYSTEM
from tests.support.environment import uncovered

pytestmark = pytest.mark.skipif(SYSTEM is None, reason="signals are held up where that is compiled")

DOCUMENT = Path(__file__).parents[3] / "docs" / "architecture.md"

PROGRAM = '''
import json, os, signal, sys, threading
import rbtrace

def bit(name, number):
    """Whether a mask of /proc/self/status has a signal."""
    with open("/proc/self/status") as status:
        (mask,) = [line.split()[1] for line in status if line.startswith(name)]
    return bool(int(mask, 16) >> (number - 1) & 1)

def timers():
    try:
        return open("/proc/self/timers").read().count("ID:")
    except FileNotFoundError:
        return 0

def state():
    recorder = sys.modules["rbtrace.recording.recorder"].RECORDER
    pipeline = recorder._pipeline
    if pipeline is not None:
        pipeline.flush()
    folder = os.environ["RBTRACE_DIR"]
    files = [name for _, _, names in os.walk(folder) for name in names]
    return {
        "held": [bit("SigCgt", number) for number in (signal.SIGTERM, signal.SIGHUP)],
        "handler": signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
        "wakeup": signal.set_wakeup_fd(-1),
        "threads": len(os.listdir("/proc/self/task")) - 1,
        "seen": threading.active_count() - 1,
        "descriptors": sorted(int(fd) for fd in os.listdir("/proc/self/fd") if int(fd) > 2),
        "locked": pipeline is not None and pipeline.writer._lock.locked(),
        "own": sum(f"-{os.getpid()}-" in name for name in files if name.endswith(".jsonl")),
        "timers": timers(),
    }

def span(name):
    with rbtrace.span(name):
        pass

def say(stage):
    print(json.dumps([stage, state()]), flush=True)

if len(sys.argv) > 1:
    say("program after `exec`")
    span("after exec")
    sys.exit()
say("before the first span")
span("first")
say("recording")
child = os.fork()
if child == 0:
    say("child before its first span")
    span("of the child")
    say("child after it")
    os._exit(0)
os.waitpid(child, 0)
say("parent after the fork")
os.execv(sys.executable, [sys.executable, *sys.argv, "again"])
'''
STAGES = (
    "before the first span",
    "recording",
    "child before its first span",
    "child after it",
    "parent after the fork",
    "program after `exec`",
)
RECORDING = ("recording", "child after it", "parent after the fork")


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """What the program was at each stage, and its traces."""
    folder = tmp_path_factory.mktemp("stages")
    script = folder / "program.py"
    script.write_text(textwrap.dedent(PROGRAM), encoding="utf-8")
    inherited = {k: v for k, v in uncovered().items() if not k.startswith(("RBTRACE_", "OTEL_"))}
    traces = {"RBTRACE_ENABLED": "1", "RBTRACE_DIR": str(folder / "traces")}
    done = subprocess.run(
        [sys.executable, script],
        env={**inherited, **traces},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return dict(json.loads(line) for line in done.stdout.splitlines()), folder / "traces"


def cells(**expected):
    """(row, stage, what it is) for every cell of the table."""
    return [(row, stage, value(stage)) for row, value in expected.items() for stage in STAGES]


@pytest.mark.parametrize(
    ("what", "stage", "expected"),
    cells(
        held=lambda stage: [stage in RECORDING] * 2,
        handler=lambda stage: True,
        wakeup=lambda stage: -1,
        threads=lambda stage: int(stage in RECORDING),
        seen=lambda stage: 0,
        descriptors=lambda stage: None,
        locked=lambda stage: False,
        own=lambda stage: int(stage != "before the first span" and "child before" not in stage),
    ),
)
def test_cell(stages, what, stage, expected):
    states, _ = stages
    if what == "descriptors":  # the listing's own is among them
        expected = states["before the first span"]["descriptors"]
    assert states[stage][what] == expected


def test_the_left_files_say_so_and_the_new_program_has_its_own(stages):
    _, traces = stages
    tallies = [json.loads(path.read_bytes()) for path in sorted(traces.rglob("*.tally"))]
    assert sorted(tally["ended"] for tally in tallies) == [1, 1, 1]
    assert sum(tally["started"] is None for tally in tallies) == 1
    assert not list(traces.rglob("*.open"))


def test_the_document_has_this_table():
    text = DOCUMENT.read_text(encoding="utf-8")
    header = next(line for line in text.splitlines() if "before the first span" in line)
    columns = [column.strip() for column in header.strip("|").split("|")][1:]
    assert columns == list(STAGES)
    rows = re.findall(r"^\| ([^|]+?) \|.*\|$", text.split(header)[1], re.MULTILINE)
    assert len(rows) >= 7
