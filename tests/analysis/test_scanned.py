"""The compiled scanner finds in a file what Python finds in it, whatever is in it."""

from __future__ import annotations

import json
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace as trace_api
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link

from rbtrace import conventions as key
from rbtrace.analysis.loading import READERS, Reader
from rbtrace.analysis.readers import protobuf_spans
from rbtrace.analysis.readers.fast_path import COMPILED, LINKS, NAME, ROW, SHARED
from rbtrace.recording.export.encoder import encode_line
from rbtrace.recording.export.records import Record
from tests.analysis.both_ways import comparable, read_as
from tests.analysis.cases import CASES, CORPUS
from tests.benchmarks.analyzing.forest import trace
from tests.benchmarks.analyzing.writing import write_json, write_protobuf
from tests.support.compiler import CAN_COMPILE
from tests.support.encodings import FORMATS, delimited, protobuf, varint
from tests.support.small_trace import SPANS
from tests.support.spans import Span, lines, request

JSON, PROTOBUF = READERS[:2]
needs_compiled = pytest.mark.skipif(COMPILED is None, reason="the scanner is not compiled here")
LINE = lines([*SPANS[:6], SPANS[7]], per_line=7)
COMPACT = json.dumps(request(SPANS), separators=(",", ":"), ensure_ascii=False).encode()


def scanned(line: bytes) -> Any:
    assert COMPILED is not None
    return COMPILED.scan_line(line, {}, {})


def assert_same(content: bytes, reader: Reader = JSON) -> None:
    """The reader finds the same both ways."""
    with_it, without = (read_as(reader, content, compiled=one) for one in (True, False))
    assert comparable(with_it) == comparable(without)


@pytest.mark.skipif(not CAN_COMPILE, reason="needs CPython with its headers and a C compiler")
def test_the_scanner_is_compiled_where_it_can_be() -> None:
    assert COMPILED is not None


@needs_compiled
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file)
def test_every_edge_file(case: Any) -> None:
    content = (CORPUS / case.file).read_bytes()
    for reader in READERS:
        assert_same(content, reader)


@needs_compiled
@pytest.mark.parametrize("name", FORMATS)
def test_every_format(name: str) -> None:
    for reader in READERS:
        assert_same(FORMATS[name](SPANS), reader)


@needs_compiled
def test_chunks_of_many_lines(tmp_path: Path) -> None:
    many = [Span(at, f"n{at % 7}", at, at + 5, at // 2, attributes={"a": at}) for at in
            range(1, 3000)]  # fmt: skip
    odd = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"AAAA"}]}]}]}\n'
    for per_line in (1, 7, 2999):
        assert_same(lines(many, per_line))
        assert_same(odd.join(part + b"\n" for part in lines(many, per_line).splitlines()))
    assert_same(delimited(many), PROTOBUF)
    for write, reader in ((write_json, JSON), (write_protobuf, PROTOBUF)):
        with (tmp_path / "trace").open("wb") as file:
            write(file, trace(3))
        assert_same((tmp_path / "trace").read_bytes(), reader)


@needs_compiled
def test_lines_of_the_usual_encoders_are_scanned(tmp_path: Path) -> None:
    with (tmp_path / "trace").open("wb") as file:
        write_json(file, trace(3))
    for line in (LINE, COMPACT, *(tmp_path / "trace").read_bytes().splitlines(keepends=True)):
        rows, _, resources = scanned(line)
        assert len(rows) == ROW.itemsize * sum(count for _, count in resources)


@needs_compiled
def test_what_the_recorder_and_the_official_exporter_write_is_scanned() -> None:
    assert COMPILED is not None
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("scope", "1")
    with tracer.start_as_current_span("outer «x»", attributes={"a": [1e-9, 2.5], "b": 'é "😀"'}):
        with pytest.raises(KeyError), tracer.start_as_current_span("inner"):
            raise KeyError("event and status")
        links = [Link(trace_api.get_current_span().get_span_context(), {key.LINK: "parent"})]
        with tracer.start_as_current_span("linked", links=links):
            pass
    spans = memory.get_finished_spans()
    line = encode_line([Record(span, {key.CATEGORY: "io"}) for span in spans])
    assert len(scanned(line)[0]) == 3 * ROW.itemsize
    assert_same(line)
    encoded = encode_spans(spans).SerializeToString()
    (resource,) = protobuf_spans.decode_request(encoded).resource_spans
    rows, _, others = COMPILED.scan_spans(tuple(resource.scope_spans[0].spans), {}, {})
    assert (len(rows), others) == (3 * ROW.itemsize, [])
    assert_same(varint(len(encoded)) + encoded, PROTOBUF)


