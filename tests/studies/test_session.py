"""A study from plan to report: kept, continued, and stopped with one clear message."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from rbtrace.comparison.bench.processes import CommandError
from rbtrace.errors import EXIT_GOOD, EXIT_USAGE, InputError, MissingExtraError, RbtraceError
from rbtrace.studies import session as sessions
from rbtrace.studies.catalogue import STUDIES
from rbtrace.studies.comparison import compare_studies
from rbtrace.studies.flames import case_to_sample, with_one_sampled
from rbtrace.studies.journal import Case
from rbtrace.studies.session import Session, write_extended
from tests.studies.killing import a_child_of
from tests.studies.quick_run import need
from tests.support.environment import uncovered

need("rustybt", "matplotlib")

COMMAND = (
    "from small_study import register; register();from rbtrace.commands.main import main; main()"
)


HERE = Path(__file__).parent
NAME = "small"


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The study `small`, which the processes of its cases find, too."""
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    module = importlib.import_module("small_study")
    module.register()
    yield module
    del STUDIES[NAME]


@pytest.fixture
def study(tmp_path):
    return lambda: Session(NAME, tmp_path, quick=True)


def measure(session, timeout=600.0):
    told = []
    session.measure(timeout, lambda case, left: told.append((str(case), left)))
    return told


def test_every_case_is_a_fresh_process_and_is_kept(study):
    session = study()

    told = measure(session)

    cases = [f"number {n}, do work" for n in (1, 2, 3)]
    assert [case.removesuffix(", sampled") for case, _ in told] == cases
    assert told[0][1] is None
    assert all(left > 0 for _, left in told[1:])
    kept = list(session.journal.measured().values())
    assert [one.results["square"] for one in kept] == [1, 4, 9]
    assert len({one.results["pid"] for one in kept} | {os.getpid()}) == 4
    assert {one.results["threads"] for one in kept} == {"1"}
    assert session.head.versions["blas"] == "openblas × 1"
    assert all(one.wall_ns > one.cpu_ns > 0 for one in kept)


def test_the_report_says_what_was_found_as_markdown_and_html(study, tmp_path):
    session = study()
    measure(session)

    found = session.report()

    assert found.complete
    assert found.integrity[0].startswith(
        "rbtrace scenario small --quick -o DIR: 3 of 3 cases measured, each in a fresh process, in "
    )
    markdown = (tmp_path / NAME / "report.md").read_text()
    assert "## Findings\n\n- Squares grow \\<fast\\>.\n" in markdown
    assert "![Drawn](drawn.svg)" in markdown
    assert "| 3 | 9 |" in markdown
    assert "drawn" in (tmp_path / NAME / "drawn.svg").read_text()
    page = (tmp_path / NAME / "report.html").read_text()
    assert "<svg><text>drawn</text></svg>" in page
    assert "Squares grow &lt;fast&gt;." in page


def test_several_studies_are_one_document_with_pictures_that_exist(study, tmp_path):
    session = study()
    measure(session)

    path = write_extended(tmp_path, {NAME: session.report()})

    text = path.read_text()
    assert text.splitlines()[0].startswith("# ")
    assert "\n## Small\n" in text
    assert "\n### Squares\n" in text
    assert f"![Drawn]({NAME}/drawn.svg)" in text
    assert (tmp_path / NAME / "drawn.svg").is_file()
    assert "<h1>Small</h1>" in path.with_suffix(".html").read_text()


def test_a_flame_graph_of_one_more_process_is_beside_the_report(tmp_path, small):
    session = Session(NAME, tmp_path, quick=False)
    measure(session)
    assert session.report().pictures[-1].file == "drawn.svg"

    session.sample(60.0)

    assert Session(NAME, tmp_path, quick=False).to_sample is None
    found = session.report()
    assert "5 of 5 cases measured" in found.integrity[0]
    assert len(found.tables[0].rows) == 5
    assert not any("sampled" in line for line in found.warnings)
    (flame,) = (one for one in found.pictures if one.file == "flame.svg")
    text = (tmp_path / NAME / "flame.svg").read_text()
    assert text == flame.svg
    assert "number 1, do work, sampled" in text
    assert 'data-name="toil"' in text
    assert "\nstudies/small_study.py:" in text
    assert str(Path(__file__).parent) not in text
    assert (
        "[![Flame graph of one process](flame.svg)](flame.svg)"
        in (tmp_path / NAME / "report.md").read_text()
    )
    # In a page it is an image, so that its style and script are its own.
    page = (tmp_path / NAME / "report.html").read_text()
    assert '<a href="flame.svg"><img src="data:image/svg+xml;base64,' in page
    # The comparison names the function, too.
    compared = compare_studies({NAME: session.evidence})
    assert compared.findings[0].startswith("small: the bottleneck is small.work, 100.0 % of")
    assert compared.findings[0].endswith("has toil on top of the stack.")
    path = write_extended(tmp_path, {NAME: found}, compared)
    assert f'<a href="{NAME}/flame.svg">' in path.with_suffix(".html").read_text()


