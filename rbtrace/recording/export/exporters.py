"""Where spans and metrics go beside the files: exporters the user names in the environment.

`OTEL_TRACES_EXPORTER` or an OTLP endpoint counts only if the user set it. The OpenTelemetry
distribution sets `OTEL_TRACES_EXPORTER=otlp` by itself when it starts a program; that is a
default, and defaults go to files.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import sys
from abc import ABC, abstractmethod
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

from rbtrace.errors import MissingExtraError, warn_once
from rbtrace.recording.export.threads import are_replaced, is_background_thread
from rbtrace.system import high_socket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rbtrace.recording.export.records import Record

NO_EXPORTER: Final = "none"
_EXPORTER: Final = "OTEL_TRACES_EXPORTER"
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_METRICS_EXPORTER: Final = "OTEL_METRICS_EXPORTER"
_METRICS_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
_METRICS_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_OTLP: Final = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
_SESSIONS: Final = tuple(
    f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_{signal}CREDENTIAL_PROVIDER"
    for signal in ("", "TRACES_", "METRICS_")
)
"""Where users name a session of requests of their own."""
_UNSAFE_TO_FORK: Final = frozenset({"otlp_proto_grpc"})
"""Exporters with which a child aborts that was forked during a request: gRPC says "Other threads
are currently calling into gRPC, skipping fork() handlers", and fails a check in the child."""


def exporter_name(environ: Mapping[str, str] | None = None) -> str | None:
    """The exporter the user asks for: `otlp_proto_grpc`, `console`, `none`, …; None for files."""
    source = os.environ if environ is None else environ
    chosen = source.get(_EXPORTER, "").split(",")[0].strip().lower()
    if chosen and _set_by_distribution():
        chosen = ""
    if not chosen and any(source.get(name, "").strip() for name in _ENDPOINTS):
        chosen = "otlp"
    if chosen == "otlp":
        return _otlp_exporter(source, _PROTOCOLS)
    return chosen or None


def metric_exporter_name(environ: Mapping[str, str] | None = None) -> str | None:
    """The exporter of metrics the user asks for; None unless there is an endpoint for them.

    A collector for spans need not take metrics: its endpoint counts if `OTEL_METRICS_EXPORTER`
    says `otlp`.
    """
    source = os.environ if environ is None else environ
    chosen = source.get(_METRICS_EXPORTER, "").split(",")[0].strip().lower()
    endpoint = source.get(_METRICS_ENDPOINT, "").strip()
    general = source.get(_ENDPOINTS[0], "").strip() if chosen == "otlp" else ""
    if chosen in {"", "otlp"} and (endpoint or general):
        return _otlp_exporter(source, _METRICS_PROTOCOLS)
    return None


def _otlp_exporter(source: Mapping[str, str], protocols: Sequence[str]) -> str:
    protocol = next((source[name] for name in protocols if source.get(name)), "grpc").strip()
    return _OTLP.get(protocol, protocol)


def _set_by_distribution() -> bool:
    if "opentelemetry.instrumentation.auto_instrumentation" not in sys.modules:
        return False
    try:
        at_start = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return not any(entry.startswith(_EXPORTER.encode() + b"=") for entry in at_start)