@needs_compiled
def test_what_is_known_is_no_miss() -> None:
    assert COMPILED is not None
    rows, misses, resources = scanned(COMPACT)
    assert [(row, about) for row, about, _ in misses if row >= 5] == [
        (5, NAME), (5, SHARED), (5, LINKS), (6, NAME), (6, SHARED), (7, NAME), (7, SHARED),
        (8, NAME), (8, SHARED),
    ]  # fmt: skip
    assert "".join(text.decode() for _, about, text in misses if about == NAME).endswith("orphan")
    names = {text: at for at, (_, about, text) in enumerate(misses) if about == NAME}
    shared = {text: at for at, (_, about, text) in enumerate(misses) if about == SHARED}
    again = COMPILED.scan_line(COMPACT, names, shared)
    assert again is not None
    assert [about for _, about, _ in again[1]] == [LINKS]
    assert again[2] == resources
    assert again[0] != rows


REFUSED = {
    "base64 ids": ('"traceId":"' + "0" * 31 + '1"', '"traceId":"AAAAAAAAAAAAAAAAAAAAAQ=="'),
    "a short id": ('"spanId":"0000000000000001"', '"spanId":"1"'),
    "no hexadecimal": ('"spanId":"0000000000000001"', '"spanId":"000000000000000g"'),
    "no id": ('"spanId":"0000000000000001",', ""),
    "a field twice": ('"name":"sweep"', '"name":"sweep","name":"sweep"'),
    "a null": ('"name":"sweep"', '"name":null'),
    "half a surrogate": ('"name":"sweep"', '"name":"\\ud800"'),
    "an escaped key": ('"name":"sweep"', '"n\\u0061me":"sweep"'),
    "a negative time": ('"startTimeUnixNano":"1000"', '"startTimeUnixNano":"-1"'),
    "a time with a fraction": ('"startTimeUnixNano":"1000"', '"startTimeUnixNano":1000.0'),
    "a time too late": ('"endTimeUnixNano":"9000"', f'"endTimeUnixNano":"{2**63}"'),
    "a time in words": ('"endTimeUnixNano":"9000"', '"endTimeUnixNano":"soon"'),
    "a leading zero": ('"endTimeUnixNano":"9000"', '"endTimeUnixNano":"09000"'),
    "a control character": ('"name":"sweep"', '"name":"\x01"'),
    "a NUL": ('"name":"sweep"', '"name":"\x00"'),
    "a NUL at the end": ("]}]}]}", "]}]}]}\0"),
    "two documents": ("]}]}]}", "]}]}]}{}"),
    "too deep": ('"kind":1', '"kind":' + "[" * 100 + "]" * 100),
    "much too deep": ('"kind":1', '"kind":' + "[" * 10**6),
    "a comma too many": ('"kind":1', '"kind":[1,]'),
    "no comma": ('"kind":1', '"kind":[1 1]'),
    "a cut word": ('"kind":1', '"kind":nul'),
    "a bad number": ('"kind":1', '"kind":1.'),
    "a bad escape": ('"kind":1', '"kind":"\\x"'),
}


@needs_compiled
@pytest.mark.parametrize("name", REFUSED)
def test_the_unusual_is_left_to_python(name: str) -> None:
    usual, unusual = REFUSED[name]
    line = COMPACT.decode()
    assert scanned(line.encode()) is not None
    assert usual in line
    changed = line.replace(usual, unusual, 1).encode()
    assert scanned(changed) is None
    assert_same(changed + b"\n" + COMPACT)


@needs_compiled
def test_invalid_utf8_in_a_name_is_left_to_python() -> None:
    changed = COMPACT.replace("é".encode(), b"\xff")
    assert changed != COMPACT
    assert scanned(changed) is None
    assert_same(changed + b"\n" + COMPACT)


@needs_compiled
def test_wherever_a_line_is_cut() -> None:
    line = COMPACT.strip()
    for at in range(len(line)):
        assert scanned(line[:at]) is None
    for at in range(0, len(line), 5):
        assert_same(line[:at] + b"\n" + line)


