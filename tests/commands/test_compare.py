"""`rbtrace compare` as a user runs it, on traces, benchmarks and files of other tools."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

import rbtrace as package
from rbtrace import conventions as key
from rbtrace.commands import main
from rbtrace.comparison.results import ComparisonResults
from rbtrace.errors import EXIT_GATE_FAILED, EXIT_GOOD, EXIT_INCONCLUSIVE, EXIT_USAGE
from tests.support.command import rbtrace
from tests.support.spans import SUMMARY, Span, write

SCHEMA = Path(__file__).parents[2] / "docs" / "comparison.schema.json"
MS = 1_000_000


def trace(
    folder: Path,
    walls: Sequence[int],
    *,
    arm: str = "",
    pairs: bool = False,
    prices: int = 82,
    result: str = "digest",
    host: str = "host",
    first: int = 1,
) -> Path:
    """A folder of traces: one run for each wall time in ms."""
    for number, wall in enumerate(walls, first):
        resource: dict[str, Any] = {key.RUN_ID: f"{arm}{number}", key.HOST_NAME: host}
        if arm:
            resource[key.ARM] = arm
        if pairs:
            resource[key.PAIR] = number
        at = number * 10_000 * MS + (arm == "candidate") * 5_000 * MS
        spans = [
            Span(1, "backtest", at, at + wall * MS, trace=hash((arm, number)) % 10**9 + 1,
                 attributes={key.FINGERPRINT: result}, resource=resource),
        ]  # fmt: skip
        spans.append(
            Span(2, "price", 0, 0, 1, trace=spans[0].trace, kind=SUMMARY, calls=prices,
                 total=wall * MS // 4, self_ns=wall * MS // 4, resource=resource)
        )  # fmt: skip
        write(folder / f"{arm}{number}" / "a.otlp.jsonl", spans)
    return folder


def document(*arguments: object, expect: int | None = None) -> dict[str, Any]:
    """The JSON report. Whether equal files pass or are undecided depends on their spread."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = main.run(["compare", *map(str, arguments), "--format", "json"])
    allowed = (EXIT_GOOD, EXIT_INCONCLUSIVE) if expect is None else (expect,)
    assert code in allowed, printed.getvalue()
    compared: dict[str, Any] = json.loads(printed.getvalue())
    jsonschema.validate(compared, json.loads(SCHEMA.read_text(encoding="utf-8")))
    return compared


SPREAD = (100, 103, 98, 101, 99, 102, 100, 97, 103, 101)


def times(factor: float) -> list[int]:
    return [round(factor * wall) for wall in SPREAD[::-1]]


def test_two_folders_of_traces(tmp_path: Path) -> None:
    before, after = trace(tmp_path / "a", SPREAD), trace(tmp_path / "b", times(0.8))

    found = document(before, after, expect=EXIT_GOOD)

    assert found["outcome"]["decision"] == "ACCEPT"
    assert found["outcome"]["confirmed"] is True
    assert found["overall"][0]["name"] == "wall"
    assert found["design"]["paired"] is False
    assert found["overall"][0]["ratio"] == pytest.approx(0.8, rel=0.01)
    assert {row["name"] for row in found["operations"]} == {"backtest", "price"}
    assert sum(row["contribution"] for row in found["operations"]) == pytest.approx(
        found["log_ratio"]
    )
    assert found["work"]["same"] is True


def test_one_folder_with_both_arms_in_pairs(tmp_path: Path) -> None:
    trace(tmp_path, SPREAD, arm="baseline", pairs=True)
    trace(tmp_path, times(1.3), arm="candidate", pairs=True)

    found = document(tmp_path, expect=EXIT_GATE_FAILED)

    assert (found["baseline"]["runs"], found["candidate"]["runs"]) == (10, 10)
    assert found["design"]["paired"] is True
    assert found["overall"][0]["method"] == "paired log-t"
    assert found["outcome"]["gate"] == "FAIL"
    assert document(tmp_path, tmp_path, expect=EXIT_GATE_FAILED) == found


def test_one_run_of_each_is_enough_for_work(tmp_path: Path) -> None:
    before, after = trace(tmp_path / "a", [100]), trace(tmp_path / "b", [100], prices=164)

    assert document(before, before, "--work", expect=EXIT_GOOD)["work"]["same"] is True
    found = document(before, after, "--work", expect=EXIT_GATE_FAILED)
    (row,) = found["work"]["differences"]
    assert row == {
        "path": ["backtest", "price"],
        "baseline": {"least": 82, "greatest": 82},
        "candidate": {"least": 164, "greatest": 164},
        "excess": 82,
    }
    assert document(before, after, expect=EXIT_INCONCLUSIVE)["outcome"]["failed"] == []


