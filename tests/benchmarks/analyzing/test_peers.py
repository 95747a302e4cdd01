from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.analyzing.forest import OPERATIONS, trace
from tests.benchmarks.analyzing.known import KNOWN_SELF_NS, US, greatest_error, known_trace
from tests.benchmarks.analyzing.peers.catalogue import CRISP, FOLDER, HOW_TO_GET, JAEGER_UI, PEERS
from tests.benchmarks.analyzing.peers.inputs import write_chrome, write_jaeger
from tests.benchmarks.analyzing.programs import OURS, Arm, Program, SelfTimes

INSTALL = [sys.executable, "-m", "tests.benchmarks.analyzing.peers.install"]
_ROOT = Path(__file__).parents[3]
_MS = 1_000_000
_SUM_OF_CHILDREN = {
    "run_algorithm": 20 * _MS,  # 100 less 40 and 40
    "simulate_session": 9 * _MS,  # 40 less 36, and 40 less 20 and 15
    "Strategy.handle_data": 0,  # 36 less 20 and 24
    "DataPortal.get_history_window": 26 * _MS,  # 20 less 14 and 4 is 2, and 24
    "read_window": 18 * _MS,
    "Blotter.process_bar": 20 * _MS,
    "Ledger.update_portfolio": 15 * _MS,
}
"""What is found where the durations of parallel children are added up."""
_SAYS: dict[str, Any] = {
    "tracelift": lambda found: found.self_ns == _SUM_OF_CHILDREN,
    "HTA": lambda found: (
        found.self_ns.keys() == KNOWN_SELF_NS.keys()
        and greatest_error(found.self_ns, KNOWN_SELF_NS)[1] > 0.1
    ),
    "CRISP": lambda found: found == SelfTimes({}, 100 * _MS),
    "Jaeger's statistics": lambda found: found.self_ns == KNOWN_SELF_NS,
}


def _found(program: Program, folder: Path) -> SelfTimes | None:
    path = folder / f"known.{program.input.suffix}"
    program.input.write(path, [known_trace()])
    arm = Arm(program, path, known_trace().span_id.size)
    arm.run(limit_s=120)
    assert not arm.problem
    return arm.output


@pytest.mark.parametrize("program", OURS, ids=[program.name for program in OURS])
def test_ours_are_exact_on_the_known_trace(program: Any, tmp_path: Path) -> None:
    assert _found(program, tmp_path) == SelfTimes(KNOWN_SELF_NS)


@pytest.mark.parametrize("peer", PEERS, ids=[peer.name for peer in PEERS])
def test_what_peers_say_of_the_known_trace(peer: Any, tmp_path: Path) -> None:
    program = peer.program(_ROOT / FOLDER)
    if program is None:
        pytest.skip(f"not installed: {HOW_TO_GET}")

    assert _SAYS[peer.name](_found(program, tmp_path))


def test_nothing_is_installed_in_an_empty_folder(tmp_path: Path) -> None:
    assert [peer.program(tmp_path) for peer in PEERS] == [None] * len(PEERS)


def test_what_cannot_be_installed_is_a_line_each(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")

    done = subprocess.run(
        [*INSTALL, "--folder", tmp_path / "peers", "--crisp", nowhere, "--jaeger-ui", nowhere],
        env=os.environ | {"PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    packages, *others = done.stderr.splitlines()
    assert packages.startswith("the Python packages are not installed: python failed: ")
    assert [line.partition(" is not")[0] for line in others] == [CRISP.title, JAEGER_UI.title]
    assert done.stdout == f"installed in {tmp_path / 'peers'}: nothing\n"


def test_jaeger_files_have_every_span_beneath_its_parent(tmp_path: Path) -> None:
    write_jaeger(tmp_path / "jaeger", [trace(0), trace(1)])

    for number in range(2):
        one = trace(number)
        content = json.loads(_in_order(tmp_path / "jaeger")[number].read_text())
        spans = {span["spanID"]: span for span in content["data"][0]["spans"]}
        assert len(spans) == one.span_id.size
        for place, identity in enumerate(one.span_id.tolist()):
            span = spans[f"{identity:016x}"]
            assert span["operationName"] == OPERATIONS[one.operation[place]].name
            assert span["startTime"] + span["duration"] == one.end[place] // US
            above = [reference["spanID"] for reference in span["references"]]
            parent = one.parent[place]
            assert above == ([] if parent < 0 else [f"{one.span_id[parent]:016x}"])


def _in_order(folder: Path) -> list[Path]:
    """The files of the first two generated traces."""
    first = [f"{trace(number).span_id[0]:016x}" for number in range(2)]
    found = {
        json.loads(path.read_text())["data"][0]["spans"][0]["spanID"]: path
        for path in folder.iterdir()
    }
    return [found[identity] for identity in first]


@pytest.mark.parametrize("one", [known_trace(), trace(0)], ids=["known", "generated"])
def test_on_a_thread_events_lie_within_each_other(one: Any, tmp_path: Path) -> None:
    write_chrome(tmp_path / "events.json", [one])

    events = json.loads((tmp_path / "events.json").read_text())["traceEvents"]
    threads = defaultdict(list)
    for event in events:
        threads[event["tid"]].append((event["ts"], -event["dur"]))
    assert len(events) == one.span_id.size
    assert len(threads) > 1  # there are parallel children
    for times in threads.values():
        ends: list[int] = []
        for start, negative in sorted(times):
            while ends and ends[-1] <= start:
                ends.pop()
            assert not ends or start - negative <= ends[-1]
            ends.append(start - negative)
