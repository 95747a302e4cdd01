"""`rbtrace bench` as a user runs it, on small programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from rbtrace.comparison.bench.result import read_plan, read_runs
from rbtrace.comparison.bench.runner import pair_of
from rbtrace.errors import EXIT_GOOD, EXIT_USAGE
from rbtrace.testing import read_spans
from tests.support.command import RBTRACE, rbtrace
from tests.support.environment import uncovered
from tests.support.terminal import on_a_terminal

TRACED = """
import rbtrace
@rbtrace.traced
def work(): pass
work()
"""


@pytest.fixture
def program(tmp_path: Path):
    def write(code: str, name: str = "program.py", options: str = "") -> str:
        (tmp_path / name).write_text(code)
        return f"{sys.executable} {options} '{tmp_path / name}'"

    return write


def bench(tmp_path: Path, *arguments: object, **options):
    return rbtrace("bench", "-o", tmp_path / "out", *arguments, **options)


def test_pairs_take_turns_in_the_order_of_the_seed(program, tmp_path: Path) -> None:
    one = program(TRACED)

    found = bench(tmp_path, "--baseline", one, "--candidate", one, "--pairs", 4, "--seed", 3)

    assert found.returncode == EXIT_GOOD, found.stderr
    assert "pair 4 of 4" in found.stderr
    runs = read_runs(tmp_path / "out")
    turns = [turn for number in range(1, 5) for turn in pair_of(number, 3)]
    assert [(run.pair, run.order, run.arm) for run in runs] == turns
    assert all(run.wall_ns > 0 and run.cpu_ns > 0 for run in runs)
    assert [run.started_ns for run in runs] == sorted(run.started_ns for run in runs)


def test_both_orders_occur() -> None:
    assert {pair_of(number, 1)[0].arm for number in range(1, 20)} == {"baseline", "candidate"}


def test_spans_say_arm_pair_and_order(program, tmp_path: Path) -> None:
    one = program(TRACED)

    bench(tmp_path, "--baseline", one, "--candidate", one, "--pairs", 2, "--seed", 3)

    spans = read_spans((tmp_path / "out" / "traces").rglob("*.otlp.jsonl"))
    said = {
        (s.resource["rbtrace.pair"], s.resource["rbtrace.order"], s.resource["rbtrace.arm"])
        for s in spans
    }
    runs = read_runs(tmp_path / "out")
    assert said == {(run.pair, run.order, run.arm) for run in runs}
    assert {s.resource["rbtrace.run.id"] for s in spans} == {run.run_id for run in runs}
    identity = read_plan(tmp_path / "out").identity
    assert all(run.run_id.startswith(f"{identity}-000") for run in runs)


def test_untraced_arms_write_no_spans(program, tmp_path: Path) -> None:
    one = program(TRACED)

    bench(tmp_path, "--untraced", "--baseline", one, "--candidate", one, "--pairs", 1)

    assert not list(tmp_path.rglob("*.otlp.jsonl"))
    assert read_plan(tmp_path / "out").traced is False


def test_a_warm_up_is_run_and_not_kept(program, tmp_path: Path) -> None:
    one = program(f"open({str(tmp_path / 'ran')!r}, 'a').write('x')")

    bench(tmp_path, "--baseline", one, "--candidate", one, "--pairs", 1, "--warmup", 2)

    assert (tmp_path / "ran").read_text() == "x" * 6
    assert len(read_runs(tmp_path / "out")) == 2


def test_the_environment_is_recorded(program, tmp_path: Path) -> None:
    one = program(TRACED)
    repository = tmp_path / "repository"
    git = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    repository.mkdir()
    (repository / "file").write_text("one")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], check=True)
    (repository / "file").write_text("two")

    bench(
        tmp_path, "--baseline", one, "--candidate", one, "--pairs", 1,
        "--candidate-folder", repository, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip

    plan = json.loads((tmp_path / "out" / "bench.json").read_text())
    schema = json.loads((Path(__file__).parents[2] / "docs" / "bench.schema.json").read_text())
    jsonschema.validate(plan, schema)
    for line in (tmp_path / "out" / "runs.jsonl").read_text().splitlines():
        jsonschema.validate(json.loads(line), schema)
    assert plan["environment"]["cpu"]
    assert plan["environment"]["cores"] == os.cpu_count()
    assert plan["environment"]["variables"]["OMP_NUM_THREADS"] == "1"
    assert plan["baseline"]["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert plan["baseline"]["revision"] != plan["candidate"]["revision"]
    assert plan["candidate"]["revision"].endswith("+")


def test_a_failing_command_ends_in_one_line_and_keeps_what_was_measured(
    program, tmp_path: Path
) -> None:
    good = program(TRACED)
    code = f"p = {str(tmp_path / 'n')!r}; n = open(p, 'a').write('x') and len(open(p).read())\n"
    bad = program(code + "if n > 3: raise SystemExit('out of data')", "bad.py")

    found = bench(tmp_path, "--baseline", good, "--candidate", bad, "--pairs", 5)

    assert found.returncode == EXIT_USAGE
    last = found.stderr.splitlines()[-1]
    assert last.startswith("rbtrace: error: ")
    assert "left with 1: out of data" in last
    assert "Traceback" not in found.stderr
    assert len(read_runs(tmp_path / "out")) == 2 * 2


def test_a_hanging_command(program, tmp_path: Path) -> None:
    good, bad = program(TRACED), program("import time; time.sleep(60)", "bad.py")

    found = bench(tmp_path, "--baseline", bad, "--candidate", good, "--timeout", "0.5")

    assert found.returncode == EXIT_USAGE
    assert "was still running after 0.5 s and was ended" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--baseline", "true"), "--baseline and --candidate are needed"),
        (("--baseline", "true", "--candidate", "no-such-program x"), "there is no program"),
        (("--baseline", "true", "--candidate", "'"), "cannot understand the command"),
        (("--baseline", "true", "--candidate", ""), "a command is empty"),
        (("--baseline", "true", "--candidate", "true", "--pairs", "0"), "'--pairs'"),
        (("--resume",), "no benchmark in"),
        (("--baseline", "true", "--candidate", "true", "--until", "9,3"), "looks must be"),
        (
            ("--baseline", "true", "--candidate", "true", "--until", "3,6", "--pairs", "9"),
            "give one of them",
        ),
    ],
)
def test_bad_usage_is_one_clear_line(tmp_path: Path, arguments, complaint: str) -> None:
    found = bench(tmp_path, *arguments)

    assert found.returncode == EXIT_USAGE
    assert complaint in found.stderr
    assert "Traceback" not in found.stderr
    assert not (tmp_path / "out").exists()


def test_ctrl_c_keeps_pairs_and_resume_goes_on(program, tmp_path: Path) -> None:
    one = program("import time; time.sleep(0.4)")
    command = [*RBTRACE, "bench", "-o", str(tmp_path / "out"), "--baseline", one,
               "--candidate", one, "--pairs", "3", "--warmup", "0", "--seed", "1"]  # fmt: skip

    with subprocess.Popen(command, env=uncovered(), stderr=subprocess.PIPE, text=True) as process:
        while not read_runs(tmp_path / "out"):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        complaint = process.communicate(timeout=600)[1]
    kept = read_runs(tmp_path / "out")

    assert process.returncode == 130
    assert f"pairs are kept; rbtrace bench --resume -o {tmp_path / 'out'} goes on" in complaint
    assert "Traceback" not in complaint
    assert 2 <= len(kept) < 6
    again = bench(tmp_path, "--resume")
    assert again.returncode == EXIT_GOOD, again.stderr
    runs = read_runs(tmp_path / "out")
    assert runs[: len(kept)] == kept
    assert [(run.pair, run.order, run.arm) for run in runs] == [
        turn for number in (1, 2, 3) for turn in pair_of(number, 1)
    ]
    assert bench(tmp_path, "--resume").returncode == EXIT_GOOD
    assert read_runs(tmp_path / "out") == runs


def test_a_clear_difference_ends_it_at_a_planned_look(program, tmp_path: Path) -> None:
    # Without packages and coverage to load, which on a busy machine takes as long as the sleep.
    quick = program("pass", "quick.py", "-S")
    slow = program("import time; time.sleep(1)", "slow.py", "-S")

    found = bench(tmp_path, "--untraced", "--baseline", quick, "--candidate", slow,
                  "--until", "6,12,18", "--warmup", 0)  # fmt: skip

    assert found.returncode == EXIT_GOOD, found.stderr
    kept = len(read_runs(tmp_path / "out")) // 2
    assert kept in {6, 12}
    assert read_plan(tmp_path / "out").looks == [6, 12, 18]
    assert "Regression gate FAIL" in found.stdout
    assert bench(tmp_path, "--resume").returncode == EXIT_GOOD
    assert len(read_runs(tmp_path / "out")) // 2 == kept


def test_another_machine_is_refused(program, tmp_path: Path) -> None:
    one = program(TRACED)
    bench(tmp_path, "--baseline", one, "--candidate", one, "--pairs", 1)
    path = tmp_path / "out" / "bench.json"
    plan = json.loads(path.read_text())
    plan["environment"]["cpu"] = "Z80"
    path.write_text(json.dumps(plan))

    found = bench(tmp_path, "--resume")

    assert found.returncode == EXIT_USAGE
    assert "another machine (cpu Z80; here cpu" in found.stderr


def test_a_terminal_gets_a_bar_with_the_time_left(program, tmp_path: Path) -> None:
    one = program(TRACED)
    command = [*RBTRACE, "bench", "-o", str(tmp_path / "out"), "--baseline", one,
               "--candidate", one, "--pairs", "2"]  # fmt: skip

    code, said = on_a_terminal(command)

    assert code == EXIT_GOOD
    assert b"measuring" in said
    assert b"2/2" in said
