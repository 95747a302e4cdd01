"""The real collector and the real Jaeger, built from the pinned sources, on ports of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from collector import stack as programs

ROOT = Path(__file__).parents[2]
RBTRACE = str(Path(sys.executable).with_name("rbtrace"))
ENGINE_WORKLOAD = ROOT / "tests" / "engine" / "workload.py"

Keys = Counter[tuple[str, str]]
"""How often each span, named by trace and span id, is there."""


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not after {seconds} s"
        time.sleep(0.1)


def free_addresses(*names: str) -> dict[str, str]:
    """A loopback address for each name, of ports that nobody has."""
    with ExitStack() as held:
        found = {}
        for name in names:
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            found[name] = f"127.0.0.1:{probe.getsockname()[1]}"
        return found


def built(name: str) -> str:
    """The binary of that name; built if it is not in the cache."""
    if shutil.which("go") is None:
        pytest.skip("needs Go: the programs are built from source")
    command = [str(ROOT / "collector" / "build"), name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.splitlines()[-1]


def spans_of(line: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each span of an OTLP JSON line, with its resource's attributes."""
    for resource in request_of(line).get("resourceSpans", ()):
        attributes = plain(resource["resource"])
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield attributes, span


def request_of(line: str) -> dict[str, Any]:
    """The request a line ends with, behind one that the collector could not finish; or nothing."""
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        later = line.rfind('{"resourceSpans":', 1)
        return {} if later < 0 else request_of(line[later:])
    return found


def plain(holder: dict[str, Any]) -> dict[str, Any]:
    return {row["key"]: next(iter(row["value"].values())) for row in holder.get("attributes", ())}


def lines_of(files: Iterable[Path]) -> Iterator[str]:
    for file in sorted(files):
        yield from file.read_text(encoding="utf-8").splitlines()


def keys_in(lines: Iterable[str], service: str) -> Keys:
    return Counter(
        (span["traceId"], span["spanId"])
        for line in lines
        for attributes, span in spans_of(line)
        if attributes["service.name"] == service
    )


@dataclass(frozen=True)
class Stack:
    """A running collector and Jaeger."""

    collector: programs.Program
    jaeger: programs.Program
    folder: Path

    def address(self, name: str) -> str:
        return {**self.jaeger.variables, **self.collector.variables}[name]

    @property
    def grpc(self) -> str:
        return f"http://{self.address('COLLECTOR_GRPC')}"

    @property
    def http(self) -> str:
        return f"http://{self.address('COLLECTOR_HTTP')}"

    def jaeger_url(self, service: str, **parameters: str) -> str:
        more = "".join(f"&{name}={value}" for name, value in parameters.items())
        return f"jaeger://{self.address('JAEGER_HTTP')}?service={service}{more}"

    def in_files(self, service: str) -> Keys:
        return keys_in(lines_of((self.folder / "traces").glob("*.jsonl")), service)

    def in_jaeger(self, service: str) -> Keys:
        url = (
            f"http://{self.address('JAEGER_HTTP')}/api/v3/traces?query.service_name={service}"
            "&query.start_time_min=2000-01-01T00:00:00Z&query.start_time_max=2100-01-01T00:00:00Z"
            "&query.num_traces=10000&query.raw_traces=true"
        )
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return keys_in([json.dumps(json.load(answer)["result"])], service)
        except urllib.error.HTTPError as problem:
            if problem.code == 404:
                return Counter()
            raise

    def found(self, service: str, **tags: str) -> list[list[dict[str, Any]]]:
        """The spans of each trace that a search on Jaeger's screen finds."""
        asked = {"service": service, "lookback": "1h", "limit": "100", "tags": json.dumps(tags)}
        return [trace["spans"] for trace in self.ask_jaeger("/api/traces", asked)["data"]]

    def ask_jaeger(self, path: str, asked: dict[str, str]) -> dict[str, Any]:
        """What Jaeger's query API answers."""
        query = f"{path}?{urllib.parse.urlencode(asked)}"
        with urllib.request.urlopen(f"http://{self.address('JAEGER_HTTP')}{query}") as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def receive(self, traced: Traced, service: str, earlier: int = 0) -> None:
        """Send what a program had no time to send before it ended; wait for Jaeger to have all."""
        rbtrace("replay", str(traced.folder), "--endpoint", self.http)
        self.settle(service, earlier + traced.counted)

    def settle(self, service: str, spans: int) -> None:
        """Wait until Jaeger has so many spans of a service."""
        wait_until(
            lambda: len(self.in_jaeger(service)) >= spans, f"{spans} spans of {service} in Jaeger"
        )


COLLECTOR_PORTS = tuple(programs.COLLECTOR_ADDRESSES)


