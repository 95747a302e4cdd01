"""The spans of a test in every format that can be read."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Sequence
from typing import Any

import zstandard
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.spans import Span, lines, request

PER_MESSAGE = 3


def cut(spans: Sequence[Span]) -> list[Sequence[Span]]:
    return [spans[at : at + PER_MESSAGE] for at in range(0, len(spans), PER_MESSAGE)]


def protobuf(spans: Sequence[Span]) -> bytes:
    """One message, made by OpenTelemetry's own classes."""
    document = json.loads(json.dumps(request(spans)))
    for resource in document["resourceSpans"]:
        for span in resource["scopeSpans"][0]["spans"]:
            for one in (span, *span.get("links", [])):
                _base64_ids(one)
    serialized: bytes = ParseDict(document, ExportTraceServiceRequest()).SerializeToString()
    return serialized


def _base64_ids(fields: dict[str, Any]) -> None:
    """`ParseDict` follows protobuf's JSON, not OTLP's."""
    for name in ("traceId", "spanId", "parentSpanId"):
        if name in fields:
            fields[name] = base64.b64encode(bytes.fromhex(fields[name])).decode()


def varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def delimited(spans: Sequence[Span]) -> bytes:
    messages = [protobuf(part) for part in cut(spans)]
    return b"".join(varint(len(message)) + message for message in messages)


def big_endian(spans: Sequence[Span]) -> bytes:
    messages = [protobuf(part) for part in cut(spans)]
    return b"".join(len(message).to_bytes(4) + message for message in messages)


def collector_zstd(messages: Sequence[bytes]) -> bytes:
    """Frames as the collector's file exporter writes them."""
    frames = [zstandard.compress(message) for message in messages]
    return b"".join(len(frame).to_bytes(4) + frame for frame in frames)


def printed(spans: Sequence[Span]) -> bytes:
    return b"".join(json.dumps(request(part), indent=2).encode() + b"\n" for part in cut(spans))


def zstd_frames(content: bytes) -> bytes:
    return zstandard.compress(content[:100]) + zstandard.compress(content[100:])


FORMATS: dict[str, Callable[[Sequence[Span]], bytes]] = {
    "OTLP JSON lines": lines,
    "OTLP JSON, printed": printed,
    "OTLP JSON, one document": lambda spans: json.dumps(request(spans)).encode(),
    "OTLP JSON, an array": lambda spans: json.dumps(
        [request(part) for part in cut(spans)]
    ).encode(),
    "OTLP JSON, an answer": lambda spans: json.dumps({"result": request(spans)}, indent=1).encode(),
    "OTLP protobuf, one message": protobuf,
    "OTLP protobuf, varint lengths": delimited,
    "OTLP protobuf, four-byte lengths": big_endian,
    "gzip": lambda spans: gzip.compress(lines(spans)),
    "gzip of protobuf": lambda spans: gzip.compress(delimited(spans)),
    "two gzip members": lambda spans: gzip.compress(lines(spans)) + gzip.compress(b"\n"),
    "zstd": lambda spans: zstandard.compress(lines(spans)),
    "zstd without a size": lambda spans: zstandard.ZstdCompressor(
        write_content_size=False
    ).compress(lines(spans)),
    "two zstd frames": lambda spans: zstd_frames(lines(spans)),
    "zstd of protobuf": lambda spans: zstandard.compress(delimited(spans)),
    "the collector's zstd, JSON": lambda spans: collector_zstd(
        [json.dumps(request(part)).encode() for part in cut(spans)]
    ),
    "the collector's zstd, protobuf": lambda spans: collector_zstd(
        [protobuf(part) for part in cut(spans)]
    ),
}
