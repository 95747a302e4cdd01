"""OTLP/gRPC: lines of JSON become protobuf messages (needs the extra `otlp`)."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from rbtrace.commands.replay.endpoint import BusyError, Endpoint, EndpointError, RefusedError
from rbtrace.errors import MissingExtraError

try:
    import grpc
    from google.protobuf import json_format
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
except ModuleNotFoundError as problem:
    raise MissingExtraError("otlp", "sending by gRPC") from problem

_BUSY: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
    }
)
_NOT_ALLOWED: Final = frozenset(
    {
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
_IDS: Final = ("traceId", "spanId", "parentSpanId")


class GrpcSender:
    """A channel to the trace service of a collector."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Read the certificates; connect with the first request.

        Raises:
            EndpointError: a certificate cannot be read.
        """
        parts = urlsplit(endpoint.url)
        address = f"{parts.hostname}:{parts.port or 4317}"
        self._url = endpoint.url
        self._timeout_s = endpoint.timeout_s
        self._metadata = [(name.lower(), value) for name, value in endpoint.headers.items()]
        compression = grpc.Compression.Gzip if endpoint.gzip else grpc.Compression.NoCompression
        if parts.scheme == "https":
            self._channel = grpc.secure_channel(address, _tls(endpoint), compression=compression)
        else:
            self._channel = grpc.insecure_channel(address, compression=compression)
        self._service = TraceServiceStub(self._channel)

    def send(self, request: bytes) -> int:
        """Send one request; return how many of its spans were rejected."""
        try:
            message = to_message(request)
        except (json_format.ParseError, ValueError) as problem:
            raise RefusedError(f"not OTLP: {problem}") from None
        try:
            answer = self._service.Export(message, timeout=self._timeout_s, metadata=self._metadata)
        except grpc.RpcError as problem:
            code, details = problem.code(), problem.details()
            if code in _BUSY:
                raise BusyError(f"{code.name}: {details}") from None
            if code in _NOT_ALLOWED:
                raise EndpointError(f"{self._url} answers {code.name}: {details}") from None
            raise RefusedError(f"{code.name}: {details}") from None
        return int(answer.partial_success.rejected_spans)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


def to_message(request: bytes) -> ExportTraceServiceRequest:
    """A request in OTLP/JSON as a protobuf message.

    OTLP writes ids as hex digits where protobuf's JSON mapping has base64.
    """
    document = msgspec.json.decode(request)
    for group in document.get("resourceSpans", ()):
        for scope in group.get("scopeSpans", ()):
            for span in scope.get("spans", ()):
                _ids_as_base64(span)
                for link in span.get("links", ()):
                    _ids_as_base64(link)
    message = ExportTraceServiceRequest()
    json_format.ParseDict(document, message, ignore_unknown_fields=True)
    return message


def _ids_as_base64(owner: dict[str, Any]) -> None:
    for name in _IDS:
        if owner.get(name):
            owner[name] = base64.b64encode(bytes.fromhex(owner[name])).decode()


def _tls(endpoint: Endpoint) -> grpc.ChannelCredentials:
    try:
        root, key, chain = (
            Path(name).read_bytes() if name else None
            for name in (
                endpoint.certificate,
                endpoint.client_key,
                endpoint.client_certificate,
            )
        )
    except OSError as problem:
        raise EndpointError(f"cannot read the certificate: {problem}") from None
    return grpc.ssl_channel_credentials(root, key, chain)
