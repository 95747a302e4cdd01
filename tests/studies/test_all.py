"""All studies by one command, on the real engine: nothing is left out, and nothing done twice."""

from __future__ import annotations

import re

import pytest

from rbtrace.errors import EXIT_GOOD
from rbtrace.studies.catalogue import STUDIES
from tests.studies.quick_run import EXTRAS, Left, need, of_whole_studies, study

SECTIONS = {
    "batch-init": [
        "Growth with the number of assets",
        "Initialisation, by number of assets",
        "Parts of the initialisation",
        "Law of growth",
        "Memory of a worker",
        "Check: a stopwatch that is not rbtrace",
        "Check: what tracing adds",
    ],
    "baseline": [
        "Beside the figures published earlier",
        "Where the time of a backtest goes",
        "Memory",
        "Check: a stopwatch that is not rbtrace",
        "Check: the same shares by other means",
    ],
    "multi-fidelity": [
        "Regret over bars: median of the seeds, and the half in the middle",
        "Bars until a given quality",
        "Regret, by bars spent",
        "Fidelities",
        "What early stopping stopped",
        "Check: looked up and run",
        "Check: a stopwatch that is not rbtrace",
    ],
    "parallel-coordinator": [
        "Speed-up, measured here and as the model has it",
        "Scaling of real backtests",
        "Where the workers' time went",
        "Utilisation of each worker",
        "What distribution costs",
        "What the costs predict for more cores",
        "Check: the model on sleeping tasks",
        "Check: getrusage of the workers",
    ],
    "ray-vs-pool": [
        "Speed-up, kept and started for one batch",
        "The same backtests",
        "Speed-up",
        "What a task costs",
        "Memory",
        "Check: Ray's state API",
        "Check: a clock in the workers",
    ],
}


def test_all_quick_studies_are_planned_to_take_three_minutes_at_most():
    need(*EXTRAS)
    cases = [case for study in STUDIES.values() for case in study.load().cases(quick=True)]

    assert sum(case.expected_s for case in cases) <= 180


@pytest.mark.engine
def test_a_quick_study_by_itself_is_whole(tmp_path):
    need(*EXTRAS)
    name = "multi-fidelity"

    done = study(name, tmp_path, timeout=800)

    assert done.returncode == EXIT_GOOD, done.stderr
    left = Left(tmp_path / name)
    left.assert_complete(cases=3)
    headings = re.findall(r"^## (.+)$", left.report, re.MULTILINE)
    assert set(headings) >= {*SECTIONS[name], "Findings"}


@of_whole_studies
@pytest.mark.parametrize("name", STUDIES)
def test_a_quick_study_has_every_section_with_figures(quick, name):
    left = Left(quick / name)

    headings = re.findall(r"^## (.+)$", left.report, re.MULTILINE)
    for expected in [*SECTIONS[name], "Findings", "Flame graph of one process"]:
        assert expected in headings
    assert "Operations, in all traced cases" in headings
    for heading in headings:
        rows = left.rows(heading)
        assert not rows or any(re.search(r"\d", cell) for row in rows for cell in row[1:]), heading
    sampled = [run["settings"] for run in left.runs if run["sampled"]]
    assert len(sampled) == 1
    assert "The stacks of one measured process were sampled" in left.section("Warnings")
    assert "<svg" in left.picture("flame.svg")
    page = (left.folder / "report.html").read_text()
    assert page.count("<svg") >= len(list(left.folder.glob("*.svg"))) - 1


@of_whole_studies
def test_all_studies_are_one_document(quick):
    path = quick / "EXTENDED_OPERATIONS_PROFILING_REPORT.md"
    text, page = path.read_text(), path.with_suffix(".html").read_text()

    assert "\n## Across the studies\n" in text
    for name in STUDIES:
        title = Left(quick / name).report.splitlines()[0].removeprefix("# ")
        assert f"\n## {title}\n" in text
        assert f"<h1>{title}</h1>" in page
        assert f"\n- {name}: the bottleneck is " in text
    pictures = re.findall(r"!\[[^]]*]\(([^)]+)\)", text)
    assert len(pictures) >= 2 * len(STUDIES)
    assert all((quick / one).is_file() for one in pictures)


@of_whole_studies
def test_the_same_command_again_measures_nothing(quick):
    before = {path: path.read_bytes() for path in quick.glob("*/runs.jsonl")}

    again = study("all", quick, timeout=1200)

    assert again.returncode == EXIT_GOOD, again.stderr
    assert len(before) == len(STUDIES) == again.stderr.count(" cases, 0 to be measured, about 0")
    assert "sampled" not in again.stderr
    assert before == {path: path.read_bytes() for path in quick.glob("*/runs.jsonl")}
