"""Generated traces as files, in the formats that are compared."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from rbtrace.analysis.readers.otlp_protobuf import as_varint
from tests.benchmarks.analyzing.forest import (
    OPERATIONS,
    SPANS_PER_TRACE,
    VARYING,
    WORKERS,
    Trace,
    trace,
    trace_id,
)

_LINE_SPANS: Final = 512


def write(path: Path, spans: int, write_one: Callable[[BinaryIO, Trace], None]) -> int:
    """Write whole traces until there are at least so many spans.

    Returns:
        The number of spans written.
    """
    traces = -(-spans // SPANS_PER_TRACE)
    with path.open("wb") as file:
        for number in range(traces):
            write_one(file, trace(number))
    return traces * SPANS_PER_TRACE


def _attributes(values: dict[str, str | int]) -> list[dict[str, Any]]:
    return [
        {
            "key": key,
            "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value},
        }
        for key, value in values.items()
    ]


def _resource(number: int) -> dict[str, str | int]:
    return {
        "service.name": "rbtrace",
        "service.instance.id": f"{number % WORKERS:032x}",
        "host.name": "benchmark",
        "process.pid": 1000 + number % WORKERS,
        "rbtrace.run.id": "f" * 32,
    }


def _span_attributes(operation: int) -> dict[str, str | int]:
    return {
        "rbtrace.category": OPERATIONS[operation].category,
        "thread.id": 140_000_000_000_000,
        "code.function.name": f"rustybt.engine.{OPERATIONS[operation].name}",
    }


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


_JSON_ATTRIBUTES: Final = [
    _compact(_attributes(_span_attributes(n))) for n in range(len(OPERATIONS))
]


def _parts(trace: Trace) -> Iterator[slice]:
    for at in range(0, trace.span_id.size, _LINE_SPANS):
        yield slice(at, at + _LINE_SPANS)


def write_json(file: BinaryIO, trace: Trace) -> None:
    """OTLP JSON lines, as the collector's file exporter writes them."""
    trace_text = trace_id(trace.number).hex()
    head = (
        f'{{"resourceSpans":[{{"resource":{{"attributes":{_compact(_attributes(_resource(trace.number)))}'
        '},"scopeSpans":[{"scope":{"name":"rbtrace.rustybt","version":"0.1.0"},"spans":['
    )
    identities = [f"{identity:016x}" for identity in trace.span_id.tolist()]
    parents = ["" if parent < 0 else identities[parent] for parent in trace.parent.tolist()]
    rows = list(
        zip(
            identities,
            parents,
            trace.operation.tolist(),
            trace.start.tolist(),
            trace.end.tolist(),
            strict=True,
        )
    )
    for part in _parts(trace):
        spans = ",".join(
            f'{{"traceId":"{trace_text}","spanId":"{identity}","parentSpanId":"{parent}",'
            f'"flags":256,"name":"{OPERATIONS[operation].name}","kind":1,'
            f'"startTimeUnixNano":"{start}","endTimeUnixNano":"{end}",'
            f'"attributes":{_json_attributes(operation, start)},"status":{{}}}}'
            for identity, parent, operation, start, end in rows[part]
        )
        file.write(
            f'{head}{spans}]}}],"schemaUrl":"https://opentelemetry.io/schemas/1.37.0"}}]}}\n'.encode()
        )


def _json_attributes(operation: int, start: int) -> str:
    shared = _JSON_ATTRIBUTES[operation]
    if operation != VARYING:
        return shared
    return (
        f'{shared[:-1]},{{"key":"rustybt.bar_count","value":{{"intValue":"{start % 1_000_000}"}}}}]'
    )


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return as_varint(number << 3 | 2) + as_varint(len(content)) + content


def _key_value(key: str, value: str | int) -> bytes:
    any_value = b"\x18" + as_varint(value) if isinstance(value, int) else _field(1, value.encode())
    return _field(1, key.encode()) + _field(2, any_value)


def _fields(number: int, attributes: dict[str, str | int]) -> bytes:
    return b"".join(_field(number, _key_value(*item)) for item in attributes.items())


_PROTO_ATTRIBUTES: Final = [_fields(9, _span_attributes(n)) for n in range(len(OPERATIONS))]
_PROTO_NAMES: Final = [_field(5, operation.name.encode()) + b"\x30\x01" for operation in OPERATIONS]
_TIMES: Final = struct.Struct("<BQBQ")


def write_protobuf(file: BinaryIO, trace: Trace) -> None:
    """Length-delimited OTLP protobuf: before each message its length, as a varint."""
    trace_field = _field(1, trace_id(trace.number))
    identities = [identity.to_bytes(8) for identity in trace.span_id.tolist()]
    resource = _field(1, _fields(1, _resource(trace.number)))
    scope = _field(1, _field(1, b"rbtrace.rustybt") + _field(2, b"0.1.0"))
    schema = _field(3, b"https://opentelemetry.io/schemas/1.37.0")
    rows = list(
        zip(
            identities,
            trace.parent.tolist(),
            trace.operation.tolist(),
            trace.start.tolist(),
            trace.end.tolist(),
            strict=True,
        )
    )
    for part in _parts(trace):
        spans = []
        for identity, parent, operation, start, end in rows[part]:
            attributes = _PROTO_ATTRIBUTES[operation]
            if operation == VARYING:
                attributes += _field(9, _key_value("rustybt.bar_count", start % 1_000_000))
            above = b"" if parent < 0 else _field(4, identities[parent])
            spans.append(
                _field(
                    2,
                    b"".join(
                        (
                            trace_field,
                            _field(2, identity),
                            above,
                            _PROTO_NAMES[operation],
                            _TIMES.pack(0x39, start, 0x41, end),
                            attributes,
                        )
                    ),
                )
            )
        request = _field(1, resource + _field(2, scope + b"".join(spans)) + schema)
        file.write(as_varint(len(request)) + request)