def test_a_quick_flame_graph_is_of_a_process_that_is_measured(study, tmp_path):
    session = study()
    assert session.to_sample is None

    measure(session)

    found = session.report()
    assert [one.sampled for one in session.evidence.measured] == [True, False, False]
    assert 'data-name="toil"' in (tmp_path / NAME / "flame.svg").read_text()
    assert found.warnings[-1] == (
        "The stacks of one measured process were sampled, which adds to its times: "
        "number 1, do work, sampled."
    )


def test_a_study_without_traces_has_no_flame_graph():
    untraced = [Case({"number": 1}, 1.0, traced=False)]

    assert case_to_sample(untraced) is None
    assert with_one_sampled(untraced) == untraced
    short, long = (Case({"number": n}, float(n)) for n in (1, 2))
    assert case_to_sample([short, long, short]).settings == {"number": 2}
    as_long = Case({"number": 3}, 2.0)
    assert [one.sampled for one in with_one_sampled([short, long, as_long])] == [False, True, False]
    assert case_to_sample(with_one_sampled([short, long])) == long._replace(sampled=True)


def test_what_is_measured_is_not_measured_again(study, tmp_path):
    measure(study())
    before = (tmp_path / NAME / "runs.jsonl").read_bytes()

    again = study()

    assert measure(again) == []
    assert (tmp_path / NAME / "runs.jsonl").read_bytes() == before
    assert again.report().complete


def test_more_cases_add_to_those_there_are(study, tmp_path):
    measure(study())

    whole = Session(NAME, tmp_path, quick=False)

    # The first was sampled, which the first of the whole study is not.
    assert [case.settings["number"] for case in whole.remaining] == [1, 4, 5]
    measure(whole)
    assert len(whole.report().tables[0].rows) == 5
    assert len(study().report().tables[0].rows) == 3


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("fail", "left with 2: no luck today"),
        ("break", "left with 1: ZeroDivisionError: broken"),
        ("die", "was ended by SIGKILL"),
    ],
)
def test_a_case_that_fails_is_one_message_and_the_rest_goes_on_later(
    study, monkeypatch, does, said
):
    monkeypatch.setenv("SMALL_2", does)
    with pytest.raises(CommandError, match=said):
        measure(study())
    monkeypatch.delenv("SMALL_2")

    session = study()

    assert [case.settings["number"] for case in session.remaining] == [2, 3]
    measure(session)
    assert session.report().complete


def test_a_case_that_hangs_is_ended(study, monkeypatch):
    monkeypatch.setenv("SMALL_1", "hang")
    started = time.monotonic()

    with pytest.raises(CommandError, match=r"was still running after 2 s and was ended"):
        measure(study(), timeout=2.0)

    assert time.monotonic() - started < 60


def test_a_line_that_was_cut_off_is_measured_again(study, tmp_path):
    measure(study())
    runs = tmp_path / NAME / "runs.jsonl"
    runs.write_bytes(runs.read_bytes()[:-5])

    session = study()

    assert [case.settings["number"] for case in session.remaining] == [3]
    measure(session)
    assert [json.loads(line)["found"]["square"] for line in runs.read_text().splitlines()] == [
        1,
        4,
        9,
    ]


def test_there_is_no_report_on_a_part(study):
    with pytest.raises(InputError, match="3 of 3 cases are not measured yet"):
        study().report()


