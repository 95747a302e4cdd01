"""Inputs of `rbtrace compare`: arms of traces, benchmarks, and files of other tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from rbtrace import conventions as key
from tests.support.spans import SUMMARY, Span, write, write_tally

START: Final = 1_700_000_000_000_000_000
MS: Final = 1_000_000
WALLS: Final = (100, 103, 98, 101, 99, 102, 100, 97, 103, 101)
"""Times of ten runs, ms."""


def walls(factor: float) -> list[int]:
    return [round(factor * wall) for wall in WALLS[::-1]]


def runs_of(
    times: Sequence[int],
    arm: str = "",
    *,
    pairs: bool = False,
    prices: int = 82,
    result: str = "digest",
    host: str = "host",
    name: str = "price",
    first: int = 1,
) -> list[Span]:
    """One run for each wall time in ms: a backtest with a hot call."""
    spans = []
    for number, wall in enumerate(times, first):
        later = arm == "candidate"
        resource: dict[str, Any] = {key.RUN_ID: f"{arm or 'run'}-{number}", key.HOST_NAME: host}
        resource |= {key.ARM: arm} if arm else {}
        resource |= {key.PAIR: number} if pairs else {}
        at = START + number * 10_000 * MS + later * 5_000 * MS
        trace = 2 * number + later
        spans += [
            Span(1, "backtest", at, at + wall * MS, trace=trace, resource=resource,
                 attributes={key.FINGERPRINT: result}),
            Span(2, name, at, at + wall * MS // 4, 1, trace=trace, kind=SUMMARY, calls=prices,
                 total=wall * MS // 4, self_ns=wall * MS // 4, resource=resource),
        ]  # fmt: skip
    return spans


def an_arm(path: Path, times: Sequence[int], **more: Any) -> None:
    write(path / "a.otlp.jsonl", runs_of(times, **more))


def both_arms(folder: Path) -> None:
    an_arm(folder / "before", WALLS, arm="baseline", pairs=True)
    an_arm(folder / "after", walls(1.3), arm="candidate", pairs=True)


def several_arms(folder: Path) -> None:
    for number, name in enumerate(("x", "y", "z"), 1):
        an_arm(folder / name, [100], arm=name, first=number)


def incomplete_arm(folder: Path) -> None:
    an_arm(folder, WALLS)
    write_tally(folder / "a.otlp.jsonl", ended=99)


def many_operations(folder: Path, calls: int) -> None:
    resource = {key.RUN_ID: "run"}
    spans = [Span(1, "root", START, START + 1000 * MS, resource=resource)]
    spans += [
        Span(n, f"tiny{n}", START, START, 1, kind=SUMMARY, calls=calls, total=n, self_ns=n,
             resource=resource)
        for n in range(2, 32)
    ]  # fmt: skip
    write(folder / "a.otlp.jsonl", spans)


def pyperf(
    path: Path, factor: float, numbers: Sequence[int] = (6, 6), unit: str = "second"
) -> None:
    said = {
        "hostname": "host", "cpu_model_name": "cpu", "cpu_count": 2, "python_version": "3.12.1",
        "unit": unit,
    }  # fmt: skip
    benchmarks = [
        {
            "metadata": {"name": name},
            "runs": [{"warmups": [[1, 0.5]]}]
            + [{"values": [factor * (0.1 + 0.001 * n), factor * 0.1]} for n in range(number)],
        }
        for name, number in zip(("sum", "so|rt"), numbers, strict=True)
    ]
    document = {"version": "1.0", "metadata": said, "benchmarks": benchmarks}
    path.write_text(json.dumps(document) + "\n")


def pytest_benchmark(folder: Path, factor: float, nodes: Sequence[str] = ("host",) * 5) -> None:
    """A folder of files of pytest-benchmark, each a run."""
    folder.mkdir(parents=True)
    for number, node in enumerate(nodes):
        document = {
            "machine_info": {"node": node, "machine": "x86_64", "system": "Linux",
                             "release": "6", "python_version": "3.12.1",
                             "cpu": {"brand_raw": "cpu"}},
            "commit_info": {}, "datetime": "2024-01-02T03:04:05", "version": "5.1.0",
            "benchmarks": [
                {"fullname": f"test_suite.py::test_{name}",
                 "stats": {"mean": factor * (0.01 + 0.0001 * ((7 * number) % 5))}}
                for name in ("sum", "sort")
            ],
        }  # fmt: skip
        (folder / f"{number}.json").write_text(json.dumps(document) + "\n")


def bench(folder: Path, pairs: int, looks: Sequence[int] = ()) -> None:
    """A folder of `rbtrace bench`, with the traces of every run."""
    command = {"arguments": ["python", "program.py"], "folder": "/work",
               "versions": {"python": "3.12.1", "numpy": "2.0"}}  # fmt: skip
    plan = {
        "kind": "rbtrace bench", "version": 1, "identity": "bench-1",
        "baseline": {**command, "revision": "main"},
        "candidate": {**command, "revision": "branch", "versions": {"python": "3.12.1"}},
        "pairs": max(5, pairs), "looks": list(looks), "seed": 7, "created": "2024-01-02T03:04:05Z",
        "environment": {"host": "host", "cpu": "cpu", "cores": 2, "system": "Linux 6"},
        "rbtrace": "0.1.0",
    }  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "bench.json").write_text(json.dumps(plan, indent=1) + "\n")
    lines = []
    for number in range(1, pairs + 1):
        for arm, factor in (("baseline", 1.0), ("candidate", 0.8)):
            wall = round(factor * WALLS[number - 1]) * MS
            start = START + number * 10_000 * MS + (arm == "candidate") * 5_000 * MS
            lines.append(json.dumps({
                "pair": number, "order": 1 if arm == "baseline" else 2, "arm": arm,
                "run_id": f"{arm}-{number}", "started_ns": start, "wall_ns": 2 * wall,
                "cpu_ns": wall, "peak_bytes": None if number == 2 else 10**8 + number,
                "load": 0.5,
            }) + "\n")  # fmt: skip
    (folder / "runs.jsonl").write_text("".join(lines))
    for arm, factor in (("baseline", 1.0), ("candidate", 0.8)):
        times = [round(factor * wall) for wall in WALLS[:pairs]]
        an_arm(folder / "traces" / arm, times, arm=arm, pairs=True)


def text(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")


ARMS: Final[dict[str, Callable[[Path], None]]] = {
    "arms/before": partial(an_arm, times=WALLS),
    "arms/same": partial(an_arm, times=walls(1)),
    "arms/faster": partial(an_arm, times=walls(0.8)),
    "arms/slower": partial(an_arm, times=walls(1.3), prices=90),
    "arms/other-result": partial(an_arm, times=walls(0.5), result="another"),
    "arms/elsewhere": partial(an_arm, times=walls(0.8), host="elsewhere"),
    "arms/other-names": partial(an_arm, times=walls(1), name="<b>|*p*"),
    "arms/few": partial(an_arm, times=[100, 101, 99]),
    "arms/one": partial(an_arm, times=[100]),
    "arms/one-more-calls": partial(an_arm, times=[100], prices=164),
    "arms/pairs": both_arms,
    "arms/several": several_arms,
    "arms/incomplete": incomplete_arm,
    "arms/many-operations": partial(many_operations, calls=3),
    "arms/many-operations-more": partial(many_operations, calls=5),
    "arms/pyperf.json": partial(pyperf, factor=1.0),
    "arms/pyperf-slower.json": partial(pyperf, factor=1.2),
    "arms/pyperf-uneven.json": partial(pyperf, factor=1.0, numbers=(5, 7)),
    "arms/pyperf-bytes.json": partial(pyperf, factor=1.0, unit="byte"),
    "arms/pyperf-damaged.json": partial(text, content='{"benchmarks": 3}\n'),
    "arms/pytest-benchmark": partial(pytest_benchmark, factor=1.0),
    "arms/pytest-benchmark-faster": partial(pytest_benchmark, factor=0.7),
    "arms/pytest-benchmark-two-hosts": partial(
        pytest_benchmark, factor=1.0, nodes=("host", "elsewhere")
    ),
    "arms/bench": partial(bench, pairs=10),
    "arms/bench-stepped": partial(bench, pairs=5, looks=(5, 10, 20)),
    "arms/bench-unfinished": partial(bench, pairs=0),
}
