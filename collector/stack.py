"""Run the collector and Jaeger on this machine, with the configuration that the images get.

`make stack` builds both and runs this. It needs nothing but Python's standard library:

    python3 collector/stack.py COLLECTOR JAEGER [--config OVERLAY.yaml ...]

COLLECTOR and JAEGER are the two binaries. Ctrl-C, SIGTERM or the end of one of them ends both.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONFIGURATION = HERE.parent / "otel-collector.yaml"
JAEGER_CONFIGURATION = HERE / "jaeger.yaml"

COLLECTOR_ADDRESSES = {
    "COLLECTOR_GRPC": "127.0.0.1:4317",
    "COLLECTOR_HTTP": "127.0.0.1:4318",
    "COLLECTOR_HEALTH": "127.0.0.1:13133",
    "COLLECTOR_PROMETHEUS": "127.0.0.1:8889",
}
JAEGER_ADDRESSES = {
    "JAEGER_GRPC": "127.0.0.1:14317",
    "JAEGER_HTTP": "127.0.0.1:16686",
    "JAEGER_QUERY_GRPC": "127.0.0.1:16685",
    "JAEGER_HEALTH": "127.0.0.1:13134",
}
_TAKES_S = 30.0
_GRACE_S = 15.0
_LAST_LINES = 5


class StackError(Exception):
    """A program cannot be run; the message says which, why, and what to do."""


@dataclass
class Program:
    """One program of the stack, and where it logs.

    Attributes:
        name: what people call it.
        command: its command line.
        health: the URL that answers 200 while it works.
        variables: added to the environment.
        log: the file its output is appended to.
    """

    name: str
    command: Sequence[str]
    health: str
    variables: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it, and wait until it works.

        Raises:
            StackError: it cannot be started, ends, or does not work after half a minute.
        """
        for folder in (self.log.parent.parent, self.log.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log.touch(mode=0o600)
        with self.log.open("ab") as log:
            try:
                # A session of its own: Ctrl-C is for whoever runs the stack, who ends it in order.
                self.process = subprocess.Popen(  # noqa: S603 - the binaries the caller names
                    self.command,
                    env={**os.environ, **self.variables},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                    umask=0o077,
                )
            except OSError as problem:
                raise StackError(f"cannot run {self.command[0]}: {problem.strerror}") from None
        deadline = time.monotonic() + _TAKES_S
        while not self.works():
            if not self.runs():
                raise StackError(f"{self.name} ended as it started: {self.last_lines()}")
            if time.monotonic() > deadline:
                raise StackError(
                    f"{self.name} does not work after {_TAKES_S:.0f} s: see {self.log}"
                )
            time.sleep(0.05)

    def runs(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.poll() is None

    def works(self) -> bool:
        """Whether its health check says so."""
        try:
            with urllib.request.urlopen(self.health, timeout=2) as answer:  # noqa: S310 - http
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self) -> None:
        """End it with what it holds delivered; kill it if that takes too long."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def last_lines(self) -> str:
        """The end of its log, for a message."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([f"(from {self.log})", *lines[-_LAST_LINES:]])


def collector(
    binary: str, folder: Path, variables: Mapping[str, str], overlays: Sequence[str] = ()
) -> Program:
    """The collector with its files in `folder`; `variables` set its addresses and limits."""
    configurations = [f"--config={path}" for path in (CONFIGURATION, *overlays)]
    settings = {**COLLECTOR_ADDRESSES, "COLLECTOR_DIR": str(folder), **variables}
    return Program(
        "the collector",
        [binary, *configurations],
        f"http://{settings['COLLECTOR_HEALTH']}/",
        settings,
        folder / "log" / "collector.log",
    )


def jaeger(binary: str, folder: Path, variables: Mapping[str, str]) -> Program:
    """Jaeger with its log in `folder`; `variables` set its addresses and limits."""
    settings = {
        **JAEGER_ADDRESSES,
        "JAEGER_UI": str(HERE / "jaeger-ui.json"),
        "OTEL_TRACES_SAMPLER": "always_off",  # it traces its own queries otherwise
        **variables,
    }
    return Program(
        "Jaeger",
        [binary, f"--config={JAEGER_CONFIGURATION}"],
        f"http://{settings['JAEGER_HEALTH']}/status",
        settings,
        folder / "log" / "jaeger.log",
    )


def refuse_taken(variables: Mapping[str, str]) -> None:
    """Check that nobody listens where the stack is to.

    Raises:
        StackError: an address is taken; the message names the variable that changes it.
    """
    for name, address in variables.items():
        host, _, port = address.rpartition(":")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, int(port)))
            except (OSError, ValueError) as problem:
                raise StackError(
                    f"cannot listen on {address}: {problem}; set {name}=127.0.0.1:PORT"
                ) from None


def _chosen(defaults: Mapping[str, str]) -> dict[str, str]:
    return {name: os.environ.get(name, default) for name, default in defaults.items()}


def _say_addresses(receivers: Mapping[str, str], screens: Mapping[str, str], folder: Path) -> None:
    grpc = receivers["COLLECTOR_GRPC"]
    print(f"OTLP by gRPC       {grpc}")
    print(f"OTLP by HTTP       http://{receivers['COLLECTOR_HTTP']}")
    print(f"Jaeger             http://{screens['JAEGER_HTTP']}")
    print(f"Prometheus format  http://{receivers['COLLECTOR_PROMETHEUS']}/metrics")
    print(f"trace files        {folder / 'traces'}")
    print()
    print(f"RBTRACE_ENABLED=1 OTEL_EXPORTER_OTLP_ENDPOINT=http://{grpc} python my_backtest.py")
    print("Ctrl-C ends both.", flush=True)


def _watch(programs: Sequence[Program]) -> None:
    while True:
        for program in programs:
            if not program.runs():
                raise StackError(f"{program.name} ended: {program.last_lines()}")
        time.sleep(0.2)


def run(collector_binary: str, jaeger_binary: str, overlays: Sequence[str]) -> None:
    """Run both until interrupted.

    Raises:
        StackError: an address is taken, or one of them ended.
        KeyboardInterrupt: Ctrl-C or SIGTERM; both have ended.
    """
    folder = Path(os.environ.get("COLLECTOR_DIR", "collector-data")).absolute()
    receivers, screens = _chosen(COLLECTOR_ADDRESSES), _chosen(JAEGER_ADDRESSES)
    refuse_taken({**receivers, **screens})
    receivers["COLLECTOR_JAEGER"] = os.environ.get("COLLECTOR_JAEGER", screens["JAEGER_GRPC"])
    programs = [
        jaeger(jaeger_binary, folder, screens),
        collector(collector_binary, folder, receivers, overlays),
    ]
    try:
        for program in programs:
            program.start()
        _say_addresses(receivers, screens, folder)
        _watch(programs)
    finally:
        for program in reversed(programs):  # the collector first: it delivers to Jaeger
            program.stop()


def main() -> int:
    """Parse the command line, run, and say how it ended."""
    parser = argparse.ArgumentParser(description="Run the collector and Jaeger on this machine.")
    parser.add_argument("collector", help="the collector's binary, as `make collector` prints it")
    parser.add_argument("jaeger", help="Jaeger's binary, as `make jaeger` prints it")
    parser.add_argument(
        "--config", action="append", default=[], help="an overlay, such as overlays/secured.yaml"
    )
    arguments = parser.parse_args()

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    try:
        run(arguments.collector, arguments.jaeger, arguments.config)
    except KeyboardInterrupt:
        print("Both have ended.")
        return 0
    except StackError as problem:
        print(f"rbtrace: error: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
