"""Where spans go beside the files: an exporter the user names in the environment.

`OTEL_TRACES_EXPORTER` or an OTLP endpoint counts only if the user set it. The OpenTelemetry
distribution sets `OTEL_TRACES_EXPORTER=otlp` by itself when it starts a program; that is a
default, and defaults go to files.
"""

from __future__ import annotations

import logging
import os
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Final

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

from rbtrace.errors import MissingExtraError, warn_once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk.trace.export import SpanExporter

    from rbtrace.telemetry.records import Record

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
    """An exporter named in the environment, and the promise that it never raises."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._exporter: SpanExporter | None = None

    def load(self) -> bool:
        """Import and make the exporter; False if there is none."""
        # The exporter logs every failure; where nobody set up logging that would go to stderr.
        logging.getLogger("opentelemetry.exporter").addHandler(logging.NullHandler())
        try:
            self._exporter = _load_exporter(self.name)
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            warn_once(f"load:{self.name}", f"{problem}; spans kept in files")
        return self._exporter is not None

    def export(self, batch: Sequence[Record]) -> bool:
        """Export a batch; say whether it was taken. Waits as long as the exporter does."""
        from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415 - with the SDK

        from rbtrace.telemetry.stamped import stamped  # noqa: PLC0415 - with the SDK

        if self._exporter is None:
            return False
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, value=True))
        try:
            result = self._exporter.export([stamped(record) for record in batch])
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            self.say_undelivered(str(problem))
            return False
        finally:
            detach(token)
        if result is not SpanExportResult.SUCCESS:
            self.say_undelivered("not delivered")
            return False
        return True

    def say_undelivered(self, why: str) -> None:
        """Warn, once per destination, that spans stay in files."""
        warn_once(
            f"undelivered:{self.name}",
            f"{self.name}: {why}; spans are kept in files, `rbtrace replay` sends them",
        )

    def close(self) -> None:
        """Let the exporter go."""
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
