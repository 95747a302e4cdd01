"""The way of the README, without Docker: `make stack`, the line it prints, and the run is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector import stack as programs
from tests.stack.tools import (
    ROOT,
    Stack,
    clean_environment,
    free_addresses,
    rbtrace,
    wait_until,
)

BACKTEST = """
from pathlib import Path
from rbtrace.studies.workloads import engine
engine.prepare(Path({data!r}), "rbtrace-ten-assets")
print(len(engine.run_backtest(engine.ten_assets_daily())))
"""
COMMAND = "RBTRACE_ENABLED=1 OTEL_EXPORTER_OTLP_ENDPOINT=http://{} python my_backtest.py"


@pytest.fixture
def made(otelcol, jaeger_binary, tmp_path) -> Iterator[tuple[Stack, Path]]:
    """A running `make stack` and what it prints, at addresses of its own."""
    addresses = free_addresses(
        *programs.COLLECTOR_ADDRESSES, *programs.JAEGER_ADDRESSES, "TELEMETRY"
    )
    variables = {
        **addresses,
        "COLLECTOR_TELEMETRY_PORT": addresses["TELEMETRY"].rpartition(":")[2],
        "COLLECTOR_DIR": str(tmp_path / "collector-data"),
    }
    printed = tmp_path / "printed"
    with printed.open("w") as out:
        process = subprocess.Popen(
            ["make", "stack"],
            cwd=ROOT, env=clean_environment() | variables, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_until(
            lambda: "Ctrl-C ends both." in printed.read_text() or process.poll() is not None,
            "make stack",
            seconds=120,
        )
        folder = tmp_path / "collector-data"
        yield (
            Stack(
                programs.collector(otelcol, folder, addresses),
                programs.jaeger(jaeger_binary, folder, addresses),
                folder,
            ),
            printed,
        )
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
    assert "Both have ended." in printed.read_text()


@pytest.mark.engine
def test_from_the_readme_to_the_run_in_jaeger(made, engine_data, tmp_path):
    stack, printed = made
    command = COMMAND.format(stack.address("COLLECTOR_GRPC"))
    script = tmp_path / "my_backtest.py"
    script.write_text(BACKTEST.format(data=str(engine_data)), encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    assert command in printed.read_text()
    done = subprocess.run(
        command,
        shell=True, cwd=tmp_path, env=clean_environment() | {"PATH": path},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-4000:]
    if "`rbtrace replay` sends them" in done.stderr:  # the machine is busy: do as it says
        rbtrace("replay", str(tmp_path / "rbtrace-out"), "--endpoint", stack.http)
    wait_until(lambda: "run_algorithm" in operations(stack), "the run in Jaeger")


def operations(stack: Stack) -> set[str]:
    return {span["operationName"] for spans in stack.found("rbtrace") for span in spans}


def test_the_readme_has_that_line():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert COMMAND.format(programs.COLLECTOR_ADDRESSES["COLLECTOR_GRPC"]) in readme
    assert "`make stack`" in readme
