"""What `rbtrace analyze` costs beside a bare script, on the same generated traces.

Fresh processes take turns; CPU time and peak memory are what the kernel counted of each. The least
CPU time of a program counts, because what else the machine does can only add to it. Cost per span
is taken with the start-up subtracted: what the smallest trace costs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from rbtrace.errors import RbtraceError
from rbtrace.scenarios.analyzing.writing import write, write_json, write_protobuf

_RBTRACE: Final = (sys.executable, "-m", "rbtrace", "analyze", "--format", "json")
_REFERENCE: Final = (sys.executable, "-m", "rbtrace.scenarios.analyzing.reference")
_KIB: Final = 1024


@dataclass(slots=True)
class Arm:
    """A program on a file; `cpu_s` and `peak_bytes` have one figure for each of its processes."""

    name: str
    command: tuple[str, ...]
    spans: int
    cpu_s: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)

    def run(self) -> None:
        """Run it once in a fresh process.

        Raises:
            RbtraceError: it failed.
        """
        process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RbtraceError(f"{self.name} failed with status {process.returncode}")
        self.cpu_s.append(usage.ru_utime + usage.ru_stime)
        self.peak_bytes.append(usage.ru_maxrss * _KIB)


def arms(folder: Path, sizes: list[int]) -> list[Arm]:
    """Write the traces and name what is to be run on them."""
    found = []
    for size in sizes:
        json_path, protobuf_path = folder / f"{size}.jsonl", folder / f"{size}.binpb"
        spans = write(json_path, size, write_json)
        write(protobuf_path, size, write_protobuf)
        found += [
            Arm("bare script, JSON", (*_REFERENCE, str(json_path)), spans),
            Arm("rbtrace, JSON", (*_RBTRACE, str(json_path)), spans),
            Arm("rbtrace, protobuf", (*_RBTRACE, str(protobuf_path)), spans),
        ]
    return found


def table(found: list[Arm]) -> list[str]:
    """The figures, one line for each arm."""
    least = min(arm.spans for arm in found)
    start = {arm.name: min(arm.cpu_s) for arm in found if arm.spans == least}
    bare = {arm.spans: min(arm.cpu_s) for arm in found if arm.name.startswith("bare")}
    lines = [
        "| program | spans | CPU, s | speed beside the bare script | CPU per span, µs | peak, MB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for arm in found:
        cpu = min(arm.cpu_s)
        spent = cpu - start[arm.name]
        per_span = f"{spent / (arm.spans - least) * 1e6:.2f}" if arm.spans > least else ""
        lines.append(
            f"| {arm.name} | {arm.spans} | {cpu:.2f} | {bare[arm.spans] / cpu:.2f} | {per_span} "
            f"| {max(arm.peak_bytes) / 1e6:.0f} |"
        )
    return lines


@click.command()
@click.option("--spans", default=1_000_000, show_default=True, help="Spans of the largest trace.")
@click.option("--rounds", default=3, show_default=True, help="Processes of each program.")
def main(spans: int, rounds: int) -> None:
    """Measure CPU time and peak memory of analyzing generated traces."""
    sizes = sorted({1, max(1, spans // 10), spans})
    with tempfile.TemporaryDirectory() as folder:
        click.echo(f"writing traces of {sizes} spans", err=True)
        found = arms(Path(folder), sizes)
        for number in range(1, rounds + 1):
            for arm in found:
                arm.run()
                click.echo(
                    f"round {number}/{rounds}: {arm.name}, {arm.spans} spans: "
                    f"{arm.cpu_s[-1]:.2f} s CPU",
                    err=True,
                )
    click.echo("\n".join(table(found)))


if __name__ == "__main__":
    main()