@needs_compiled
@pytest.mark.slow
@pytest.mark.parametrize("sign", [b"", b"\0", b'"', b"\\", b"{", b"}", b"]", b",", b"9", b" ",
                                  b"\xff"])  # fmt: skip
def test_whatever_byte_is_changed(sign: bytes) -> None:
    line = json.dumps(request(SPANS[3:6]), separators=(",", ":")).encode()
    for at in range(len(line)):
        changed = line[:at] + sign + line[at + 1 :]
        if scanned(changed) is not None:
            assert_same(changed)


_TEXTS = st.text(max_size=6) | st.sampled_from(['"', "\\", "é", "\x00", "\x7f", "😀", "/", "\n"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)
_ATTRIBUTES = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from([key.CATEGORY, key.TRIAL_NUMBER, key.IS_SUMMARY, "other"]),
            "value": st.fixed_dictionaries(
                {}, optional={"stringValue": _TEXTS, "intValue": _VALUES, "boolValue": _VALUES}
            ),
        }
    ),
    max_size=3,
)
_USUAL: dict[str, st.SearchStrategy[Any]] = {
    "traceId": st.sampled_from([f"{1:032x}", f"{0xABC:032X}", f"{0xABC:032x}", "0" * 32]),
    "spanId": st.sampled_from([f"{1:016x}", f"{0xABC:016X}", "0" * 16]),
    "parentSpanId": st.sampled_from([f"{1:016x}", f"{0xABC:016X}", ""]),
    "name": _TEXTS,
    "startTimeUnixNano": st.integers(0, 2**63 - 1).map(str) | st.integers(0, 2**63 - 1),
    "endTimeUnixNano": st.integers(0, 2**63 - 1).map(str) | st.integers(0, 2**63 - 1),
    "attributes": st.just([{"key": key.CATEGORY, "value": {"stringValue": "io"}}])
    | _ATTRIBUTES
    | _VALUES,
    "links": st.just(SPANS[5].links) | _VALUES,
    "events": _VALUES,
    "status": _VALUES,
}
_TIMES = st.sampled_from([-1, 2**63, 2**64, 1.0, 1e3, "", " 1", "1_0", "01", "1.0", "1e3", "+1"])
_UNUSUAL: dict[str, st.SearchStrategy[Any]] = {
    "traceId": st.sampled_from(["", "A" * 22 + "==", "g" * 32]),
    "spanId": st.sampled_from(["", "A" * 11 + "=", "g" * 16, "1"]),
    "parentSpanId": st.sampled_from(["", "A" * 11 + "=", "g" * 16, "1"]),
    "startTimeUnixNano": _TIMES,
    "endTimeUnixNano": _TIMES,
}
_REQUIRED = ("traceId", "spanId")


def _span(members: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    required = {name: members[name] for name in _REQUIRED}
    optional = {name: member for name, member in members.items() if name not in _REQUIRED}
    found = st.fixed_dictionaries(required, optional=optional)
    return found.flatmap(lambda one: st.permutations(list(one.items())).map(dict))


def _requests(spans: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    scopes = st.fixed_dictionaries(
        {"spans": st.lists(spans, min_size=1, max_size=4)}, optional={"scope": _VALUES}
    )
    described = request(SPANS[:1])["resourceSpans"][0]["resource"]
    resources = st.fixed_dictionaries(
        {"scopeSpans": st.lists(scopes, max_size=2)},
        optional={"resource": st.just(described) | _VALUES, "schemaUrl": _TEXTS},
    )
    return st.fixed_dictionaries(
        {"resourceSpans": st.lists(resources, min_size=1, max_size=2)}, optional={"more": _VALUES}
    )


_ANY = {name: member | _UNUSUAL.get(name, _VALUES) for name, member in _USUAL.items()}
_REQUESTS = st.booleans().flatmap(
    lambda usual: _requests(_span(_USUAL) if usual else _span(_ANY) | _VALUES)
)


@st.composite
def _lines(draw: st.DrawFn) -> bytes:
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " :\r\t ")]))
    text = json.dumps(draw(_REQUESTS), separators=separators, ensure_ascii=draw(st.booleans()))
    return text.encode("utf-8", "surrogatepass")


