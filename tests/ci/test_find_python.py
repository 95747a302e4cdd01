"""The search for a Python runs every candidate: a name on PATH proves nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FIND_PYTHON = Path(__file__).parents[2] / ".ci" / "find-python"
ONLY = '#!/bin/sh\n[ "${{3:-{version}}}" = {version} ] && echo "{minor} $0"\n'
"""A Python that refuses to be another version than it is."""
SHIM = "#!/bin/sh\necho 'python3.12: command not found' >&2\nexit 127\n"

USUAL_PLACES = ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")
nothing_in_usual_places = pytest.mark.skipif(
    any(list(Path(place).glob("python3.1[2-9]")) for place in USUAL_PLACES),
    reason="this machine has a Python 3.12 or newer in a usual place",
)
pytestmark = pytest.mark.skipif(not FIND_PYTHON.exists(), reason="not in a source distribution")


@pytest.fixture
def machine(tmp_path):
    """A machine of our own making: an empty home, and PATH with the basic tools alone."""
    tools = tmp_path / "a folder with spaces"
    tools.mkdir()
    for tool in ("sh", "sort", "head"):
        (tools / tool).symlink_to(shutil.which(tool))
    return tools


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def wrapper(minor: int) -> str:
    """A Python that runs; it says it is 3.`minor`."""
    return f'#!/bin/sh\necho "{minor} $0"\n'


def find(machine: Path, *version: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": str(machine), "HOME": str(machine.parent / "home")} | variables
    return subprocess.run(
        ["/bin/sh", str(FIND_PYTHON), *version],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_shim_that_does_not_run_is_passed_over(machine):
    put(machine / "python3.12", SHIM)
    put(machine.parent / "home/.pyenv/versions/3.12.9/bin/python3", wrapper(12))

    assert find(machine).stdout.endswith("/.pyenv/versions/3.12.9/bin/python3\n")


def test_3_12_is_preferred_wherever_it_is(machine):
    put(machine / "python3", wrapper(14))
    put(machine / "python3.13", wrapper(13))
    put(machine.parent / "elsewhere/versions/3.12.9/bin/python3", wrapper(12))

    found = find(machine, PYENV_ROOT=str(machine.parent / "elsewhere"))

    assert found.stdout.endswith("/elsewhere/versions/3.12.9/bin/python3\n")


def test_the_first_of_several_on_path_wins(machine):
    put(machine / "python3.12", wrapper(12))
    put(machine.parent / "home/.pyenv/versions/3.12.9/bin/python3", wrapper(12))

    assert find(machine).stdout == f"{machine}/python3.12\n"


def test_one_version_can_be_asked_for(machine):
    newer = machine.parent / "home/.pyenv/versions/3.13.0/bin/python3"
    put(machine / "python3.12", ONLY.format(version="3.12", minor=12))
    put(newer, ONLY.format(version="3.13", minor=13))

    assert find(machine, "3.13").stdout == f"{newer}\n"
    assert find(machine, "3.12").stdout == f"{machine}/python3.12\n"
    assert find(machine).stdout == f"{machine}/python3.12\n"
    missing = find(machine, "3.99")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr == "no usable Python 3.99 with venv and headers\n"


@nothing_in_usual_places
def test_uv_is_asked(machine):
    put(machine.parent / "managed/python3.13", wrapper(13))
    answer = f'#!/bin/sh\n[ "$3" = 3.13 ] && echo "{machine.parent}/managed/python3.13"\n'
    put(machine / "uv", answer)

    assert find(machine).stdout == f"{machine.parent}/managed/python3.13\n"


def test_the_variable_overrides(machine):
    put(machine / "python3.12", wrapper(12))

    found = find(machine, RBTRACE_PYTHON=sys.executable)

    assert Path(found.stdout.strip()).samefile(sys.executable)


def test_an_unusable_override_is_one_clear_line(machine):
    found = find(machine, RBTRACE_PYTHON="/no/such/python")

    assert found.returncode == 2
    assert found.stdout == ""
    assert (
        found.stderr
        == "RBTRACE_PYTHON=/no/such/python is not a Python >= 3.12 with venv and headers\n"
    )


@nothing_in_usual_places
def test_none_at_all_says_what_to_install(machine):
    found = find(machine)

    assert found.returncode == 2
    assert found.stderr.startswith("no usable Python >= 3.12: install 3.12")
    assert found.stderr.count("\n") == 1


def test_tracing_in_the_environment_does_not_reach_it(machine):
    put(machine / "python3.12", '#!/bin/sh\necho "12 ${RBTRACE_ENABLED:-off}"\n')

    assert find(machine, RBTRACE_ENABLED="1").stdout == "off\n"


def test_make_lists_its_targets():
    make = shutil.which("make")
    if make is None:
        pytest.skip("no make")
    done = subprocess.run(
        [make],
        cwd=FIND_PYTHON.parents[1],
        capture_output=True,
        text=True,
        check=True,
    )

    assert {line.split()[1] for line in done.stdout.splitlines()} >= {"demo", "test", "help"}
