"""Measure what the built collector takes, and write the figures into docs/production.md.

    python -m collector.bench COLLECTOR JAEGER [--spans 1000000] [--write]    # or: make bench-stack

Sends spans that were encoded beforehand, by HTTP, from a few threads, as fast as the collector
takes them, and counts what it wrote: every span must be in its files. Needs the extra `otlp`.
"""

from __future__ import annotations

import argparse
import http.client
import os
import platform
import re
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import stack

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "production.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
SPANS_PER_REQUEST: Final = 1000
SENDERS: Final = 4
PAUSE_S: Final = 0.05
_IDS: Final = re.compile(rb'"traceId":"([0-9a-f]{32})","spanId":"([0-9a-f]{16})"')
_TEMPLATE_TRACE: Final = b"\x00" + b"template-trace!"
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Load:
    """What one run found.

    Attributes:
        name: how the collector was set.
        spans: spans it acknowledged, all of which it wrote.
        seconds: from the first request to the last acknowledgement.
        cpu_s: CPU time of the collector until then.
        memory_mib: the most memory it had.
        refused: requests it refused, and took later.
    """

    name: str
    spans: int
    seconds: float
    cpu_s: float
    memory_mib: float
    refused: int


class LossError(Exception):
    """Spans that the collector acknowledged are not in its files."""