def test_another_result_is_never_faster(tmp_path: Path) -> None:
    before = trace(tmp_path / "a", SPREAD)
    after = trace(tmp_path / "b", times(0.5), result="another")

    found = document(before, after, expect=EXIT_INCONCLUSIVE)

    assert found["same_result"] is False
    assert found["outcome"]["open"] == ["not the same computation: the results differ"]
    assert document(before, after, "--work", expect=EXIT_GATE_FAILED)["outcome"]["failed"] == [
        "the results differ"
    ]
    assert document(before, after, "--require-improvement", expect=EXIT_GATE_FAILED)


def test_thresholds_are_the_users(tmp_path: Path) -> None:
    before, after = trace(tmp_path / "a", SPREAD), trace(tmp_path / "b", times(0.92))

    assert document(before, after, expect=0)["outcome"]["decision"] == "ACCEPT"
    assert document(before, after, "--threshold", 20, expect=0)["outcome"]["decision"] == "REJECT"
    document(before, after, "--threshold", 20, "--require-improvement", expect=EXIT_GATE_FAILED)
    document(after, before, "--max-regression", 2, expect=EXIT_GATE_FAILED)
    document(after, before, "--max-regression", 25, expect=EXIT_GOOD)


def test_markdown_for_a_pull_request(tmp_path: Path) -> None:
    before, after = trace(tmp_path / "a", SPREAD), trace(tmp_path / "b", times(1.3), prices=90)

    found = rbtrace("compare", before, after, "--format", "markdown")

    lines = found.stdout.splitlines()
    assert lines[0] == "# Candidate against baseline"
    assert lines[2].startswith("- REJECT: wall +30.0 % ")
    assert "- Regression gate FAIL: 10 % is allowed." in lines
    assert "- Failed: wall takes 30.0 % longer; 10 % is allowed." in lines
    assert "- Work differs on 1 of 2 call paths." in lines
    assert "| backtest › price | 82 | 90 | +8 |" in lines


@pytest.mark.parametrize(
    ("name", "beginning"), [("a.html", "<!doctype"), ("a.json", "{"), ("a.txt", "INCONCLUSIVE")]
)
def test_the_suffix_tells_the_format(tmp_path: Path, name: str, beginning: str) -> None:
    before = trace(tmp_path / "a", [100])

    found = rbtrace("compare", before, before, "-o", tmp_path / name)

    assert (found.returncode, found.stdout) == (EXIT_INCONCLUSIVE, "")
    assert (tmp_path / name).read_text().startswith(beginning)


def test_full_lists_all_paths_and_operations(tmp_path: Path) -> None:
    for name, calls in (("a", 3), ("b", 5)):
        spans = [Span(1, "root", 0, 1_000 * MS, resource={key.RUN_ID: name})]
        spans += [
            Span(n, f"tiny{n}", 0, 0, 1, kind=SUMMARY, calls=calls, total=n, self_ns=n,
                 resource={key.RUN_ID: name})
            for n in range(2, 32)
        ]  # fmt: skip
        write(tmp_path / name / "a.otlp.jsonl", spans)

    short = rbtrace("compare", tmp_path / "a", tmp_path / "b").stdout
    full = rbtrace("compare", tmp_path / "a", tmp_path / "b", "--full").stdout

    assert "| 10 more |" in short
    assert "30 more below 0.5%" in short
    assert full.count("tiny31") == 2
    assert "10 more" not in full
    assert "more below" not in full


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda folder: (folder / "none", folder / "none"), "no such file or folder"),
        (lambda folder: (folder, folder), "is empty: no trace was written there"),
        (lambda folder: (trace(folder / "a", [5]), folder / "none"), "no such file or folder"),
        (
            lambda folder: (
                trace(trace(folder / "a", [5], arm="x"), [5], arm="y"),
                trace(folder / "b", [5]),
            ),
            "has runs of several arms (x, y): name a folder for each",
        ),
    ],
)
def test_what_cannot_be_compared_is_one_clear_line(tmp_path: Path, make, complaint: str) -> None:
    found = rbtrace("compare", *make(tmp_path))

    assert found.returncode == EXIT_USAGE
    assert complaint in found.stderr
    assert found.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [("--threshold", "-1"), ("--max-regression", "nan")])