class GuardedExporter[Sent](ABC):
    """An exporter named in the environment, and the promise that it never raises.

    Attributes:
        name: the exporter's, as OpenTelemetry's entry points have it.
        group: the group of entry points it is in.
        subject: what it is sent, for messages.
        otherwise: what becomes of that where the exporter does not take it, for messages.
    """

    group: ClassVar[str]
    subject: ClassVar[str]
    otherwise: ClassVar[str]

    def __init__(self, name: str) -> None:
        self.name = name
        self._make: Callable[[], Any] | None = None
        self._exporter: Any = None
        self._is_interrupted = False

    def load(self) -> bool:
        """Import the exporter, and make one, which imports more; False if there is none.

        Importing reads files, under descriptors that another thread of the program might close: it
        is done in the program's own thread.
        """
        try:
            if are_replaced():
                self.say_undelivered("gevent or eventlet has replaced threads and sockets")
                return False
            self._make = _find_exporter(self.group, self.name)
            if self.name in _loaded:  # by the process that this one was forked from
                return True
            _loaded.add(self.name)
            self._import_more()
            if self.is_unsafe_to_fork:  # making one starts threads
                return True
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            self._say_unusable(problem)
        return self._has_exporter()

    def export(self, batch: Sequence[Sent]) -> bool:
        """Export a batch; say whether it was taken. Waits as long as the exporter does."""
        if not self._has_exporter():
            return False
        if not _has_standard_descriptors():
            self.say_undelivered("a standard descriptor is closed, whose number a socket would get")
            return False
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, value=True))
        try:
            with self._noticing_closed_descriptors():
                is_taken = self._give(batch)
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            self.say_undelivered(str(problem))
            return False
        finally:
            detach(token)
        if not is_taken and not self._is_interrupted:
            self.say_undelivered("not delivered")
        return is_taken

    @contextmanager
    def _noticing_closed_descriptors(self) -> Iterator[None]:
        """Say so if the program closes descriptors it does not know of during a request."""
        mark = high_socket(socket.AF_UNIX, socket.SOCK_STREAM).detach()
        before = os.fstat(mark)
        try:
            yield
        finally:
            try:
                is_there = os.path.samestat(os.fstat(mark), before)
            except OSError:
                is_there = False
            if is_there:
                os.close(mark)
            else:
                warn_once(
                    f"descriptors:{self.name}",
                    f"the program closed descriptors of {self.name} during a request; "
                    "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or send with `rbtrace replay`",
                )

    def _has_exporter(self) -> bool:
        """Whether there is an exporter; one is made if not."""
        if self._is_interrupted:
            self._is_interrupted, self._exporter = False, None
        if self._exporter is None and self._make is not None:
            try:
                self._exporter = self._make()
                _keep_out_of_logs()
                _leave_random_numbers_alone()
            except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
                self._say_unusable(problem)
        return self._exporter is not None

    @property
    def is_connected(self) -> bool:
        """Whether there is an exporter: the first request of one takes longer."""
        return self._exporter is not None

    @property
    def is_unsafe_to_fork(self) -> bool:
        """Whether a child that is forked during a request cannot use the exporter."""
        return self.name in _UNSAFE_TO_FORK

    def interrupt(self) -> bool:
        """Have a request under way given up before a fork.

        It would harm the child of some exporters, and `os.fork` warns of the thread that waits.
        Called while another thread may be in `export`. What is exported next is so by a new
        exporter.

        Returns:
            Whether there was an exporter; the thread in `export` will return, if that gives up.
        """
        exporter = self._exporter
        if exporter is None or self._is_interrupted:
            return exporter is not None
        self._is_interrupted = True
        self._shut_down(exporter)
        return True

    @abstractmethod
    def _import_more(self) -> None:
        """Import what an export needs besides the exporter."""

    @abstractmethod
    def _give(self, batch: Sequence[Sent]) -> bool:
        """Give a batch to the exporter; say whether it was taken."""

    def say_undelivered(self, why: str) -> None:
        """Warn, once per exporter, what becomes of what it does not take."""
        warn_once(
            f"undelivered:{self.subject}:{self.name}", f"{self.name}: {why}; {self.otherwise}"
        )

    def _say_unusable(self, problem: Exception) -> None:
        warn_once(f"load:{self.subject}:{self.name}", f"{problem}; {self.otherwise}")

    def close(self) -> None:
        """Let the exporter go, with its connection; the next export makes another one."""
        exporter, self._exporter = self._exporter, None
        if exporter is not None and not self._is_interrupted:
            self._shut_down(exporter)

    def _shut_down(self, exporter: Any) -> None:
        try:
            exporter.shutdown()
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            warn_once(f"close:{self.name}", f"{self.name} did not close: {problem!r}")


class GuardedSpanExporter(GuardedExporter["Record"]):
    """Where spans go."""

    group = "opentelemetry_traces_exporter"
    subject = "spans"
    otherwise = "spans are kept in files, `rbtrace replay` sends them"

    def _import_more(self) -> None:
        import_module("rbtrace.recording.export.records")

    def _give(self, batch: Sequence[Record]) -> bool:
        from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415 - with the SDK

        from rbtrace.recording.export.records import with_extra_attributes  # noqa: PLC0415 - with the SDK

        result = self._exporter.export([with_extra_attributes(record) for record in batch])
        return result is SpanExportResult.SUCCESS


def span_exporter_of_environment() -> GuardedSpanExporter | None:
    """The exporter the environment names, or None for files alone."""
    name = exporter_name()
    return None if name is None or name == NO_EXPORTER else GuardedSpanExporter(name)


def _has_standard_descriptors() -> bool:
    try:
        for number in range(3):
            os.fstat(number)
    except OSError:
        return False
    return True


def _leave_random_numbers_alone() -> None:
    """Have exporters, which wait for random times, draw from a generator of their own."""
    for name, module in list(sys.modules.items()):
        if name.startswith("opentelemetry.exporter") and getattr(module, "random", None) is random:
            vars(module)["random"] = random.SystemRandom()


class _NotFromSenders(logging.Filter):
    """Keeps what exporters log in our threads out of the program's log: we say it ourselves."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not is_background_thread(record.thread)


_NOT_FROM_SENDERS: Final = _NotFromSenders()
_LOGGERS: Final = ("opentelemetry", "urllib3", "requests", "grpc")


def _keep_out_of_logs() -> None:
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in _LOGGERS:
            logging.getLogger(name).addFilter(_NOT_FROM_SENDERS)


_loaded: set[str] = set()


@cache
def _find_exporter(group: str, name: str) -> Callable[[], Any]:
    registered = entry_points(group=group, name=name)
    if registered:
        make: Callable[..., Any] = next(iter(registered)).load()
        if name == _OTLP["http/protobuf"] and not any(map(os.environ.get, _SESSIONS)):
            from rbtrace.recording.export.connections import session  # noqa: PLC0415 - heavy

            return lambda: make(session=session())
        return make
    if name in _OTLP.values():
        raise MissingExtraError("otlp", f"exporting to {name}")
    raise LookupError(f"{name} names no installed exporter")