@needs_compiled
@pytest.mark.slow
@settings(max_examples=400)
@given(st.lists(_lines(), min_size=1, max_size=3))
def test_any_request(found: list[bytes]) -> None:
    assert_same(b"\n".join(found))


@needs_compiled
@pytest.mark.slow
@settings(max_examples=400)
@given(st.binary(max_size=20), st.integers(0, len(LINE)), st.integers(0, 60))
def test_any_damage(junk: bytes, at: int, skip: int) -> None:
    assert_same(LINE + LINE[:at] + junk + LINE[at + skip :] + LINE)


def messages(spans: list[Span]) -> list[bytes]:
    """Each span as OpenTelemetry's own classes encode it."""
    decoded = protobuf_spans.decode_request(protobuf(spans))
    return [span for one in decoded.resource_spans for span in one.scope_spans[0].spans]


@needs_compiled
def test_every_ordinary_protobuf_span_is_scanned() -> None:
    assert COMPILED is not None
    spans = messages(SPANS)
    rows, misses, others = COMPILED.scan_spans(tuple(spans), {}, {})
    assert others == [3, 6, 7], "a zero is not written, and one name is too long"
    assert len(rows) == ROW.itemsize * (len(spans) - 3)
    names = [raw.decode() for _, about, raw in misses if about == NAME]
    assert names == [one.name for number, one in enumerate(SPANS) if number not in others]
    assert COMPILED.scan_spans((), {}, {}) == (b"", [], [])


@needs_compiled
def test_wherever_a_protobuf_span_is_cut_or_changed() -> None:
    whole = messages(SPANS[1:2])[0]
    part = message([whole])
    for at in range(len(whole)):
        assert_same(part + message([whole[:at]]), PROTOBUF)
        for byte in (0x00, 0x08, 0x10, 0x7F, 0x80, 0xFF, whole[at] ^ 1):
            assert_same(part + message([whole[:at] + bytes([byte]) + whole[at + 1 :]]), PROTOBUF)


def message(spans: list[bytes]) -> bytes:
    """A request with these spans, its length before it."""
    scope = b"".join(b"\x12" + varint(len(span)) + span for span in spans)
    resource = b"\x12" + varint(len(scope)) + scope
    whole = b"\x0a" + varint(len(resource)) + resource
    return varint(len(whole)) + whole


@needs_compiled
@pytest.mark.slow
@settings(max_examples=400)
@given(st.binary(max_size=20), st.integers(0, 600), st.integers(0, 60))
def test_any_damage_of_protobuf(junk: bytes, at: int, skip: int) -> None:
    content = delimited(SPANS)
    assert_same(content + content[:at] + junk + content[at + skip :], PROTOBUF)


@needs_compiled
def test_a_scan_leaves_nothing_behind() -> None:
    assert COMPILED is not None
    refused, spans = COMPACT[:-5], tuple(messages(SPANS))
    names = {b"sweep": 1 << 20}
    before = sys.getrefcount(names[b"sweep"]), sys.getrefcount(COMPACT), sys.getrefcount(refused)
    tracemalloc.start()
    try:
        for _ in range(2):
            COMPILED.scan_line(COMPACT, names, {})
            COMPILED.scan_line(refused, names, {})
            COMPILED.scan_spans(spans, names, {})
        first, _ = tracemalloc.get_traced_memory()
        for _ in range(500):
            COMPILED.scan_line(COMPACT, names, {})
            COMPILED.scan_line(refused, names, {})
            COMPILED.scan_spans(spans, names, {})
        last, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    after = sys.getrefcount(names[b"sweep"]), sys.getrefcount(COMPACT), sys.getrefcount(refused)
    assert after == before
    assert last - first < 10_000


@needs_compiled
def test_the_scanner_takes_bytes_and_dictionaries_only() -> None:
    compiled: Any = COMPILED
    for wrong in (("", {}, {}), (bytearray(LINE), {}, {}), (LINE, [], {}), (LINE, {}, None)):
        with pytest.raises(TypeError):
            compiled.scan_line(*wrong)
    with pytest.raises(TypeError):
        compiled.scan_line(COMPACT, {b"sweep": "no code"}, {})
    for wrong in (([], {}, {}), (("",), {}, {}), ((), None, {})):
        with pytest.raises(TypeError):
            compiled.scan_spans(*wrong)
