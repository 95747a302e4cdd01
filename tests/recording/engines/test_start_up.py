"""The start of a program is the same with tracing on, whatever it and the installation are like."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import rbtrace
from rbtrace.testing import read_spans
from tests.support.environment import uncovered

OFF = {"RBTRACE_ENABLED": ""}
ON = {"RBTRACE_ENABLED": "1"}


class Ran:
    def __init__(self, done, folder):
        self.code, self.printed, self.said = done.returncode, done.stdout, done.stderr
        self.spans = read_spans(folder.rglob("*.otlp.jsonl"))


@pytest.fixture
def run(tmp_path):
    """Run a command line of Python in a folder of its own."""

    def run_python(*arguments, stdin=None, **variables):
        inherited = {
            name: text
            for name, text in uncovered().items()
            if not name.startswith(("RBTRACE_", "OTEL_", "PYTHON"))
        }
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**inherited, "RBTRACE_DIR": str(tmp_path / "traces"), **variables},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(done, tmp_path / "traces")

    return run_python


@pytest.fixture
def write(tmp_path):
    def write_files(files):
        for name, text in files.items():
            path = tmp_path / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    return write_files


def same(run, *arguments, said="", **variables):
    """Run it off and on; the output is the same, and on it says so much, once."""
    off = run(*arguments, **OFF, **variables)
    on = run(*arguments, **ON, **variables)
    assert (on.code, on.printed) == (off.code, off.printed), on.said
    if said:
        assert on.said.count(said) == 1, on.said
        assert len(on.said.splitlines()) == len(off.said.splitlines()) + 1, on.said
    else:
        assert on.said == off.said
    return on


OWN = "value = 'the own one'\nprint('imported', __name__)\n"
USES_OWN = "import rbtrace\nprint(rbtrace.value, rbtrace.__spec__.loader.__class__.__name__)\n"


@pytest.mark.parametrize("as_package", [False, True])
@pytest.mark.parametrize(
    "how", ["script", "module", "command", "path", "late", "unittest", "folder"]
)
def test_a_program_gets_its_own_module_of_our_name(run, write, how, as_package):
    folder = "lib/" if how in ("path", "late") else ""
    name = f"{folder}rbtrace/__init__" if as_package else f"{folder}rbtrace"
    insert = "import sys\nsys.path.insert(0, 'lib')\n" if how == "late" else ""
    write({name: OWN, "program": insert + USES_OWN, "__main__": USES_OWN})
    arguments = {
        "script": ["program.py"],
        "module": ["-m", "program"],
        "command": ["-c", USES_OWN],
        "path": ["program.py"],
        "late": ["program.py"],
        "unittest": ["-m", "unittest", "-q", "program"],
        "folder": ["."],
    }[how]
    if how == "path":
        same(run, *arguments, said="has the name of the tracing package", PYTHONPATH="lib")
        return
    done = run(*arguments, **ON)
    assert "the own one SourceFileLoader" in done.printed, done.said
    assert done.said.count("rbtrace: warning: tracing stays off") == 1


def test_a_program_without_one_gets_the_tracing_package(run, write):
    program = "import rbtrace\nwith rbtrace.span('work'): print(rbtrace.__spec__.origin)\n"
    write({"program": program})
    done = same(run, "program.py")
    assert [span.name for span in done.spans] == ["work"]


def test_nothing_of_tracing_is_imported_as_far_as_the_program_can_see(run):
    code = "import sys\nprint([name for name in sys.modules if name.startswith('rbtrace')])"
    assert same(run, "-c", code).printed == "[]\n"


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_workers_get_the_programs_own_module(run, write, method):
    program = f"""
import multiprocessing
import rbtrace

def task(_):
    import rbtrace
    return rbtrace.value

if __name__ == "__main__":
    with multiprocessing.get_context({method!r}).Pool(1) as pool:
        print(pool.map(task, [1]))
"""
    write({"rbtrace": "value = 'the own one'\n", "program": program})
    same(run, "program.py", said="has the name of the package")


def test_a_module_that_is_meant_too_late_is_at_least_said(run, write):
    program = """
import sys
import rbtrace
with rbtrace.span("work"): pass
sys.path.insert(0, "lib")
try:
    from rbtrace import value
except ImportError as problem:
    print("no value")
