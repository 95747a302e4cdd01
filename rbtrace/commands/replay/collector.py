"""A collector: connecting to it, asking whether it answers, and sending it a test span."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final

import msgspec

from rbtrace.commands.replay.endpoint import (
    GRPC,
    BusyError,
    Endpoint,
    EndpointError,
    RefusedError,
    Sender,
)
from rbtrace.conventions import DEFAULT_SERVICE_NAME, USER_SCOPE_NAME

TEST_SPAN: Final = "rbtrace doctor"


def connect(endpoint: Endpoint) -> Sender:
    """Make ready to send to an endpoint.

    Raises:
        EndpointError: a certificate cannot be used.
        MissingExtraError: gRPC is asked for and its packages are not installed.
    """
    if endpoint.protocol == GRPC:
        from rbtrace.commands.replay.grpc_sender import GrpcSender  # noqa: PLC0415 - heavy

        return GrpcSender(endpoint)
    from rbtrace.commands.replay.http_sender import HttpSender  # noqa: PLC0415 - only when needed

    return HttpSender(endpoint)


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
    trace_id = secrets.token_hex(16)
    now = time.time_ns()
    service = environ.get("OTEL_SERVICE_NAME") or DEFAULT_SERVICE_NAME
    span = {
        "traceId": trace_id,
        "spanId": secrets.token_hex(8),
        "name": TEST_SPAN,
        "kind": 1,
        "startTimeUnixNano": str(now - 1_000_000),
        "endTimeUnixNano": str(now),
    }
    attribute = {"key": "service.name", "value": {"stringValue": service}}
    scope_spans = {"scope": {"name": USER_SCOPE_NAME}, "spans": [span]}
    resource_spans = {"resource": {"attributes": [attribute]}, "scopeSpans": [scope_spans]}
    _send(endpoint, {"resourceSpans": [resource_spans]})
    return trace_id


def _send(endpoint: Endpoint, request: dict[str, Any]) -> None:
    try:
        with closing(connect(endpoint)) as sender:
            rejected = sender.send(msgspec.json.encode(request))
    except BusyError as problem:
        raise EndpointError(f"{endpoint.public_url} does not answer: {problem}") from None
    except RefusedError as problem:
        raise EndpointError(f"{endpoint.public_url} takes nothing: {problem}") from None
    if rejected:
        raise EndpointError(f"{endpoint.public_url} rejected the span")
