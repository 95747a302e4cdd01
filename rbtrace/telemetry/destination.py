"""Where spans go beside the files: an exporter the user names in the environment.

`OTEL_TRACES_EXPORTER` or an OTLP endpoint counts only if the user set it. The OpenTelemetry
distribution sets `OTEL_TRACES_EXPORTER=otlp` by itself when it starts a program; that is a
default, and defaults go to files.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rbtrace.errors import MissingExtraError, warn_once
from rbtrace.telemetry.errand import ErrandThread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk.trace.export import SpanExporter

    from rbtrace.telemetry.records import Record

WAIT_S: Final = 1.0
"""How long an export is waited for."""
LOADING_S: Final = 5.0
"""How long the first export waits for the exporter to be imported."""
NO_EXPORTER: Final = "none"
_EXPORTER: Final = "OTEL_TRACES_EXPORTER"
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_OTLP: Final = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}


def exporter_name(environ: Mapping[str, str] | None = None) -> str | None:
    """The exporter the user asks for: `otlp_proto_grpc`, `console`, `none`, …; None for files."""
    source = os.environ if environ is None else environ
    chosen = source.get(_EXPORTER, "").split(",")[0].strip().lower()
    if chosen and _set_by_distribution():
        chosen = ""
    if not chosen and any(source.get(name, "").strip() for name in _ENDPOINTS):
        chosen = "otlp"
    if chosen == "otlp":
        protocol = next((source[name] for name in _PROTOCOLS if source.get(name)), "grpc")
        return _OTLP.get(protocol.strip(), protocol.strip())
    return chosen or None


def _set_by_distribution() -> bool:
    if "opentelemetry.instrumentation.auto_instrumentation" not in sys.modules:
        return False
    try:
        at_start = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return not any(entry.startswith(_EXPORTER.encode() + b"=") for entry in at_start)


class Destination:
    """An exporter, and the promises that it never raises and never keeps anybody waiting for long.

    The exporter is loaded and called in a thread of its own, which is waited for only so long.
    While an export is still under way nothing else is sent, and spans are kept in files.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._thread = ErrandThread("rbtrace-send")
        self._exporter: SpanExporter | None = None

    def start(self) -> None:
        """Make ready to send; call it while the program runs."""
        self._thread.start()
        self._thread.run(self._load, wait_s=0)

    def send(self, batch: Sequence[Record], wait_s: float = WAIT_S) -> bool:
        """Export a batch; say whether the receiver took it in time."""
        if self._exporter is None:
            self._thread.wait(LOADING_S)
        taken: list[bool] = []
        if not self._thread.run(lambda: taken.append(self._export(batch)), wait_s):
            warn_once(f"slow:{self.name}", f"{self.name} does not answer; spans kept in files")
        return taken == [True]

    def close(self, wait_s: float = WAIT_S) -> None:
        """Let the exporter go."""
        self._thread.run(self._shutdown, wait_s)

    def _load(self) -> None:
        try:
            self._exporter = _load_exporter(self.name)
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            warn_once(f"load:{self.name}", f"{problem}; spans kept in files")

    def _export(self, batch: Sequence[Record]) -> bool:
        from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415 - with the SDK

        from rbtrace.telemetry.stamped import stamped  # noqa: PLC0415 - with the SDK

        if self._exporter is None:
            return False
        try:
            result = self._exporter.export([stamped(record) for record in batch])
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            warn_once(f"export:{self.name}", f"{self.name}: {problem}; spans kept in files")
            return False
        if result is not SpanExportResult.SUCCESS:
            warn_once(f"export:{self.name}", f"{self.name} did not deliver; spans kept in files")
            return False
        return True

    def _shutdown(self) -> None:
        try:
            if self._exporter is not None:
                self._exporter.shutdown()
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            warn_once(f"close:{self.name}", f"{self.name} did not close: {problem!r}")


def destination_of_environment() -> Destination | None:
    """The destination the environment names, or None for files alone."""
    name = exporter_name()
    return None if name is None or name == NO_EXPORTER else Destination(name)


def _load_exporter(name: str) -> SpanExporter:
    found = entry_points(group="opentelemetry_traces_exporter", name=name)
    if found:
        exporter: SpanExporter = next(iter(found)).load()()
        return exporter
    if name in _OTLP.values():
        raise MissingExtraError("otlp", f"exporting to {name}")
    raise LookupError(f"{_EXPORTER}={name} names no installed exporter")
