"""Traces read back from Jaeger: `jaeger://host:16686?service=…&lookback=2h` as OTLP JSON lines.

Jaeger's HTTP API v3 answers OTLP JSON, exact to the nanosecond, but it has no pages: it gives a
limited number of traces of a window of time and does not say whether there are more. If a window
has as many traces as the limit, its halves are queried instead.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlencode, urlsplit

import msgspec

from rbtrace.analysis.urls import JAEGER_SCHEMES, host_of, lookback_ns, parameters, port_of
from rbtrace.conventions import DEFAULT_SERVICE_NAME, RUN_ID
from rbtrace.errors import InputError

_PORT: Final = 16686
_TRACES: Final = 200
_LOOKBACK: Final = "2h"
_LOOKBACK_OF_RUN: Final = "30d"
_PARAMETERS: Final = ("service", "run", "lookback", "num_traces")
_TIMEOUT_S: Final = 120.0
_NARROWEST_NS: Final = 1_000
"""Jaeger's storage rounds starts to microseconds."""


class Window(NamedTuple):
    """Spans that start from `start` to `end`, epoch ns, both included."""

    start: int
    end: int

    def halves(self) -> tuple[Window, Window]:
        """The earlier and the later half."""
        middle = (self.start + self.end) // 2
        return Window(self.start, middle), Window(middle + 1, self.end)


@dataclass(frozen=True, slots=True)
class JaegerQuery:
    """A query to a Jaeger.

    Attributes:
        base: its address, with the path it is served under.
        service: `service.name` of the traces.
        run: keep traces of this run alone.
        lookback: how far back, as the user wrote it.
        num_traces: the most traces to ask for at once.
    """

    base: str
    service: str
    run: str | None
    lookback: str
    num_traces: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `jaeger://host[:port][/path][?service=…&run=…&lookback=2h&num_traces=200]`.

        Raises:
            InputError: it is not of that form.
        """
        parts = urlsplit(text)
        options = parameters(text, _PARAMETERS)
        port = port_of(text, _PORT)
        if not parts.hostname or parts.username is not None:
            # The URL is not shown: it may hold a password.
            raise InputError(f"not a Jaeger: write it as jaeger://localhost:{_PORT}?service=NAME")
        run = options.get("run")
        lookback = options.get("lookback", _LOOKBACK_OF_RUN if run else _LOOKBACK)
        num_traces = options.get("num_traces", str(_TRACES))
        if not num_traces.isdecimal() or int(num_traces) < 2:
            raise InputError(f"{text}: num_traces is a whole number of 2 or more")
        base = f"{JAEGER_SCHEMES[parts.scheme]}://{host_of(text)}:{port}{parts.path.rstrip('/')}"
        query = cls(
            base, options.get("service", DEFAULT_SERVICE_NAME), run, lookback, int(num_traces)
        )
        query.window(0)  # refuses an invalid lookback
        return query

    def window(self, now_ns: int) -> Window:
        """The window of time of the lookback."""
        return Window(now_ns - lookback_ns(self.lookback), now_ns)


def open_jaeger(text: str) -> io.BufferedReader:
    """The traces that a `jaeger://` URL names, as a file of OTLP JSON lines.

    Raises:
        InputError: the URL is not understood, or Jaeger cannot be asked or has no such traces.
    """
    query = JaegerQuery.parse(text)
    lines = _lines(query)
    first = next(lines, None)
    if first is None:
        raise InputError(_why_no_traces(query))
    return io.BufferedReader(_LineStream(first, lines))


class _LineStream(io.RawIOBase):
    """Lines that are made as they are read."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._ready = memoryview(first)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._ready:
            self._ready = memoryview(next(self._rest, b""))
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


