"""What a traced program leaves, as text: files, spans, keys in their order.

Ids are numbered in the order in which they appear; times, durations and all that differs by machine
is left out. Lines of a file are joined: where one ends depends on when it was flushed.
"""

from __future__ import annotations

import json
import re
import socket
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

_OF_MACHINE: Final = frozenset({
    "telemetry.sdk.version", "service.instance.id", "host.name", "process.pid", "thread.id",
})  # fmt: skip
_OF_TIME: Final = re.compile(
    r"_ns$|UnixNano$|histogram_bucket|process\.spans_exported|^(started|pid|host|instance|start)$"
)
CALLS: Final = "aggregation.span_count"
EXEMPLAR: Final = "rbtrace.exemplar"
_LISTS: Final = ("attributes", "events", "links")
_OF_FILE: Final = frozenset({"spans_file", "bytes"})
_OF_PROFILE: Final = frozenset({"thread", "python", "program", "interval_ns"})


class Normalizer:
    """Numbers ids and files of a run, in the order in which they are met."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def identity(self, kind: str, text: str) -> str:
        """A short name of an id, the same for the same."""
        if not text:
            return text
        number = sum(name.startswith(kind) for name in self._ids.values()) + 1
        return self._ids.setdefault(text, f"{kind}-{number}")

    def span(self, span: Mapping[str, Any]) -> Iterator[str]:
        """A span, a line for each of its fields and attributes."""
        for name, value in span.items():
            if name in _LISTS:
                yield f"  {name}:"
                for one in value:
                    yield from self._entry(one)
            else:
                yield f"  {name}: {json.dumps(self._field(name, value), ensure_ascii=False)}"

    def _entry(self, one: Mapping[str, Any]) -> Iterator[str]:
        if "key" in one:
            yield f"    {attribute(one)}"
            return
        head = {name: self._field(name, value) for name, value in one.items() if name not in _LISTS}
        yield f"    {json.dumps(head, ensure_ascii=False)}"
        for inner in one.get("attributes", ()):
            yield f"      {attribute(inner)}"

    def _field(self, name: str, value: Any) -> Any:
        if name in {"traceId", "spanId", "parentSpanId"}:
            return self.identity("trace" if name == "traceId" else "span", value)
        return hidden(value) if _OF_TIME.search(name) else value


def hidden(value: Any) -> str:
    """Of a value that differs each time, its type."""
    if isinstance(value, dict):
        kinds = {kind for one in value["values"] for kind in one}
        return f"… {', '.join(sorted(kinds))}"
    return f"… {type(value).__name__}"


def attribute(entry: Mapping[str, Any]) -> str:
    """An attribute on a line: key, type, and the value where it is the same each time."""
    key, wrapped = entry["key"], entry["value"]
    if not wrapped:
        return f"{key} none"
    ((kind, value),) = wrapped.items()
    if key in _OF_MACHINE or _OF_TIME.search(key):
        value = hidden(value)
    if key == "exception.stacktrace":
        value = re.sub(r'File "[^"]*", line \d+', "File …", value)
    return f"{key} {kind} {json.dumps(value, ensure_ascii=False)}"


def described(folder: Path) -> str:
    """Everything that is in the folder."""
    texts = []
    for run in sorted(path for path in folder.iterdir() if path.is_dir()):
        texts.append(f"{mode(run)} {run.name}/\n")
        files = [(_rank(file), file) for file in run.iterdir()]
        normalizer = Normalizer()
        stems = list(dict.fromkeys(stem for (_, stem, _), _ in sorted(files)))
        for (_, stem, suffix), file in sorted(files):
            texts.append(f"{mode(file)} HOST-PID{stems.index(stem) + 1}-0{suffix}\n")
            texts += [f"{line}\n" for line in _content(file, suffix, normalizer)]
    return "".join(texts)


def mode(path: Path) -> str:
    """The permissions, in octal."""
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def _rank(file: Path) -> tuple[bool, str, str]:
    """Whether a process is another's child, the stem of its files, the suffix of this one."""
    found = re.fullmatch(r"(.+-\d+-0)(\.[a-z.]+)", file.name)
    assert found is not None, file.name
    host = re.sub(r"[^\w.]", "_", socket.gethostname())[:64]
    assert re.fullmatch(rf"{re.escape(host)}-\d+-0", found[1])
    spans = spans_in(file.with_name(f"{found[1]}.otlp.jsonl"))
    return all("parentSpanId" in span for _, span in spans), found[1], found[2]


def spans_in(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The spans of a file, each with the name of its scope."""
    for line in file.read_bytes().splitlines():
        for group in json.loads(line)["resourceSpans"]:
            for scope in group["scopeSpans"]:
                for span in scope["spans"]:
                    yield scope["scope"]["name"], span


def operations(folder: Path) -> str:
    """Operations under the one that calls them: how often, and with which attributes."""
    spans = [found for file in sorted(folder.rglob("*.otlp.jsonl")) for found in spans_in(file)]
    names = {span["spanId"]: span["name"] for _, span in spans}
    rows: dict[str, list[int]] = {}
    for scope, span in spans:
        keys = {entry["key"]: entry["value"] for entry in span["attributes"]}
        caller = names.get(span.get("parentSpanId", ""), "–")
        if EXEMPLAR in keys:
            continue  # which calls were the slowest differs each time
        calls = int(keys[CALLS]["intValue"]) if CALLS in keys else 1
        category = keys.get("rbtrace.category", {}).get("stringValue")
        row = f"{scope}: {caller} > {span['name']} ({category}): {', '.join(keys)}"
        rows.setdefault(row, []).append(calls)
    return "".join(f"{sum(rows[row])} × {row}\n" for row in sorted(rows))


def _content(file: Path, suffix: str, normalizer: Normalizer) -> Iterable[str]:
    lines = file.read_bytes().splitlines()
    if suffix == ".profile.jsonl":
        return _profile(lines)
    if suffix == ".tally":
        return [f"  {json.dumps(_tally(json.loads(line)))}" for line in lines]
    return _spans(lines, normalizer)


def _profile(lines: list[bytes]) -> Iterator[str]:
    header, *others = map(json.loads, lines)
    shown = {
        name: hidden(value) if name in _OF_PROFILE else value for name, value in header.items()
    }
    yield f"  {json.dumps(_tally(shown))}"
    yield from sorted({f"  {json.dumps(list(line))}" for line in others})


def _tally(tally: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: hidden(value) if _OF_TIME.search(name) or name in _OF_FILE else value
        for name, value in tally.items()
    }


def _spans(lines: list[bytes], normalizer: Normalizer) -> Iterator[str]:
    head: list[str] = []
    for request in map(json.loads, lines):
        assert list(request) == ["resourceSpans"]
        for group in request["resourceSpans"]:
            for scope in group["scopeSpans"]:
                found = [*_head(group, scope)]
                if found != head:
                    yield from found
                    head = found
                for span in scope["spans"]:
                    yield "  span"
                    yield from (f"  {line}" for line in normalizer.span(span))


def _head(group: Mapping[str, Any], scope: Mapping[str, Any]) -> Iterator[str]:
    yield f"  resource {list(group)} {list(group['resource'])}"
    yield from (f"    {attribute(entry)}" for entry in group["resource"]["attributes"])
    name = {**scope["scope"], "version": "…"}
    yield f"  scope {json.dumps(name)} {list(scope)} {scope.get('schemaUrl')}"
