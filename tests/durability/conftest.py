"""`--times N` runs every case N times; the table of all runs is printed at the end."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.durability.harness import ingest
from tests.durability.judgement import Row
from tests.durability.table import document, table
from tests.support.once import once

ROWS = pytest.StashKey[list[Row]]()
REMARKS = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--durability-report", type=Path, help="where to keep the table")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "number_of_run" in metafunc.fixturenames:
        times = metafunc.config.getoption("--times", default=1)
        metafunc.parametrize("number_of_run", range(times), ids=lambda number: f"run {number + 1}")


@pytest.fixture
def rows(pytestconfig: pytest.Config) -> list[Row]:
    """The rows of the table."""
    return pytestconfig.stash.setdefault(ROWS, [])


@pytest.fixture
def remarks(pytestconfig: pytest.Config) -> list[str]:
    """What is printed under the table."""
    return pytestconfig.stash.setdefault(REMARKS, [])


@pytest.fixture(scope="session")
def engine_data(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """A function that makes rustybt's data when it is first called."""
    return cache(lambda: once(tmp_path_factory, "searches", ingest) / "data")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    found, remarks = config.stash.get(ROWS, []), config.stash.get(REMARKS, [])
    if found or remarks:
        terminalreporter.section("durability")
    if found:
        terminalreporter.write_line(table(found))
    for remark in remarks:
        terminalreporter.write_line(remark)
    kept: Path | None = config.getoption("--durability-report", default=None)
    if found and kept is not None:
        failed = len(terminalreporter.stats.get("failed", []))
        kept.write_text(document(found, remarks, failed), encoding="utf-8")
