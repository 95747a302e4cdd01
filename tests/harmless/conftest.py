"""`--jobs N` programs run side by side; the table of all runs is printed at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.harmless.judgement import Run
from tests.harmless.running import Job, start
from tests.harmless.table import document
from tests.support.interpreters import UnavailableError, executable
from tests.support.places import black_hole, refused

RUNS = pytest.StashKey[list[Run]]()
REMARKS = pytest.StashKey[list[str]]()
JOBS_PER_CORE = 3


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--jobs", type=int, help="how many programs to run side by side")
    parser.addoption("--pools", type=int, help="how many pools to make and leave")
    parser.addoption("--harmless-report", type=Path, help="where to keep the table")


@pytest.fixture(scope="session")
def collectors() -> Iterator[Mapping[str, Mapping[str, str]]]:
    """Addresses of no collector and of a silent one, by mode."""
    with contextlib.ExitStack() as stack:
        places = {"collector away": refused, "collector silent": black_hole}
        yield {
            mode: stack.enter_context(place("http/protobuf")(Path())).environ
            for mode, place in places.items()
        }


@pytest.fixture(scope="session")
def finished(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    collectors: Mapping[str, Mapping[str, str]],
) -> Iterator[Callable[[Job], Run]]:
    """What came of a job; all of the selected tests are started when the first asks.

    Where the tests are shared among processes, none knows which will be its own.
    """
    folder = tmp_path_factory.mktemp("harmless")
    is_one_of_several = "PYTEST_XDIST_WORKER" in os.environ
    cores = 1 if is_one_of_several else os.cpu_count() or 1
    number = request.config.getoption("--jobs") or JOBS_PER_CORE * cores
    selected = [item.callspec.params["job"] for item in request.session.items if has_job(item)]
    with ThreadPoolExecutor(number) as executor:
        started = {
            job: start(executor, job, folder, collectors)
            for job in selected
            if can_run(job) and not is_one_of_several
        }
        yield lambda job: (started.get(job) or start(executor, job, folder, collectors))()
        executor.shutdown(cancel_futures=True)
    shutil.rmtree(folder, ignore_errors=True)


def has_job(item: pytest.Item) -> bool:
    return "job" in getattr(getattr(item, "callspec", None), "params", {})


def can_run(job: Job) -> bool:
    return not why_not(job)


def why_not(job: Job) -> str:
    """Why a job cannot run here; empty if it can."""
    for package in job.program.needs:
        try:
            __import__(package)
        except ImportError:
            return f"{job.program.name} needs the package {package}"
    try:
        executable(job.python)
    except UnavailableError as problem:
        return f"Python {job.python}: {problem}"
    return ""


@pytest.fixture
def unavailable() -> Callable[[Job], str]:
    return why_not


@pytest.fixture
def runs(pytestconfig: pytest.Config) -> list[Run]:
    """The runs that the table is made of."""
    return pytestconfig.stash.setdefault(RUNS, [])


@pytest.fixture
def remarks(pytestconfig: pytest.Config) -> list[str]:
    """What is printed under the table."""
    return pytestconfig.stash.setdefault(REMARKS, [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    runs, remarks = config.stash.get(RUNS, []), config.stash.get(REMARKS, [])
    if not runs and not remarks:
        return
    terminalreporter.section("what tracing changes")
    terminalreporter.write_line(f"{len(runs)} runs of programs in every mode")
    for remark in remarks:
        terminalreporter.write_line(remark)
    kept: Path | None = config.getoption("--harmless-report", default=None)
    if runs and kept is not None:
        failed = len(terminalreporter.stats.get("failed", []))
        kept.write_text(document(runs, remarks, failed), encoding="utf-8")
