"""What users get stays as it is, byte for byte: reports, JSON, pictures, errors, exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.goldens import keeping
from tests.goldens.cases import CASES
from tests.goldens.running import lay_out, run

RUNS = {
    f"{case.name}:{format_name or 'default'}": (case, format_name)
    for case in CASES
    for format_name in case.formats
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("goldens"))


@pytest.fixture
def is_recording(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--record-goldens"))


@pytest.mark.parametrize("name", RUNS)
def test_the_output_is_what_is_kept(name: str, folder: Path, is_recording: bool) -> None:
    found = run(*RUNS[name], folder)
    outcome = [found.code, found.said.splitlines(), sorted(found.files)]
    if is_recording:
        keeping.keep_outcome(name, outcome)
        for file, content in found.files.items():
            keeping.keep(file, content)
    assert outcome == keeping.outcomes().get(name), keeping.HOW
    for file, content in found.files.items():
        keeping.require_same(file, content)


def test_nothing_is_kept_that_no_case_gives(is_recording: bool) -> None:
    outcomes = keeping.outcomes()
    given = {file for name in RUNS if name in outcomes for file in outcomes[name][2]}
    given |= {path for path in keeping.files_kept() if path.startswith(("recorded/", "library/"))}
    if is_recording:
        for file in keeping.files_kept() - given:
            keeping.forget(file)
        keeping.keep_outcomes({name: outcomes[name] for name in RUNS if name in outcomes})
    assert keeping.files_kept() == given
    assert set(keeping.outcomes()) <= set(RUNS)


def test_every_case_has_a_name_of_its_own() -> None:
    assert len(RUNS) == sum(len(case.formats) for case in CASES)


def test_a_difference_is_shown_where_it_is() -> None:
    long = "x" * 5_000
    shown = keeping.difference(f"a\n{long}1\n".encode(), f"a\n{long}2\n".encode())
    assert "-[from 4880]" in shown
    assert len(shown) < 1_000
    assert keeping.difference(b"a\r\n\xff", b"a\n\xff").splitlines()[3:] == [
        "-a\\r",
        "+a",
        " \\\\xff",
    ]