@contextmanager
def stopped(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A process that does nothing meanwhile."""
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


@contextmanager
def prepared(
    otelcol: str, jaeger_binary: str, folder: Path, overlays: tuple[str, ...] = (), **variables: str
) -> Iterator[Stack]:
    """A stack with addresses of its own, of which nothing runs yet; stopped at the end."""
    addresses = free_addresses(*COLLECTOR_PORTS, *programs.JAEGER_ADDRESSES, "TELEMETRY")
    screens = {name: addresses[name] for name in programs.JAEGER_ADDRESSES}
    receivers = {
        **{name: addresses[name] for name in COLLECTOR_PORTS},
        "COLLECTOR_TELEMETRY_PORT": addresses["TELEMETRY"].rpartition(":")[2],
        "COLLECTOR_JAEGER": addresses["JAEGER_GRPC"],
        "COLLECTOR_METRICS_INTERVAL": "1s",
        **variables,
    }
    jaeger = programs.jaeger(jaeger_binary, folder, screens)
    collector = programs.collector(otelcol, folder, receivers, overlays)
    try:
        yield Stack(collector, jaeger, folder)
    except BaseException:
        print(collector.last_lines())
        raise
    finally:
        collector.stop()
        jaeger.stop()


@contextmanager
def running(
    otelcol: str, jaeger_binary: str, folder: Path, overlays: tuple[str, ...] = (), **variables: str
) -> Iterator[Stack]:
    with prepared(otelcol, jaeger_binary, folder, overlays, **variables) as stack:
        stack.jaeger.start()
        stack.collector.start()
        yield stack


@dataclass(frozen=True)
class Traced:
    """A traced program that has ended."""

    folder: Path
    printed: str
    complaints: str

    @property
    def processes(self) -> int:
        """Processes that recorded something."""
        return len(list(self.folder.rglob("*.tally")))

    @property
    def counted(self) -> int:
        """Spans its processes counted."""
        tallies = [json.loads(path.read_text()) for path in self.folder.rglob("*.tally")]
        assert all(tally["dropped"] == 0 for tally in tallies)
        return sum(tally["ended"] for tally in tallies)

    def in_files(self, service: str) -> Keys:
        return keys_in(lines_of(self.folder.rglob("*.otlp.jsonl")), service)


def clean_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("RBTRACE_", "OTEL_"))}


def rbtrace(*arguments: str, expect: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [RBTRACE, *arguments],
        env=clean_environment() | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def report(*paths: Path | str) -> dict[str, Any]:
    """What `analyze` says, but for what differs between two readings of one run."""
    found = json.loads(rbtrace("analyze", *map(str, paths), "--format", "json").stdout)
    for key in ("environment", "warnings"):
        found.pop(key, None)
    return found


def trace(command: list[str], service: str, folder: Path, **variables: str) -> Traced:
    """Run a program traced; it must succeed."""
    done = subprocess.run(
        [sys.executable, *command],
        env=clean_environment()
        | {"RBTRACE_ENABLED": "1", "RBTRACE_DIR": str(folder), "OTEL_SERVICE_NAME": service}
        | variables,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    return Traced(folder, done.stdout, done.stderr)


SMALL = """
import rbtrace

@rbtrace.traced(hot=True)
def hot():
    pass

with rbtrace.span("outer"):
    for _ in range(1000):
        hot()
    for number in range(20):
        with rbtrace.span("inner", number=number):
            pass
"""


TOKEN = "a-token-that-nobody-prints"


def certificates(folder: Path, not_after: datetime | None = None) -> dict[str, str]:
    """The collector's variables for TLS on 127.0.0.1 and a token, with the files they name.

    A client's certificate of the same authority is beside them.
    """
    authority = trustme.CA()
    known = authority.issue_cert("client")
    known.private_key_pem.write_to_path(str(folder / "client.key"))
    known.cert_chain_pems[0].write_to_path(str(folder / "client.crt"))
    issued = authority.issue_cert("127.0.0.1", "localhost", not_after=not_after)
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    issued.private_key_pem.write_to_path(str(folder / "server.key"))
    for number, part in enumerate(issued.cert_chain_pems):
        part.write_to_path(str(folder / "server.crt"), append=number > 0)
    (folder / "token").write_text(TOKEN)
    return {
        "COLLECTOR_TLS_CERTIFICATE": str(folder / "server.crt"),
        "COLLECTOR_TLS_KEY": str(folder / "server.key"),
        "COLLECTOR_TOKEN_FILE": str(folder / "token"),
        "COLLECTOR_GATEWAY_TOKEN_FILE": str(folder / "token"),
        "COLLECTOR_GATEWAY_CA": str(folder / "ca.crt"),
    }
