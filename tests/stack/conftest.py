"""The real collector and the real Jaeger, built from the pinned sources, on ports of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.tools import ENGINE_WORKLOAD, SMALL, Stack, built, clean_environment, running

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def otelcol() -> str:
    return built("otelcol")


@pytest.fixture(scope="session")
def jaeger_binary() -> str:
    return built("jaeger")


@pytest.fixture(scope="session")
def prometheus_binary() -> str:
    return built("prometheus")


@pytest.fixture(scope="session")
def compose() -> str:
    return built("compose")


@pytest.fixture(scope="session")
def stack(otelcol, jaeger_binary, tmp_path_factory) -> Iterator[Stack]:
    """A collector and a Jaeger shared by tests that use a service name of their own."""
    with running(otelcol, jaeger_binary, tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture(scope="session")
def engine_data(tmp_path_factory) -> Path:
    """rustybt's data folder with the ingested bundles of the workload."""
    pytest.importorskip("rustybt", reason="needs the extra demo", exc_type=ImportError)
    data = tmp_path_factory.mktemp("engine") / "data"
    command = [sys.executable, str(ENGINE_WORKLOAD), "ingest", "--data", str(data)]
    subprocess.run(command, env=clean_environment(), check=True, capture_output=True)
    return data


@pytest.fixture
def small_program(tmp_path) -> list[str]:
    """A program that ends a few spans and a summary."""
    script = tmp_path / "program.py"
    script.write_text(SMALL, encoding="utf-8")
    return [str(script)]
