"""Where traces go when things go wrong: no collector, a silent one, one that dies, a full disk."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

PROTOCOLS = ("http/protobuf", "grpc")
CONFIGURATION = Path(__file__).parents[1] / "durability" / "collector.yaml"


@dataclass
class Place:
    """Where the traces of a case go, and what happens around it.

    Attributes:
        traces: the folder of trace files.
        environ: variables of the program.
        meanwhile: called once the program has started.
        afterwards: called when it is over; gives more paths to be analyzed.
    """

    traces: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    meanwhile: Callable[[Path], None] = lambda _counter: None
    afterwards: Callable[[], list[Path]] = list


type Setting = Callable[[Path], AbstractContextManager[Place]]


class UnavailableError(Exception):
    """This machine cannot make the place of a case."""


def destination(port: int, protocol: str) -> dict[str, str]:
    """The variables that send traces to a port of this machine."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
    }


def refused(protocol: str) -> Setting:
    """A port that nobody listens on and nobody else can take."""

    @contextlib.contextmanager
    def setting(folder: Path) -> Iterator[Place]:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            yield Place(folder / "traces", destination(taken.getsockname()[1], protocol))

    return setting


def black_hole(protocol: str) -> Setting:
    """A port that takes connections and never answers."""

    @contextlib.contextmanager
    def setting(folder: Path) -> Iterator[Place]:
        with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
            yield Place(folder / "traces", destination(silent.getsockname()[1], protocol))

    return setting


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Place]:
    """A file system of its own, of 32 megabytes.

    Raises:
        UnavailableError: this user may not mount one.
    """
    traces = folder / "traces"
    traces.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(traces)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise UnavailableError("only root can mount a file system") from problem
    try:
        yield Place(traces)
    finally:
        subprocess.run(["umount", str(traces)], check=True)


class Collector:
    """The real collector, which can be killed and started again with the same ports and files."""

    def __init__(self, folder: Path, binary: str) -> None:
        self.folder = folder
        self.ports = {protocol: free_port() for protocol in PROTOCOLS}
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        environ = {
            "PATH": os.environ["PATH"],
            "COLLECTOR_HTTP": f"127.0.0.1:{self.ports['http/protobuf']}",
            "COLLECTOR_GRPC": f"127.0.0.1:{self.ports['grpc']}",
            "COLLECTOR_DIR": str(self.folder),
        }
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binary, "--config", str(CONFIGURATION)], env=environ, stderr=log
            )
        for port in self.ports.values():
            wait_for(lambda port=port: listens(port), "the collector does not listen")

    def kill(self) -> None:
        """Kill it at once."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def size(self) -> int:
        """Bytes in its files."""
        return sum(path.stat().st_size for path in self.folder.rglob("*.otlp.jsonl"))


def collector_binary() -> str:
    """Path of the project's collector, built if it is not there.

    Raises:
        UnavailableError: it cannot be built here.
    """
    build = Path(__file__).parents[2] / "collector" / "build"
    if not build.exists():
        raise UnavailableError("there is no collector to build")
    done = subprocess.run([build, "otelcol"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(done.stderr.strip())
    return done.stdout.splitlines()[-1]


@contextlib.contextmanager
def running_collector(folder: Path) -> Iterator[Collector]:
    """A collector that writes what it gets to a folder."""
    (folder / "collected").mkdir()
    collector = Collector(folder / "collected", collector_binary())
    collector.start()
    try:
        yield collector
    finally:
        collector.kill()


def collector(protocol: str) -> Setting:
    """A collector that works."""

    @contextlib.contextmanager
    def setting(folder: Path) -> Iterator[Place]:
        with running_collector(folder) as running:
            yield Place(
                folder / "traces",
                destination(running.ports[protocol], protocol),
                afterwards=lambda: replayed(folder / "traces", running, protocol),
            )

    return setting


def restarted_collector(protocol: str) -> Setting:
    """A collector that is killed while a program sends to it, and started again."""

    @contextlib.contextmanager
    def setting(folder: Path) -> Iterator[Place]:
        traces = folder / "traces"
        with running_collector(folder) as running:

            def meanwhile(counter: Path) -> None:
                wait_for(lambda: running.size() > 0, "nothing arrived")
                running.kill()
                seen = counter.stat().st_size
                wait_for(lambda: counter.stat().st_size > seen + 100_000, "nothing was recorded")
                wait_for(lambda: bytes_in(traces) > 0, "nothing was kept")
                running.start()
                (folder / "stop").touch()

            yield Place(
                traces,
                destination(running.ports[protocol], protocol),
                meanwhile,
                lambda: replayed(traces, running, protocol),
            )

    return setting


def replayed(traces: Path, running: Collector, protocol: str) -> list[Path]:
    """Replay what was kept, then remove it: what counts is what the collector has."""
    endpoint = f"http://127.0.0.1:{running.ports[protocol]}"
    option = ["--protocol", "grpc" if protocol == "grpc" else "http"]
    command = [sys.executable, "-m", "rbtrace", "replay", str(traces), "--endpoint", endpoint]
    subprocess.run([*command, *option], check=True, capture_output=True)
    for path in traces.rglob("*.otlp.jsonl"):
        path.unlink()
    return [running.folder]


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.otlp.jsonl"))


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port: int = chosen.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_for(condition: Callable[[], bool], otherwise: str, seconds: float = 60) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it did not in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(0.01)