def test_measurements_of_two_machines_are_not_mixed(study, tmp_path):
    study()
    head = tmp_path / NAME / "study.json"
    told = json.loads(head.read_text())
    told["environment"]["cpu"] = "abacus"
    head.write_text(json.dumps(told))

    with pytest.raises(InputError, match=r"another machine \(cpu abacus; here cpu .+\)"):
        study()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "study.json").write_text("{"), r"study\.json is damaged"),
        (lambda folder: (folder / "runs.jsonl").write_text("{}\n"), r"line 1 is not a case"),
    ],
)
def test_damaged_files_are_named(study, tmp_path, damage, said):
    study()
    damage(tmp_path / NAME)

    with pytest.raises(InputError, match=said):
        _ = study().remaining


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        ({"memory_bytes": 1 << 60}, r"small needs 1073741824\.0 GiB of memory, and .+ is free"),
        ({"disk_bytes": 1 << 60}, r"small needs 1073741824\.0 GiB of disk for .+ is free"),
    ],
)
def test_too_little_room_is_said_before_anything_is_measured(small, study, needs, said):
    small.register(**needs)
    session = study()

    with pytest.raises(RbtraceError, match=said):
        measure(session)

    assert len(session.remaining) == 3


def test_a_missing_extra_is_said_with_its_remedy(small, study, monkeypatch):
    small.register(packages={"no_such_package": "ray"})
    with pytest.raises(MissingExtraError, match=r"pip install 'rbtrace\[ray\]'"):
        study()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'rbtrace\[plots\]'"):
        sessions.need_matplotlib()


def scenario(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "scenario", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_the_command_says_plan_progress_and_findings(tmp_path):
    process = scenario(NAME, "-o", tmp_path)
    said, progress = process.communicate(timeout=600)

    assert process.returncode == EXIT_GOOD, progress
    plan, *others = progress.splitlines()
    assert plan.startswith("small: whether squares grow. 5 cases, 5 to be measured and one more")
    assert "about 3.000 s on an idle machine" in plan
    assert others[-1] == "small: number 1, do work, sampled, for the flame graph"
    assert [line.partition(":")[0] for line in others if " of 5" in line] == [
        f"small {n} of 5" for n in (1, 2, 3, 4, 5)
    ]
    assert "- Squares grow <fast>." in said
    assert str(tmp_path / NAME / "report.md") in said
    assert (tmp_path / NAME / "flame.svg").read_text().startswith("<?xml")

    again = scenario(NAME, "-o", tmp_path)
    _, progress = again.communicate(timeout=600)

    assert "sampled" not in progress
    quickly = scenario(NAME, "--quick", "-o", tmp_path)
    _, progress = quickly.communicate(timeout=600)

    assert "3 cases, 0 to be measured, about 0 ns on an idle machine" in progress


def test_ctrl_c_keeps_what_is_measured_and_the_same_command_goes_on(tmp_path):
    process = scenario(
        NAME, "-o", tmp_path, env=uncovered() | {"SMALL_3": "hang"}, start_new_session=True
    )
    for line in process.stderr:
        if line.startswith("small 3 of 5"):
            break
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "2 of 5 cases are kept; the same command goes on" in said

    again = scenario(NAME, "-o", tmp_path)
    _, progress = again.communicate(timeout=600)

    assert again.returncode == EXIT_GOOD, progress
    assert "5 cases, 3 to be measured" in progress


def test_a_worker_that_is_killed_is_one_line_and_the_same_command_goes_on(tmp_path):
    process = scenario(NAME, "--quick", "-o", tmp_path, env=uncovered() | {"SMALL_2": "pool"})
    case = a_child_of(psutil.Process(process.pid), '"do":"pool"')
    a_child_of(case, "studies.process", alike=2).send_signal(signal.SIGKILL)
    _, said = process.communicate(timeout=600)
    assert process.returncode == EXIT_USAGE
    assert "SIGKILL, and its task with it" in said.splitlines()[-1]

    again = scenario(NAME, "--quick", "-o", tmp_path)
    _, progress = again.communicate(timeout=600)

    assert again.returncode == EXIT_GOOD, progress
    assert "3 cases, 2 to be measured" in progress


def test_an_unknown_study_is_refused(tmp_path):
    process = scenario("frobnicate", "-o", tmp_path)
    _, said = process.communicate(timeout=600)

    assert process.returncode == EXIT_USAGE
    assert "'frobnicate' is not one of 'batch-init'" in said
