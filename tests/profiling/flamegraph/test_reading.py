"""Profile files: merged, and honest about what cannot be read."""

from __future__ import annotations

import pytest

from rbtrace.errors import InputError
from rbtrace.profiling.flamegraph.reading import Faults, profile_files, read_profiles
from tests.support.profiles import write_profile

OURS = "/x/rbtrace/recording/wrapping.py"


def read(*files):
    faults = Faults()
    return read_profiles(files, faults), faults


def paths_of(profile):
    return {
        tuple(frame.name for frame in profile.path(stack)): weight
        for stack, weight, _ in profile.folded()
    }


def a_file(tmp_path, name="a.profile.jsonl", pid=7):
    return write_profile(
        tmp_path / name,
        [
            (100, 10, ["main", "read"], 1, 2),
            (110, 12, ["main", "write"], 1, 3),
            (130, 20, ["main", "read"], 1, 2),
            (140, 5, ["main", "read", "parse"], 1, 2),
        ],
        pid,
    )


def test_processes_are_merged(tmp_path):
    files = [a_file(tmp_path), a_file(tmp_path, "b.profile.jsonl", 8)]
    profile, _ = read(*files)
    assert paths_of(profile) == {
        ("main", "read"): 60,
        ("main", "write"): 24,
        ("main", "read", "parse"): 10,
    }
    assert [one.name for one in profile.processes] == ["h/7", "h/8"]
    assert profile.time.tolist() == [100, 110, 130, 140] * 2
    assert profile.span.tolist() == [2, 3, 2, 2] * 2


def test_frames_of_rbtrace_and_of_the_import_system_are_left_out(tmp_path):
    importing = "find_and_load@<frozen importlib._bootstrap>"
    file = write_profile(
        tmp_path / "p",
        [
            (1, 10, ["main", f"call@{OURS}", "work"], 0, 0),
            (2, 10, ["main", f"call@{OURS}"], 0, 0),
            (3, 10, ["main", importing, importing], 0, 0),
            (4, 10, ["main", importing, "module"], 0, 0),
        ],
    )
    assert set(paths_of(read(file)[0])) == {
        ("main", "work"),
        ("main", "[rbtrace]"),
        ("main", "[import]"),
        ("main", "module"),
    }


def test_a_truncated_line_and_an_invalid_one_are_counted_and_the_rest_is_right(tmp_path):
    file = a_file(tmp_path)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:2], b"{no}\n", *lines[3:], lines[1][:20]]))
    profile, faults = read(file)
    assert faults.invalid == [f"{file}:3"]
    assert faults.truncated == [f"{file}:6"]
    assert paths_of(profile) == {("main", "read"): 30, ("main", "read", "parse"): 5}


def test_what_a_lost_line_had_said_is_not_made_up(tmp_path):
    file = a_file(tmp_path)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], *lines[2:]]))
    profile, _ = read(file)
    assert paths_of(profile) == {
        ("[lost]", "write"): 12,
        ("[lost]",): 20,
        ("[lost]", "parse"): 5,
    }


@pytest.mark.parametrize(
    "change",
    [
        (b'"weights":[10]', b'"weights":[-10]'),
        (b'"weights":[10]', b'"weights":[10,3]'),
        (b'"at":[2]', b'"at":[99]'),
        (b'"in":[1]', b'"in":[7]'),
        (b'"known":[0,0]', b'"known":[0,999999999]'),
    ],
)
def test_a_line_that_contradicts_itself_is_invalid(tmp_path, change):
    file = a_file(tmp_path)
    content = file.read_bytes()
    assert change[0] in content
    file.write_bytes(content.replace(*change, 1))
    profile, faults = read(file)
    assert faults.invalid == [f"{file}:2"]
    assert profile.samples == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hello\n", ":1 is not the header of a profile"),
        (b'{"version":9,"host":"h","pid":1,"interval_ns":1}\n', "version 9; this rbtrace reads"),
    ],
)
def test_what_is_no_profile_is_said(tmp_path, content, says):
    (tmp_path / "x.profile.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=says):
        read(tmp_path / "x.profile.jsonl")


def test_an_empty_file_is_of_a_process_that_had_no_time(tmp_path):
    (tmp_path / "x.profile.jsonl").touch()
    assert read(tmp_path / "x.profile.jsonl")[0].samples == 0


def test_files_are_found_in_folders_beside_spans_and_by_globs(tmp_path):
    file = a_file(tmp_path)
    spans = tmp_path / "a.otlp.jsonl"
    spans.touch()
    for named in (tmp_path, file, spans, f"{tmp_path}/*.jsonl"):
        assert profile_files([named]) == [file]
    with pytest.raises(InputError, match="no such file"):
        profile_files([tmp_path / "missing"])
