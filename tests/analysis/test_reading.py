"""Every way in which OTLP JSON lines come, and every way in which they come broken."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbtrace import conventions as key
from rbtrace.analysis.analyze import analyze_paths
from rbtrace.analysis.loading import load
from rbtrace.analysis.results import Results, evaluate
from rbtrace.errors import InputError
from tests.support.spans import SUMMARY, Span, lines, loaded, request, write

ROOT = Span(1, "root", 1_000, 1_100, category="user")
CHILD = Span(0xABC, "child", 1_010, 1_050, 1)
PLAIN = request([ROOT, CHILD])


def snake(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name): snake(item)
            for name, item in value.items()
        }
    return [snake(item) for item in value] if isinstance(value, list) else value


def each_span(change: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(PLAIN))
    for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        change(span)
    return document


def numbers(span: dict[str, Any]) -> None:
    span["startTimeUnixNano"] = int(span["startTimeUnixNano"])
    span["endTimeUnixNano"] = int(span["endTimeUnixNano"])


def upper_case(span: dict[str, Any]) -> None:
    for name in ("traceId", "spanId", "parentSpanId"):
        span[name] = span[name].upper()


def base64_ids(span: dict[str, Any]) -> None:
    for name in ("traceId", "spanId", "parentSpanId"):
        span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()


def kind_as_text(span: dict[str, Any]) -> None:
    span["kind"] = "SPAN_KIND_INTERNAL"


def nulls(span: dict[str, Any]) -> None:
    span |= {"links": None, "events": None, "status": None}
    span["attributes"] = span["attributes"] or None
    span["parentSpanId"] = span["parentSpanId"] or None


def extended(span: dict[str, Any]) -> None:
    span |= {"droppedAttributesCount": 0, "traceState": "a=b", "flags": 257, "newField": {"a": 1}}


def library_spans() -> dict[str, Any]:
    resource = PLAIN["resourceSpans"][0]
    return {
        "resourceSpans": [
            {
                "resource": resource["resource"],
                "instrumentationLibrarySpans": resource["scopeSpans"],
            }
        ]
    }


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(PLAIN, id="as the collector writes it"),
        pytest.param(each_span(numbers), id="times as numbers"),
        pytest.param(each_span(upper_case), id="upper-case ids"),
        pytest.param(each_span(base64_ids), id="base64 ids"),
        pytest.param(each_span(kind_as_text), id="kind as text"),
        pytest.param(each_span(nulls), id="nulls"),
        pytest.param(each_span(extended), id="fields we do not know"),
        pytest.param(snake(PLAIN), id="snake_case"),
        pytest.param(library_spans(), id="instrumentationLibrarySpans"),
    ],
)
def test_spellings(document: dict[str, Any]) -> None:
    results = evaluate(loaded(json.dumps(document).encode() + b"\n"))
    assert_usual(results)
    assert results.operations[0].category == "user"
    assert results.processes[0].process == "host/7"


def assert_usual(results: Results) -> None:
    assert {row.name: row.self_ns for row in results.operations} == {"root": 60, "child": 40}
    assert results.integrity.orphans == 0
    assert results.integrity.invalid_lines == 0
    assert results.integrity.truncated_lines == 0


LINE = json.dumps(PLAIN).encode()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xef\xbb\xbf" + LINE + b"\n", id="byte order mark"),
        pytest.param(LINE + b"\r\n", id="CRLF"),
        pytest.param(b"\n\n" + LINE + b"\n  \n\r\n", id="blank lines"),
        pytest.param(LINE, id="no newline at the end"),
        pytest.param(LINE + b"\n{}\n", id="an empty request"),
        pytest.param(b'{"resourceSpans":[]}\n' + LINE + b"\n", id="a request without spans"),
        pytest.param(LINE + b'\n{"resourceMetrics":[]}\n', id="metrics among the spans"),
    ],
)
def test_lines(content: bytes) -> None:
    assert_usual(evaluate(loaded(content)))


@pytest.mark.parametrize(
    ("line", "invalid", "truncated"),
    [
        pytest.param(LINE[:100] + b"\n", 1, 0, id="cut off within"),
        pytest.param(LINE[:100], 0, 1, id="cut off at the end"),
        pytest.param(b'{"something": "else"}\n', 1, 0, id="other JSON"),
        pytest.param(b"[1, 2]\n", 1, 0, id="a list"),
        pytest.param(b"\x00\xff\xfe\n", 1, 0, id="binary"),
        pytest.param(b"[" * 100_000 + b"\n", 1, 0, id="nested too deep"),
    ],
)
def test_broken_lines_are_counted(line: bytes, invalid: int, truncated: int) -> None:
    results = evaluate(loaded(LINE + b"\n" + line))
    assert results.integrity.invalid_lines == invalid
    assert results.integrity.truncated_lines == truncated
    assert results.integrity.spans == 2


@pytest.mark.parametrize(
    "broken",
    [
        {"spanId": "xyz"},
        {"spanId": ""},
        {"spanId": "0" * 16},
        {"spanId": "zz" * 8},
        {"spanId": "ä" * 16},
        {"traceId": "12"},
        {"traceId": "0" * 32},
        {"startTimeUnixNano": "-5"},
        {"startTimeUnixNano": "soon"},
        {"startTimeUnixNano": str(2**64)},
        {"name": 5},
    ],
    ids=repr,
)
def test_a_bad_span_among_good_ones(broken: dict[str, Any]) -> None:
    document = json.loads(LINE)
    spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    spans.append(spans[1] | {"spanId": "f" * 16} | broken)
    results = evaluate(loaded(json.dumps(document).encode() + b"\n"))
    assert results.integrity.spans == 2
    assert results.integrity.invalid_lines == 1


def test_rows_stay_together_when_bad_spans_are_left_out() -> None:
    summary = Span(5, "hot", parent=1, kind=SUMMARY, calls=3, total=9, self_ns=9)
    bad = Span(4, "bad", 0, 5)
    document = request([bad, summary, ROOT])
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] = "no"
    results = evaluate(loaded(json.dumps(document).encode()))
    assert {row.name: row.calls for row in results.operations} == {"root": 1, "hot": 3}


@pytest.mark.parametrize(
    "attributes",
    [
        [{"key": key.CATEGORY}],
        [{"key": key.CATEGORY, "value": {}}],
        [{"key": key.CATEGORY, "value": {"kvlistValue": {"values": []}}}],
        [{"key": key.TRIAL_NUMBER, "value": {"intValue": "many"}}],
        [{"key": key.TRIAL_NUMBER, "value": {"intValue": "9" * 30}}],
        [{"key": key.TRIAL_SCORE, "value": {"stringValue": "high"}}],
        [{"key": key.TRIAL_SCORE, "value": {"boolValue": True}}],
        [{"key": key.TRIAL_NUMBER, "value": {"doubleValue": 1e300}}],
    ],
    ids=repr,
)
def test_values_that_make_no_sense_say_nothing(attributes: list[dict[str, Any]]) -> None:
    document = each_span(lambda span: span.update(attributes=attributes))
    results = evaluate(loaded(json.dumps(document).encode()))
    assert results.trials == []
    assert {row.name for row in results.operations} == {"root", "child"}
    assert results.integrity.invalid_lines == 0


def test_attributes_that_are_none_are_counted() -> None:
    document = each_span(lambda span: span.update(attributes=f"no {key.CATEGORY}"))
    found = evaluate(loaded(json.dumps(document).encode())).integrity
    assert (found.spans, found.invalid_lines) == (2, 1)


def test_links_that_are_none_are_counted() -> None:
    document = each_span(lambda span: span.update(links=f"no {key.LINK}"))
    found = evaluate(loaded(json.dumps(document).encode())).integrity
    assert (found.spans, found.invalid_lines) == (2, 2)


def test_a_resource_that_is_none_says_nothing() -> None:
    document = json.loads(LINE)
    document["resourceSpans"][0]["resource"] = "here"
    results = evaluate(loaded(json.dumps(document).encode()))
    assert results.processes[0].process == "unknown"


def test_many_lines_in_many_chunks() -> None:
    spans = [Span(at, "a", 10, 20, attributes={"rbtrace.x": at}) for at in range(1, 40_000)]
    results = evaluate(loaded(lines(spans, per_line=1_000)))
    assert results.operations[0].calls == 39_999


def test_gzip_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(gzip.compress(LINE + b"\n"))
    assert_usual(analyze_paths([path]))


def test_gzip_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "trace.gz"
    content = gzip.compress(lines([ROOT] * 20_000, 1) + b" " * 100, mtime=0)
    path.write_bytes(content[: len(content) // 2])
    found = load([path])
    assert found.faults.truncated_lines >= 1
    assert found.table.size == 1


@pytest.mark.parametrize("content", [b"\x1f\x8b", b"\x1f\x8bnot really gzip at all"])
def test_damaged_gzip(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trace.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"trace\.gz"):
        analyze_paths([path])


def test_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rbtrace.analysis.readers.documents.LONGEST", 1_000)
    path = tmp_path / "long"
    path.write_bytes(b'{"resourceSpans":' + b" " * 2_000)
    with pytest.raises(InputError, match="a line or document is longer"):
        analyze_paths([path])


@settings(max_examples=300)
@given(st.binary(max_size=60), st.integers(0, len(LINE)), st.integers(0, 60))
def test_no_content_raises_anything(junk: bytes, at: int, skip: int) -> None:
    content = LINE + b"\n" + LINE[:at] + junk + LINE[at + skip :] + b"\n"
    found = evaluate(loaded(content))
    assert found.integrity.spans >= 2


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.otlp.jsonl", [ROOT, CHILD])
    seen: list[tuple[int, int]] = []
    load([path], lambda done, everything: seen.append((done, everything)))
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