def _lines(query: JaegerQuery) -> Iterator[bytes]:
    """Lines of the windows below the limit; each trace is in those of the first that has it."""
    known_traces: set[str] = set()
    windows = [query.window(time.time_ns())]
    while windows:
        window = windows.pop()
        resources = _resources_in(query, window)
        traces = {span["traceId"] for span in _spans(resources)}
        if len(traces) < query.num_traces:
            new_traces = traces - known_traces
            known_traces |= traces
            if query.run is not None:
                new_traces &= _traces_of_run(resources, query.run)
            for resource in _with_traces(resources, new_traces):
                yield msgspec.json.encode({"resourceSpans": [resource]}) + b"\n"
        elif window.end - window.start <= _NARROWEST_NS:
            raise InputError(
                f"{query.base} has {query.num_traces} traces or more of {query.service} in one "
                "microsecond, and gives no more at once: ask with a larger num_traces"
            )
        else:
            earlier, later = window.halves()
            windows += [later, earlier]


def _resources_in(query: JaegerQuery, window: Window) -> list[dict[str, Any]]:
    answer = _get_json(
        query,
        "/api/v3/traces",
        {
            "query.service_name": query.service,
            "query.start_time_min": _rfc3339(window.start),
            "query.start_time_max": _rfc3339(window.end),
            "query.num_traces": str(query.num_traces),
            "query.raw_traces": "true",
        },
    )
    resources: list[dict[str, Any]] = answer.get("result", {}).get("resourceSpans", [])
    return resources


def _get_json(query: JaegerQuery, path: str, parameters: dict[str, str]) -> dict[str, Any]:
    """An answer of Jaeger as JSON; empty if there are no such traces."""
    import urllib.error  # noqa: PLC0415 - slow to import, and few ask a Jaeger
    import urllib.request  # noqa: PLC0415

    url = f"{query.base}{path}?{urlencode(parameters)}"
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - http(s)
            content = answer.read()
        document = msgspec.json.decode(content)
    except urllib.error.HTTPError as problem:
        detail = problem.read(500).decode(errors="replace").strip()
        if problem.code == 404 and "No traces found" in detail:
            return {}
        raise InputError(f"{query.base} answers {problem.code}: {detail}") from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "reason", problem)
        raise InputError(f"cannot read traces from Jaeger at {query.base}: {reason}") from None
    if not isinstance(document, dict):
        raise InputError(f"{query.base} does not answer as Jaeger does")
    return document


def _why_no_traces(query: JaegerQuery) -> str:
    services = _get_json(query, "/api/v3/services", {}).get("services", [])
    if query.service not in services:
        known = ", ".join(sorted(services)) or "none"
        return f"Jaeger at {query.base} has no service {query.service}; it has: {known}"
    of_run = f" of run {query.run}" if query.run else ""
    return (
        f"Jaeger at {query.base} has no trace{of_run} of {query.service} in the last "
        f"{query.lookback}; ask for more with lookback="
    )


def _rfc3339(time_ns: int) -> str:
    seconds, ns = divmod(time_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ns:09d}Z"


def _spans(resources: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for resource in resources:
        for scope in resource.get("scopeSpans", ()):
            yield from scope.get("spans", ())


def _traces_of_run(resources: list[dict[str, Any]], run: str) -> set[str]:
    """Traces of the run: a resource has its id, or a span of another tracer provider has."""
    traces = set()
    for resource in resources:
        is_of_run = _names_run(resource.get("resource", {}), run)
        for span in _spans([resource]):
            if is_of_run or _names_run(span, run):
                traces.add(span["traceId"])
    return traces


def _names_run(holder: dict[str, Any], run: str) -> bool:
    attributes = holder.get("attributes", ())
    return {"key": RUN_ID, "value": {"stringValue": run}} in attributes


def _with_traces(resources: list[dict[str, Any]], traces: set[str]) -> Iterator[dict[str, Any]]:
    """The resources, with only the spans of these traces."""
    for resource in resources:
        scopes = []
        for scope in resource.get("scopeSpans", ()):
            spans = [span for span in scope.get("spans", ()) if span["traceId"] in traces]
            if spans:
                scopes.append({**scope, "spans": spans})
        if scopes:
            yield {**resource, "scopeSpans": scopes}
