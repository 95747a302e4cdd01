"""Whatever fails beside a real search: its results stay, it is not held up, no span is lost."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.durability.harness import execute
from tests.stack.tools import Stack, Traced, prepared, rbtrace, report, stopped, wait_until
from tests.support.places import UnavailableError, small_disk

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

DEADLINE_S = 560.0
LAST = "2012-12-31"
EXIT_S = 1.0
"""What an exit may wait for a collector, whatever the search does (docs/architecture.md)."""
TRIES_AGAIN_S = 120.0
"""The collector pauses for up to 45 s before it tries again."""
SERVICE = "search"
MOST = 0.02
"""Share of the time of the processes for which flushing and exiting may hold them up besides."""


@dataclass(frozen=True)
class Search:
    """A search of 12 trials in two workers that is over.

    Attributes:
        traced: what it recorded.
        results: every score, and the best.
        held_up: share of the time of its processes that flushing and exiting took, beyond the
            second an exit may wait.
    """

    traced: Traced
    results: list[str]
    held_up: float


def search(
    engine_data: Path,
    folder: Path,
    variables: dict[str, str],
    meanwhile: Callable[[], None] = lambda: None,
) -> Search:
    times = folder / "times"
    times.mkdir(parents=True)
    finished = execute(
        ("cost.py", str(engine_data), str(times), LAST),
        folder,
        variables,
        meanwhile,
        deadline_s=DEADLINE_S,
    )
    assert finished.status == 0, finished.complaints
    assert "Traceback" not in finished.complaints
    assert not finished.deadlocks
    rows = [[int(figure) for figure in path.read_text().split()] for path in times.iterdir()]
    return Search(
        Traced(folder / "traces", finished.printed, finished.complaints),
        sorted(finished.printed.splitlines()),
        sum(max(0, row[3] - EXIT_S * 1e9) for row in rows) / max(1, sum(row[2] for row in rows)),
    )


@pytest.fixture(scope="module")
def untraced(engine_data, tmp_path_factory) -> list[str]:
    """The results of the search without tracing."""
    found = search(engine_data, tmp_path_factory.mktemp("untraced"), {}).results
    assert len(found) == 13
    return found


@pytest.fixture
def attempt(engine_data, untraced, tmp_path):
    """A function that runs the search against a stack, and checks all but what was delivered."""

    def run(stack: Stack, meanwhile: Callable[[], None] = lambda: None) -> Traced:
        variables = {
            "RBTRACE_ENABLED": "1",
            "RBTRACE_DIR": str(tmp_path / "search" / "traces"),
            "OTEL_SERVICE_NAME": SERVICE,
            "OTEL_EXPORTER_OTLP_ENDPOINT": stack.grpc,
        }
        done = search(engine_data, tmp_path / "search", variables, meanwhile)
        assert done.results == untraced
        assert done.held_up <= MOST
        assert done.traced.counted > 100
        return done.traced

    return run


@pytest.fixture
def stack(otelcol, jaeger_binary, tmp_path) -> Iterator[Stack]:
    with prepared(otelcol, jaeger_binary, tmp_path / "stack") as made:
        yield made


def assert_all_arrived(stack: Stack, traced: Traced) -> None:
    """Every span the processes counted is in the collector's files and in Jaeger."""
    rbtrace("replay", str(traced.folder), "--endpoint", stack.grpc, "--protocol", "grpc")
    wait_until(
        lambda: len(stack.in_jaeger(SERVICE)) >= traced.counted,
        f"{traced.counted} spans in Jaeger, {len(stack.in_files(SERVICE))} are in files",
        TRIES_AGAIN_S,
    )
    assert len(stack.in_files(SERVICE)) == traced.counted
    assert stack.in_jaeger(SERVICE).keys() == stack.in_files(SERVICE).keys()
    # The processes' own counts, read beside the collector's files, say the same.
    found = report(stack.folder / "traces", traced.folder)["integrity"]
    # A torn line that is there stays a fault, although all of its spans were sent again.
    assert found["complete"] is (found["truncated_lines"] == 0)
    assert found["spans"] == found["expected_spans"] == traced.counted


def test_jaeger_is_away_for_the_whole_run_and_the_collector_dies_before_it_comes(stack, attempt):
    stack.collector.start()
    traced = attempt(stack)
    rbtrace("replay", str(traced.folder), "--endpoint", stack.http)
    before = stack.in_files(SERVICE)

    stack.collector.kill()
    stack.collector.start()
    stack.jaeger.start()

    assert len(before) == traced.counted
    assert_all_arrived(stack, traced)


def test_the_collector_is_killed_and_comes_back(stack, attempt):
    stack.jaeger.start()
    stack.collector.start()
    kept: list[int] = []

    def kill_and_restart() -> None:
        wait_until(lambda: bool(stack.in_files(SERVICE)), "the first spans", 120)
        stack.collector.kill()
        kept.append(len(stack.in_files(SERVICE)))
        stack.collector.start()

    traced = attempt(stack, kill_and_restart)

    assert 0 < kept[0] < traced.counted
    assert_all_arrived(stack, traced)


def test_there_is_no_collector_until_the_run_is_over(stack, attempt):
    traced = attempt(stack)
    assert len(traced.in_files(SERVICE)) == traced.counted
    # Each process says so, once.
    assert traced.complaints.count("kept in files") == traced.processes == 3

    stack.jaeger.start()
    stack.collector.start()

    assert_all_arrived(stack, traced)


def test_the_disk_of_the_collector_fills_up(otelcol, jaeger_binary, tmp_path, attempt):
    try:
        place = small_disk(tmp_path)
        disk = place.__enter__().traces
    except UnavailableError as problem:
        pytest.skip(str(problem))
    try:
        with prepared(otelcol, jaeger_binary, disk / "stack") as stack:
            stack.jaeger.start()
            stack.collector.start()
            filler = disk / "filler"

            def fill() -> None:
                wait_until(lambda: bool(stack.in_files(SERVICE)), "the first spans", 120)
                wait_until(lambda: fill_while_idle(stack, filler), "an empty queue", 120)

            traced = attempt(stack, fill)
            assert len(stack.in_files(SERVICE)) < traced.counted
            filler.unlink()

            assert_all_arrived(stack, traced)
    finally:
        place.__exit__(None, None, None)


def fill_while_idle(stack: Stack, file: Path) -> bool:
    """Fill the disk if nothing waits for Jaeger: the collector loses what it cannot take off."""
    with stopped(stack.collector.process):
        is_idle = stack.in_jaeger(SERVICE).keys() == stack.in_files(SERVICE).keys()
        if is_idle:
            fill_up(file)
    return is_idle


def fill_up(file: Path) -> None:
    with file.open("wb", buffering=0) as stream:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    stream.write(b"\0" * size)
            except OSError:
                continue


def test_the_collector_is_slow(stack, attempt):
    stack.jaeger.start()
    stack.collector.start()

    with stuttering(stack.collector.process):
        traced = attempt(stack)

    assert_all_arrived(stack, traced)


@contextmanager
def stuttering(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A process that works for a tenth of the time, in turns of two seconds."""
    over = threading.Event()

    def stop_and_go() -> None:
        while not over.is_set():
            with stopped(process):
                over.wait(1.8)
            over.wait(0.2)

    thread = threading.Thread(target=stop_and_go)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