def test_per_cent_that_mean_nothing(tmp_path: Path, arguments) -> None:
    before = trace(tmp_path / "a", [100])

    found = rbtrace("compare", before, before, *arguments)

    assert found.returncode == EXIT_USAGE
    assert f"{arguments[0].strip('-').replace('-', '_')} " in found.stderr
    assert found.stderr.count("\n") == 1


def test_help_has_examples_and_exit_codes() -> None:
    found = rbtrace("compare", "--help").stdout

    assert "rbtrace compare before after --work" in found
    assert "3 undecided" in found


def test_in_python(tmp_path: Path) -> None:
    before, after = trace(tmp_path / "a", SPREAD), trace(tmp_path / "b", times(0.8), prices=83)

    found = package.compare(before, after, threshold=10)

    assert found.outcome.decision == "ACCEPT"
    assert found.overall.loc[0, "name"] == "wall"
    assert found.operations.set_index("name").loc["price", "ratio"] == pytest.approx(0.8, rel=0.01)
    assert list(found.work["excess"]) == [1]
    assert json.loads(found.to_json())["policy"]["threshold"] == 10
    assert msgspec.json.decode(found.to_json(), type=ComparisonResults) == found.results
    assert found.to_markdown().startswith("# Candidate")
    assert "<h1>Candidate against baseline</h1>" in found._repr_html_()
    assert found.to_html().startswith("<!doctype")
    assert repr(found) == "<Comparison: ACCEPT, gate PASS>"


