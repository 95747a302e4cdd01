"""Bombs of gigabytes and lines of more than one: one line of error, in little time and memory."""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from rbtrace.errors import EXIT_USAGE
from tests.support.metered import metered
from tests.support.spans import Span, lines, request

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="measures memory as Linux counts it"
)

PIECE_BYTES = 1 << 26
PIECES = 64  # 4 GiB
GIGABYTE = 1 << 30
MOST_BYTES = 1_000_000_000
MOST_CPU_S = 20

SPANS = [Span(at, f"operation {at % 3}", at, 1000 - at, at - 1) for at in range(1, 200)]
NESTED = b'{"resourceSpans":' + b'[{"a":' * 100_000 + b"\n"

Compress = Callable[[bytes], bytes]
COMPRESSED: dict[str, Compress] = {
    "gzip": lambda content: gzip.compress(content, 6),
    "zstd": lambda content: zstandard.compress(content, 3),
}
FILLINGS = {
    "one line of blanks": b" ",
    "blank lines": b"\n",
    "nested without end": NESTED,
    "brackets": b"[",
    "short lines": b"[\n",
    "the same spans": lines(SPANS[:50], 50),
}


def assert_one_error(path: Path, problem: str) -> None:
    """That the command says in one line what is wrong, within the bounds."""
    try:
        found = metered("analyze", path)
    finally:
        path.unlink()
    assert found.returncode == EXIT_USAGE, found.stderr
    assert found.stdout == ""
    assert re.fullmatch(rf"rbtrace: error: cannot read .*{problem}.*\n", found.stderr)
    assert found.peak_bytes <= MOST_BYTES
    assert found.cpu_s <= MOST_CPU_S


BOMBS = [(name, filling) for name in COMPRESSED for filling in FILLINGS]
BOMBS.remove(("gzip", "the same spans"))  # which gzip shrinks a hundredfold, as it may


QUICK = ("zstd", "short lines")


@pytest.mark.parametrize(
    ("name", "filling"),
    [pytest.param(*one, marks=[pytest.mark.slow] if one != QUICK else []) for one in BOMBS],
)
def test_a_bomb_of_four_gigabytes(tmp_path: Path, name: str, filling: str) -> None:
    """Members of gzip and frames of zstd may follow each other: the same one again and again."""
    compress, unit = COMPRESSED[name], FILLINGS[filling]
    piece = compress(unit * (PIECE_BYTES // len(unit)))
    with (tmp_path / "bomb").open("wb") as file:
        file.write(compress(lines(SPANS)))
        for _ in range(PIECES):
            file.write(piece)
    assert (tmp_path / "bomb").stat().st_size < 20_000_000
    assert_one_error(tmp_path / "bomb", "(decompression bomb|longer than)")


@pytest.mark.slow
def test_a_frame_of_the_collector_that_is_a_bomb(tmp_path: Path) -> None:
    """Its exporter writes a frame for each message, after its length."""
    compressor = zstandard.ZstdCompressor(level=3).compressobj()
    blanks = b" " * PIECE_BYTES
    parts = [compressor.compress(json.dumps(request(SPANS)).encode())]
    parts += [compressor.compress(blanks) for _ in range(PIECES)]
    frame = b"".join([*parts, compressor.flush()])
    (tmp_path / "bomb").write_bytes(len(frame).to_bytes(4) + frame)
    assert_one_error(tmp_path / "bomb", "decompression bomb")


@pytest.mark.slow
@pytest.mark.parametrize(
    "opening",
    [
        pytest.param(lines(SPANS), id="after spans"),
        pytest.param(b'{"resourceSpans":"', id="alone"),
        pytest.param(b'{\n  "resourceSpans": [\n    "', id="printed"),
        pytest.param(b'{"data": [{"traceID": "1", "spans": [{"traceID": "', id="of Jaeger"),
        # A tag, its length (2^30 as a varint), and another tag.
        pytest.param(b"\x0a\x80\x80\x80\x80\x04\x0a", id="of protobuf"),
    ],
)
def test_a_line_of_more_than_a_gigabyte(tmp_path: Path, opening: bytes) -> None:
    with (tmp_path / "line").open("wb") as file:
        file.write(opening)
        file.truncate(GIGABYTE + PIECE_BYTES)  # zeros that take no place on the disk
    assert_one_error(tmp_path / "line", "longer than")