def template() -> bytes:
    """A request of spans like ours, whose trace id is to be replaced."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    service = group.resource.attributes.add(key="service.name")
    service.value.string_value = "load"
    scope = group.scope_spans.add()
    for number in range(1, SPANS_PER_REQUEST + 1):
        span = scope.spans.add(
            trace_id=_TEMPLATE_TRACE,
            span_id=number.to_bytes(8, "big"),
            name="DataPortal.get_history_window",
            kind=1,
            start_time_unix_nano=1_700_000_000_000_000_000 + number,
            end_time_unix_nano=1_700_000_000_000_005_000 + number,
        )
        for key, value in (("rbtrace.category", "data_access"), ("rustybt.field", "close")):
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="rustybt.bar_count").value.int_value = 20
    return request.SerializeToString()


class Sending:
    """Requests that several threads share, until all are acknowledged."""

    def __init__(self, address: str, spans: int) -> None:
        self._address = address
        self._template = template()
        self._left = iter(range(spans // SPANS_PER_REQUEST))
        self._sharing = threading.Lock()
        self.acknowledged = 0
        self.refused = 0

    def run(self) -> float:
        """Send everything; the time it took, s.

        Raises:
            LossError: the collector refuses a request for good.
        """
        started = time.perf_counter()
        with ThreadPoolExecutor(SENDERS) as pool:
            for sender in [pool.submit(self._send) for _ in range(SENDERS)]:
                sender.result()
        return time.perf_counter() - started

    def _send(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=60)
        for _ in self._shares():
            body = self._template.replace(_TEMPLATE_TRACE, b"\x01" + secrets.token_bytes(15))
            while not self._is_taken(connection, body):
                time.sleep(PAUSE_S)
        connection.close()

    def _shares(self) -> Iterator[int]:
        while True:
            with self._sharing:
                number = next(self._left, None)
            if number is None:
                return
            yield number

    def _is_taken(self, connection: http.client.HTTPConnection, body: bytes) -> bool:
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()
        with self._sharing:
            if answer.status == http.client.OK:
                self.acknowledged += SPANS_PER_REQUEST
                return True
            self.refused += 1
        if answer.status not in {429, 502, 503, 504}:
            raise LossError(f"the collector answers {answer.status} {answer.reason}")
        return False


def measure(name: str, programs: Sequence[stack.Program], folder: Path, spans: int) -> Load:
    """Start programs, the collector last; send; stop them; count what was written.

    Raises:
        LossError: not every span is in the files.
        StackError: a program does not start.
    """
    collector = programs[-1]
    try:
        for program in programs:
            program.start()
        assert collector.process is not None
        sending = Sending(collector.variables["COLLECTOR_HTTP"], spans)
        seconds = sending.run()
        cpu_s, memory_mib = used(collector.process.pid)
    finally:
        for program in reversed(programs):
            program.stop()
    check(folder, sending.acknowledged)
    return Load(name, sending.acknowledged, seconds, cpu_s, memory_mib, sending.refused)


def used(pid: int) -> tuple[float, float]:
    """CPU time, s, and the most memory, MiB, of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (peak_kib,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return (int(fields[11]) + int(fields[12])) / _TICKS, int(peak_kib) / 1024


def check(folder: Path, acknowledged: int) -> None:
    """Compare the ids in the collector's files with what it acknowledged.

    Raises:
        LossError: they differ.
    """
    written = 0
    distinct: set[bytes] = set()
    for file in (folder / "traces").glob("*.jsonl"):
        with file.open("rb") as lines:
            for line in lines:
                ids = [trace + span for trace, span in _IDS.findall(line)]
                written += len(ids)
                distinct.update(ids)
    # A request that one pipeline took and another refused is sent again, and written twice.
    if len(distinct) != acknowledged:
        raise LossError(
            f"{acknowledged:,} spans were acknowledged, {written:,} are in files, "
            f"{len(distinct):,} of them different"
        )


def measure_all(collector: str, jaeger: str, spans: int) -> list[Load]:
    """The collector as configured, without Jaeger, and with little memory."""
    found = []
    for name, has_jaeger, variables in (
        ("as configured, with Jaeger", True, {}),
        ("Jaeger away: spans wait on disk", False, {"COLLECTOR_QUEUE_SPANS": str(2 * spans)}),
        (
            "memory limited to 30 MiB",
            True,
            {"COLLECTOR_MEMORY_MIB": "30", "COLLECTOR_MEMORY_SPIKE_MIB": "5"},
        ),
    ):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            programs = [stack.collector(collector, folder, variables)]
            if has_jaeger:
                # A request is one trace: Jaeger keeps few, for it is not what is measured.
                programs.insert(0, stack.jaeger(jaeger, folder, {"JAEGER_TRACES": "100"}))
            print(f"{name}: {spans:,} spans", file=sys.stderr)
            found.append(measure(name, programs, folder, spans))
    return found


def table(loads: Sequence[Load]) -> str:
    """The figures as Markdown."""
    rows = [
        "| the collector | spans | spans/s | CPU s per 10⁶ spans | most memory, MiB | sent again |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    rows += [
        f"| {load.name} | {load.spans:,} | {load.spans / load.seconds:,.0f} "
        f"| {load.cpu_s / load.spans * 1e6:.1f} | {load.memory_mib:.0f} | {load.refused:,} |"
        for load in loads
    ]
    return "\n".join(rows)


def environment(cpu: Mapping[str, str]) -> str:
    """One sentence about the machine."""
    model = cpu.get("model name", platform.processor() or platform.machine())
    return (
        f"Measured on {os.cpu_count()} cores ({model}), which the senders and Jaeger share, with "
        f"requests of {SPANS_PER_REQUEST:,} spans from {SENDERS} connections."
    )


def cpu_facts() -> dict[str, str]:
    """The first processor of /proc/cpuinfo; empty where there is none."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return {}
    return {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in text.splitlines())}


def main() -> int:
    """Measure, print, and write into the page if asked."""
    parser = argparse.ArgumentParser(description="Measure what the collector takes.")
    parser.add_argument("collector", help="the collector's binary, as `make collector` prints it")
    parser.add_argument("jaeger", help="Jaeger's binary, as `make jaeger` prints it")
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    try:
        loads = measure_all(options.collector, options.jaeger, options.spans)
    except (LossError, stack.StackError) as problem:
        print(f"rbtrace: error: {problem}", file=sys.stderr)
        return 1
    figures = f"{table(loads)}\n\n{environment(cpu_facts())}"
    print(figures)
    if options.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n{figures}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