def test_a_benchmark_that_is_not_finished(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("raise SystemExit(1)")
    command = f"{sys.executable} '{program}'"
    rbtrace("bench", "--baseline", command, "--candidate", command, "-o", tmp_path / "out")

    found = rbtrace("compare", tmp_path / "out")

    assert found.returncode == EXIT_USAGE
    assert f"has no finished pair yet: rbtrace bench --resume -o {tmp_path / 'out'}" in found.stderr


def test_a_benchmark_and_its_folders_of_traces_say_the_same(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import rbtrace\nwith rbtrace.span('work'): pass")
    command = f"{sys.executable} '{program}'"
    out = tmp_path / "out"
    rbtrace("bench", "--baseline", command, "--candidate", command, "-o", out, "--pairs", 5)

    whole = json.loads(rbtrace("compare", out, "--format", "json").stdout)
    traces = out / "traces"
    apart = json.loads(
        rbtrace("compare", traces / "baseline", traces / "candidate", "--format", "json").stdout
    )

    assert whole["design"]["paired"] is apart["design"]["paired"] is True
    assert [row["name"] for row in whole["overall"]][:4] == [
        "wall", "self", "process wall", "process CPU",
    ]  # fmt: skip
    assert whole["overall"][:2] == apart["overall"]
    assert whole["operations"] == apart["operations"]
    assert whole["baseline"]["environment"]["python"]


PYPERF = """
import pyperf
runner = pyperf.Runner(values=2, warmups=1, processes=5, loops=1)
runner.bench_func("sum", sum, range(20000))
runner.bench_func("sort", sorted, range(20000))
"""


@pytest.fixture(scope="module")
def pyperf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that pyperf wrote."""
    folder = tmp_path_factory.mktemp("pyperf")
    (folder / "script.py").write_text(PYPERF)
    subprocess.run(
        [sys.executable, "script.py", "-q", "-o", "a.json"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / "a.json"


@pytest.mark.parametrize("packed", [False, True])
def test_files_of_pyperf(pyperf: Path, tmp_path: Path, packed: bool) -> None:
    file = pyperf
    if packed:
        file = tmp_path / "a.json.gz"
        file.write_bytes(gzip.compress(pyperf.read_bytes()))

    found = document(file, file)

    assert found["baseline"]["source"] == "pyperf"
    assert (found["baseline"]["runs"], found["design"]["paired"]) == (5, False)
    assert {row["name"] for row in found["operations"]} == {"sum", "sort"}
    assert found["overall"][0]["ratio"] == pytest.approx(1)
    assert found["overall"][0]["p_value"] == pytest.approx(1)
    assert found["baseline"]["environment"]["python"].startswith("3.")
    assert found["work"] is None
    total = sum(row["baseline"] for row in found["operations"])
    assert 0.5 < total / found["overall"][0]["baseline"] < 2
    assert 10_000 < found["overall"][0]["baseline"] < 1e9


BENCHMARKS = """
def test_sum(benchmark): benchmark.pedantic(sum, args=(range(20000),), rounds=5)
def test_sort(benchmark): benchmark.pedantic(sorted, args=(range(20000),), rounds=5)
"""


@pytest.fixture(scope="module")
def pytest_benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of five files that pytest-benchmark wrote."""
    folder = tmp_path_factory.mktemp("pytest-benchmark")
    (folder / "test_suite.py").write_text(BENCHMARKS)
    (folder / "pytest.ini").write_text("[pytest]\n")  # names are relative to where this is
    (folder / "runs").mkdir()
    # Beside others it would measure nothing.
    alone = {name: of for name, of in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    for number in range(5):
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", f"--benchmark-json=runs/{number}.json"],
            cwd=folder,
            env=alone,
            check=True,
            capture_output=True,
        )
    return folder / "runs"


def test_a_file_of_pytest_benchmark_is_one_run(pytest_benchmark: Path) -> None:
    file = pytest_benchmark / "0.json"

    found = document(file, file, expect=EXIT_INCONCLUSIVE)

    assert found["baseline"]["source"] == "pytest-benchmark"
    assert found["baseline"]["runs"] == 1
    assert found["overall"][0]["p_value"] is None
    assert {row["name"] for row in found["operations"]} == {
        "test_suite.py::test_sum",
        "test_suite.py::test_sort",
    }


def test_a_folder_of_pytest_benchmark_is_an_arm(pytest_benchmark: Path) -> None:
    found = document(pytest_benchmark, pytest_benchmark)

    assert found["baseline"]["runs"] == 5
    assert found["overall"][0]["p_value"] == pytest.approx(1)


def test_files_that_do_not_belong_together(pytest_benchmark: Path, tmp_path: Path) -> None:
    runs = shutil.copytree(pytest_benchmark, tmp_path / "runs")
    other = json.loads((runs / "0.json").read_text())
    other["machine_info"]["node"] = "elsewhere"
    (runs / "5.json").write_text(json.dumps(other))

    refused = rbtrace("compare", runs, runs)

    assert refused.returncode == EXIT_USAGE
    assert "do not belong into one arm" in refused.stderr
    (runs / "5.json").write_text("{}")
    refused = rbtrace("compare", runs, runs)
    assert "has results of benchmarks, but 5.json is none" in refused.stderr


def test_tools_are_not_mixed(pyperf: Path, tmp_path: Path) -> None:
    found = rbtrace("compare", pyperf, trace(tmp_path / "a", [100]))

    assert found.returncode == EXIT_USAGE
    assert "compare results of the same tool" in found.stderr


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"benchmarks": 3}', "is not what pyperf writes"),
        ('{"benchmarks": [], "version": "1.0"}', "has no runs"),
        (
            '{"benchmarks": [{"runs": [], "metadata": {"unit": "byte"}}], "version": "1.0"}',
            "is measured in byte, not in seconds",
        ),
        (
            '{"benchmarks": [{"runs": [{"values": [-1.0]}]}], "version": "1.0"}',
            "a time is not a positive number of seconds",
        ),
        ('{"benchmarks": [], "machine_info": {}}', "is not what pytest-benchmark writes"),
    ],
)
def test_damaged_files_of_other_tools(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "a.json").write_text(text)

    found = rbtrace("compare", tmp_path / "a.json", tmp_path / "a.json")

    assert found.returncode == EXIT_USAGE
    assert complaint in found.stderr


def test_what_some_benchmarks_of_pyperf_have_more_is_left_out_and_counted(tmp_path: Path) -> None:
    benchmarks = [
        {"metadata": {"name": name}, "runs": [{"values": [0.5, 0.7]}] * runs}
        for name, runs in (("a", 5), ("b", 7))
    ]
    (tmp_path / "a.json").write_text(json.dumps({"benchmarks": benchmarks, "version": "1.0"}))

    found = document(tmp_path / "a.json", tmp_path / "a.json", expect=EXIT_INCONCLUSIVE)

    assert found["baseline"]["runs"] == 5
    assert "2 values of benchmarks with more runs than others" in found["warnings"][0]
    assert found["overall"][0]["p_value"] is None
