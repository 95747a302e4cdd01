"""`--times N` runs every case N times; the table of all runs is printed at the end."""

from __future__ import annotations

import pytest

from tests.durability.judgement import Row
from tests.durability.table import table

ROWS = pytest.StashKey[list[Row]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--times", type=int, default=1, help="how often to run each case")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "number_of_run" in metafunc.fixturenames:
        times = metafunc.config.getoption("--times", default=1)
        metafunc.parametrize("number_of_run", range(times), ids=lambda number: f"run {number + 1}")


@pytest.fixture
def rows(pytestconfig: pytest.Config) -> list[Row]:
    """The rows of the table."""
    return pytestconfig.stash.setdefault(ROWS, [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    found = config.stash.get(ROWS, [])
    if found:
        terminalreporter.section("durability")
        terminalreporter.write_line(table(found))
