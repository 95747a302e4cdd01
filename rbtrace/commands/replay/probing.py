"""Whether the collector that the environment names answers: asked with a request of no spans."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from rbtrace.commands.replay.endpoint import (
    GRPC,
    HTTP,
    BusyError,
    Endpoint,
    EndpointError,
    RefusedError,
    connect,
    endpoint_of,
)
from rbtrace.conventions import DEFAULT_SERVICE_NAME, USER_SCOPE_NAME

PROTOCOL_OF_EXPORTER: Final = {"otlp_proto_grpc": GRPC, "otlp_proto_http": HTTP}
TEST_SPAN: Final = "rbtrace doctor"
_DEFAULTS: Final = {GRPC: "http://localhost:4317", HTTP: "http://localhost:4318"}
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PATIENCE_S: Final = 5.0


def endpoint_of_exporter(exporter: str, environ: Mapping[str, str]) -> Endpoint:
    """The endpoint that a recorded program of this environment sends to.

    Raises:
        EndpointError: it cannot be understood.
    """
    protocol = PROTOCOL_OF_EXPORTER[exporter]
    url = next((environ[name] for name in _ENDPOINTS if environ.get(name)), _DEFAULTS[protocol])
    endpoint = endpoint_of(url, protocol, environ)
    return replace(endpoint, timeout_s=min(endpoint.timeout_s, _PATIENCE_S))


def probe(endpoint: Endpoint) -> None:
    """Ask with an empty request, of which a collector stores nothing.

    Raises:
        EndpointError: it does not answer, or takes nothing from us; the message says why.
        MissingExtraError: gRPC is asked for and its packages are not installed.
    """
    _send(endpoint, {"resourceSpans": []})


def send_test_span(endpoint: Endpoint, environ: Mapping[str, str]) -> str:
    """Send one span, and give its trace id.

    Raises:
        EndpointError: it was not taken; the message says why.
        MissingExtraError: gRPC is asked for and its packages are not installed.
    """
    trace = secrets.token_hex(16)
    now = time.time_ns()
    service = environ.get("OTEL_SERVICE_NAME") or DEFAULT_SERVICE_NAME
    span = {
        "traceId": trace,
        "spanId": secrets.token_hex(8),
        "name": TEST_SPAN,
        "kind": 1,
        "startTimeUnixNano": str(now - 1_000_000),
        "endTimeUnixNano": str(now),
    }
    named = {"key": "service.name", "value": {"stringValue": service}}
    scope = {"scope": {"name": USER_SCOPE_NAME}, "spans": [span]}
    resource = {"resource": {"attributes": [named]}, "scopeSpans": [scope]}
    _send(endpoint, {"resourceSpans": [resource]})
    return trace


def shown(endpoint: Endpoint) -> str:
    """The endpoint's address without what nobody is to see."""
    parts = urlsplit(endpoint.url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _send(endpoint: Endpoint, request: dict[str, Any]) -> None:
    try:
        receiver = connect(endpoint)
        try:
            rejected = receiver.send(msgspec.json.encode(request))
        finally:
            receiver.close()
    except BusyError as problem:
        raise EndpointError(f"{shown(endpoint)} does not answer: {problem}") from None
    except RefusedError as problem:
        raise EndpointError(f"{shown(endpoint)} takes nothing: {problem}") from None
    if rejected:
        raise EndpointError(f"{shown(endpoint)} rejected the span")
