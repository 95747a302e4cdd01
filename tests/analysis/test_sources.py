"""Paths: files, folders, globs, standard input, and what is said when there is nothing."""

from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path

import pytest

from rbtrace.analysis.analyze import analyze_paths
from rbtrace.analysis.columns import Builder
from rbtrace.analysis.loading import read
from rbtrace.analysis.sources import ReadFaults, Source
from rbtrace.errors import InputError
from tests.support.spans import Span, lines, write

ONE = [Span(1, "one", 10, 20)]
TWO = [Span(2, "two", 10, 40)]


def names(*paths: str | Path) -> set[str]:
    return {row.name for row in analyze_paths(paths).operations}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "run" / "a.otlp.jsonl", ONE)
    write(tmp_path / "run" / "deep" / "b.jsonl", TWO)
    (tmp_path / "run" / "report.json").write_text('{"version": 1}')
    (tmp_path / "run" / "profile.bin").write_bytes(bytes(range(256)))
    (tmp_path / "run" / "empty.otlp.jsonl").touch()
    return tmp_path / "run"


def test_folders_are_searched_and_other_files_passed_over(folder: Path) -> None:
    assert names(folder) == {"one", "two"}


def test_files_folders_and_globs(folder: Path) -> None:
    assert names(folder / "a.otlp.jsonl") == {"one"}
    assert names(f"{folder}/*.jsonl") == {"one"}
    assert names(f"{folder}/**/*.jsonl") == {"one", "two"}
    assert names(f"{folder}/d*") == {"two"}


def test_a_file_named_twice_is_read_once(folder: Path) -> None:
    results = analyze_paths([folder, folder / "a.otlp.jsonl", f"{folder}/a*"])
    assert results.integrity.duplicates == 0


def test_a_file_is_read_with_what_it_was_rotated_to(tmp_path: Path) -> None:
    path = write(tmp_path / "traces.jsonl", ONE)
    write(tmp_path / "traces-2026-01-31T10-20-30.123.jsonl", TWO)
    write(tmp_path / "traces-other.jsonl", [Span(3, "three", 10, 20)])
    assert names(path) == {"one", "two"}


ROTATED = "traces-2026-01-31T10-20-30.123.jsonl"


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("named", ["traces.jsonl", "."])
def test_a_line_that_was_cut_when_its_file_was_full(
    tmp_path: Path, named: str, compressed: bool
) -> None:
    content = lines(ONE) + lines(TWO)
    full = tmp_path / (ROTATED + ".gz" * compressed)
    for at in range(40, len(content), 37):
        full.write_bytes(gzip.compress(content[:at]) if compressed else content[:at])
        (tmp_path / "traces.jsonl").write_bytes(content[at:])
        found = analyze_paths([tmp_path / named])
        assert {one.name for one in found.operations} == {"one", "two"}
        assert (found.integrity.invalid_lines, found.integrity.truncated_lines) == (0, 0)


def test_a_line_that_does_not_go_on_in_the_next_file(tmp_path: Path) -> None:
    (tmp_path / ROTATED).write_bytes(lines(TWO)[:100])
    path = write(tmp_path / "traces.jsonl", ONE)
    found = analyze_paths([path])
    assert [one.name for one in found.operations] == ["one"]
    assert (found.integrity.invalid_lines, found.integrity.truncated_lines) == (0, 1)


def test_thousands_of_files(tmp_path: Path) -> None:
    for number in range(1, 2_001):
        write(tmp_path / f"{number % 10}" / f"{number}.jsonl", [Span(number, "one", 10, 20)])
    assert analyze_paths([tmp_path]).operations[0].calls == 2_000


def test_a_source_of_another_kind() -> None:
    builder, faults = Builder(), ReadFaults()
    source = Source("http://jaeger", None, opener=lambda: io.BytesIO(lines(ONE)))
    assert read(source, builder, faults, lambda _count: None)
    assert builder.rows == 1


def test_a_name_with_the_signs_of_a_glob(tmp_path: Path) -> None:
    assert names(write(tmp_path / "a[1].jsonl", ONE)) == {"one"}


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(lines(ONE))
    with os.fdopen(reading, "rb") as pipe:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        assert names("-") == {"one"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing", None, "no such file or folder: .*missing"),
        ("*.jsonl", None, r"no file matches .*\*\.jsonl"),
        ("empty.jsonl", b"", r"empty\.jsonl is empty"),
        ("prices.csv", b"date,close\n2024-01-02,1\n", r"prices\.csv is not a trace: .*date,close"),
        ("junk", b"\x00\x01resourceSpans", "junk is not a trace"),
        ("cut", b'{"resourceSpans":[{"scopeSp', "no readable span in .*1 truncated"),
        ("none", b'{"resourceSpans":[]}\n', "no spans in .*none"),
    ],
)
def test_what_cannot_be_read(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        analyze_paths([path])


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the folder .* is empty"):
        analyze_paths([tmp_path])


def test_a_folder_of_other_things(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match="no trace files in"):
        analyze_paths([tmp_path])


def test_nothing_named() -> None:
    with pytest.raises(InputError, match="nothing to analyze"):
        analyze_paths([])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "secret", ONE)
    path.chmod(0)
    with pytest.raises(InputError, match=r"cannot read .*secret"):
        analyze_paths([path])


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "loop"
    path.symlink_to(path)
    with pytest.raises(InputError, match="loop"):
        analyze_paths([path])
