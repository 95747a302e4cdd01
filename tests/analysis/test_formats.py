"""The same spans in every format give the same results; what is damaged is counted."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rbtrace.analysis import columns
from rbtrace.analysis.analyze import analyze_paths
from rbtrace.analysis.loading import READERS
from rbtrace.analysis.results import Results, evaluate
from rbtrace.errors import InputError
from tests.support import encodings
from tests.support.encodings import FORMATS
from tests.support.small_trace import SPANS
from tests.support.spans import Span, evaluated, lines, write
from tests.support.traces import traces


def analyzed(path: Path, content: bytes) -> Results:
    path.write_bytes(content)
    return analyze_paths([path])


@pytest.mark.parametrize("name", FORMATS)
def test_every_format(tmp_path: Path, name: str) -> None:
    assert analyzed(tmp_path / "trace", FORMATS[name](SPANS)) == evaluated(SPANS)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_from_a_pipe_that_gives_little_at_a_time(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(io.BytesIO):
        def read1(self, most: int | None = -1) -> bytes:
            return super().read1(min(most or 7, 7))

    content = Slow(FORMATS[name](SPANS))
    monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": content}))
    assert analyze_paths(["-"]) == evaluated(SPANS)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_known_by_one_reader_only(name: str) -> None:
    from rbtrace.analysis.streams import HEAD_BYTES, with_head

    head = with_head(io.BytesIO(FORMATS[name](SPANS))).peek(HEAD_BYTES)
    assert sum(reader.recognises(head) for reader in READERS) == 1


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(traces(), st.sampled_from(sorted(FORMATS)), st.integers(1, 9))
def test_any_trace_in_any_format_and_chunks_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, spans: list[Span], name: str, size: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "CHUNK_SPANS", size)
        assert analyzed(path, FORMATS[name](spans)) == evaluated(spans)


@pytest.mark.parametrize("name", [name for name in FORMATS if "document" not in name])
@pytest.mark.parametrize("part", [0.5, 0.9, 0.99])
def test_what_is_cut_off_is_counted(tmp_path: Path, name: str, part: float) -> None:
    spans = [Span(at, "a", 10, 20) for at in range(1, 2_000)]
    whole = FORMATS[name](spans)
    path = tmp_path / "folder" / "cut"
    path.parent.mkdir()
    write(tmp_path / "folder" / "whole", [Span(1, "whole", 10, 20)])
    path.write_bytes(whole[: int(len(whole) * part)])
    found = analyze_paths([path.parent]).integrity
    assert found.truncated_lines + found.invalid_lines >= 1
    assert 1 <= found.spans < 2_000


def test_a_message_that_is_damaged_among_others() -> None:
    good = encodings.protobuf(SPANS[:3])
    bad = b"\n\x7f" + bytes(20)
    content = b"".join(len(one).to_bytes(4) + one for one in (good, bad, good))
    stream = io.BufferedReader(io.BytesIO(content))  # type: ignore[arg-type]
    results = _read(stream)
    assert (results.integrity.spans, results.integrity.invalid_lines) == (3, 1)
    assert results.integrity.duplicates == 3


def _read(stream: io.BufferedReader) -> Results:
    from rbtrace.analysis.assembly import build
    from rbtrace.analysis.columns import Builder
    from rbtrace.analysis.loading import Loaded
    from rbtrace.analysis.readers import otlp_protobuf
    from rbtrace.analysis.sources import ReadFaults, Sidecars

    builder, faults = Builder(), ReadFaults()
    otlp_protobuf.read(stream, builder, faults, lambda _count: None)
    return evaluate(Loaded(build(builder), faults, Sidecars([], [], [], [], [])))


@pytest.mark.parametrize(
    "compress",
    [
        pytest.param(lambda content: __import__("gzip").compress(content), id="gzip"),
        pytest.param(zstandard.compress, id="zstd"),
        pytest.param(lambda content: encodings.collector_zstd([content]), id="collector"),
    ],
)
@pytest.mark.parametrize("filling", [b"\n", b" "], ids=["lines", "one line"])
def test_a_bomb_is_one_error(
    tmp_path: Path, compress: object, filling: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rbtrace.analysis.streams._LONGEST_FRAME", 1 << 20)
    monkeypatch.setattr("rbtrace.analysis.readers.documents.LONGEST", 1 << 20)
    content = compress(lines(SPANS) + filling * (1 << 23))  # type: ignore[operator]
    with pytest.raises(InputError, match=r"decompression bomb|line or document is longer"):
        analyzed(tmp_path / "bomb", content)


def test_a_damaged_file_in_a_folder_is_counted(tmp_path: Path) -> None:
    (tmp_path / "damaged.gz").write_bytes(b"\x1f\x8bnot really")
    (tmp_path / "good").write_bytes(lines(SPANS))
    found = analyze_paths([tmp_path]).integrity
    assert (found.spans, found.truncated_lines) == (len(SPANS), 1)
