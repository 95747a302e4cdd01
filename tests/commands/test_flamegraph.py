"""`rbtrace flamegraph`: what it draws, says and refuses."""

from __future__ import annotations

import json
import time
from xml.etree import ElementTree as ET

import pytest

import rbtrace
from rbtrace.commands.main import run
from rbtrace.testing import capture
from tests.support.profiles import write_profile


def spin(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


@pytest.fixture
def spans_only(tmp_path):
    """A folder of spans without samples."""
    folder = tmp_path / "spans"
    with capture(folder), rbtrace.span("outer"):
        for _ in range(2):
            with rbtrace.span("inner"):
                spin(0.005)
    return folder


@pytest.fixture
def sampled(tmp_path):
    """A profile file: `read` in `main`, once within a span."""
    folder = tmp_path / "samples"
    folder.mkdir()
    write_profile(
        folder / "a.profile.jsonl",
        [(100, 3_000_000, ["main", "read"], 1, 2), (200, 1_000_000, ["main"], 0, 0)],
    )
    return folder


def names_in(file):
    return [box.get("data-name") for box in ET.parse(file).iter() if "data-ns" in box.attrib]


def test_samples_are_drawn_and_described(sampled, tmp_path, capsys):
    assert run(["flamegraph", str(sampled), "-o", str(tmp_path / "a.svg")]) == 0
    assert names_in(tmp_path / "a.svg") == ["all", "main", "read"]
    assert "all: 0.004 s in 2 samples" in capsys.readouterr().err


def test_without_samples_spans_are_drawn(spans_only, tmp_path, capsys):
    assert run(["flamegraph", str(spans_only), "-o", str(tmp_path / "a.svg")]) == 0
    assert names_in(tmp_path / "a.svg") == ["all", "outer", "inner"]
    assert "self time of spans" in capsys.readouterr().err


def test_an_operation_of_spans(spans_only, tmp_path):
    target = tmp_path / "a.folded"
    assert run(["flamegraph", str(spans_only), "--operation", "inner", "-o", str(target)]) == 0
    (line,) = target.read_text().splitlines()
    assert line.startswith("inner ")
    assert int(line.split()[1]) >= 10_000


def test_a_difference(sampled, tmp_path, capsys):
    other = tmp_path / "other"
    other.mkdir()
    write_profile(other / "b.profile.jsonl", [(100, 5_000_000, ["main", "write"], 0, 0)])
    target = tmp_path / "d.svg"
    assert run(["flamegraph", str(sampled), "--baseline", str(other), "-o", str(target)]) == 0
    assert "red takes more" in target.read_text()
    arguments = ["flamegraph", str(sampled), "--baseline", str(other), "--format", "html"]
    assert run(arguments) == 2
    assert "svg only" in capsys.readouterr().err


def test_the_suffix_says_how(sampled, tmp_path):
    target = tmp_path / "a.speedscope.json"
    assert run(["flamegraph", str(sampled), "-o", str(target)]) == 0
    assert json.loads(target.read_text())["profiles"][0]["unit"] == "nanoseconds"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--worker", "99"], "no process 99; there are h/7"),
        (["--operation", "none"], "no operation none; there are inner, outer"),
        (["--trial", "3"], "no trial 3; there are none"),
    ],
)
def test_what_is_not_there_is_said(spans_only, sampled, options, says, capsys):
    folder = sampled if options[0] == "--worker" else spans_only
    assert run(["flamegraph", str(folder), *options, "--format", "svg"]) == 2
    assert says in capsys.readouterr().err


def test_a_mixed_comparison_is_refused(spans_only, sampled, capsys):
    assert run(["flamegraph", str(sampled), "--baseline", str(spans_only)]) == 2
    assert "compare them by --spans" in capsys.readouterr().err


def test_damage_is_said_and_the_rest_drawn(sampled, tmp_path, capsys):
    (file,) = sampled.iterdir()
    file.write_bytes(file.read_bytes() + b"{broken}\n")
    assert run(["flamegraph", str(sampled), "-o", str(tmp_path / "a.svg")]) == 0
    assert f"1 invalid lines left out: {file}:4" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_said(sampled, tmp_path, capsys):
    assert run(["flamegraph", str(sampled), "-o", str(tmp_path / "none" / "a.svg")]) == 2
    assert "cannot write" in capsys.readouterr().err