"""
    write({"lib/rbtrace": "value = 1\n", "program": program})
    done = run("program.py", **ON)
    assert done.printed == "no value\n"
    assert done.said.count("has the name of the tracing package, which was imported before") == 1


SPAN = "import rbtrace\nwith rbtrace.span('work'): print('works')\n"
TRACED = """
import rbtrace
@rbtrace.traced
def one(): return 1
@rbtrace.traced(hot=True)
def two(): return 2
print(one(), two())
with rbtrace.span("work"): print("works")
"""


@pytest.mark.parametrize(
    "name", ["uuid", "select", "secrets", "hmac", "queue", "msgspec", "opentelemetry/__init__"]
)
def test_a_program_with_a_module_that_tracing_needs_runs_untraced(run, write, name):
    plain = name.removesuffix("/__init__")
    write({name: f"print('imported {plain}')\nvalue = 1\n", "program": TRACED})
    same(run, "program.py", said="has the name of a module tracing needs")
    write({"program": f"import {plain}\nprint({plain}.value)\n" + TRACED})
    same(run, "program.py", said="has the name of a module tracing needs")


@pytest.mark.parametrize("name", ["settings", "errors", "profile", "calendar_of_mine", "test"])
def test_a_program_with_modules_of_other_names_is_traced(run, write, name):
    write({name: "value = 1\n", "program": f"import {name}\n" + SPAN})
    done = same(run, "program.py")
    assert [span.name for span in done.spans] == ["work"]


@pytest.mark.parametrize(
    "broken",
    [
        "raise ImportError('broken')",
        "raise AttributeError('broken')",
        "raise SystemExit('broken')",
        "raise RuntimeError('broken')",
        "this is no Python",
        "import nothing_of_this_name",
        "",  # of another version: what is needed is not there
    ],
)
def test_a_broken_opentelemetry_is_said_once_and_the_program_runs_untraced(run, write, broken):
    child = "import rbtrace\nwith rbtrace.span('child'): print('child works')"
    program = f"{TRACED}\nimport subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    write(
        {
            "site/opentelemetry/__init__": "",
            "site/opentelemetry/trace/__init__": "",
            "site/opentelemetry/context/__init__": broken,
            "program": program,
        }
    )
    same(run, "program.py", said="tracing cannot start and stays off", PYTHONPATH="site")


def test_subinterpreters_run_untraced(run, write):
    program = '''
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import rbtrace
with rbtrace.span("main"):
    for _ in range(3):
        one = interpreters.create()
        problem = interpreters.run_string(one, """if True:
            import rbtrace
            @rbtrace.traced
            def work(): return "works"
            with rbtrace.span("inner"):
                print(work(), flush=True)
            rbtrace.instrument()
            rbtrace.shutdown()
        """)
        assert not problem, problem
        interpreters.destroy(one)
'''
    write({"program": program})
    on, off = run("program.py", **ON), run("program.py", **OFF)
    assert (on.code, on.printed) == (off.code, off.printed) == (0, "works\n" * 3), on.said
    assert on.said.count("tracing stays off in subinterpreters") == 3
    assert [span.name for span in on.spans] == ["main"]


FLAGS = [
    ["-I"],
    ["-E"],
    ["-S"],
    ["-O"],
    ["-OO"],
    ["-bb"],
    ["-s"],
    ["-P"],
    ["-X", "dev"],
    ["-W", "error"],
    ["-X", "dev", "-W", "error"],
    ["-X", "frozen_modules=off"],
]


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
@pytest.mark.parametrize("sampler", ["off", "signal"])
def test_options_of_the_interpreter_change_nothing(run, write, flags, sampler):
    installed = [path for path in sys.path if "site-packages" in path]
    installed.append(str(Path(rbtrace.__file__).parents[1]))
    write({"program": f"import sys\nsys.path += {installed!r}\n{TRACED}"})
    on = same(run, *flags, "program.py", RBTRACE_SAMPLER=sampler)
    assert [span.name for span in on.spans if span.name in ("one", "work")] == ["one", "work"]


def test_an_installation_beneath_the_folder_of_the_script_is_no_stranger(run, write):
    root = Path(sys.executable).anchor
    code = f"import os\nos.chdir({root!r})\n{SPAN}"
    assert [span.name for span in same(run, "-c", code).spans] == ["work"]


def test_every_way_to_start_a_program_is_traced(run, write, tmp_path):
    write({"program": SPAN})
    with zipfile.ZipFile(tmp_path / "program.zip", "w") as archive:
        archive.writestr("__main__.py", SPAN)
    ways = [["program.py"], ["-m", "program"], ["-c", SPAN], ["program.zip"], ["-"], []]
    for way in ways:
        done = run(*way, stdin=SPAN if way in (["-"], []) else None, **ON)
        assert (done.code, done.printed, done.said) == (0, "works\n", "")
    assert len(done.spans) == len(ways)
