"""The Pythons that programs run on: this one, and another supported one with rbtrace's core.

`OTHER_PYTHON=3.13` names the other one. It has the versions of packages in `.ci/tested-3.13.txt`;
`python -m tests.support.interpreters` takes the newest and keeps their versions there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIND_PYTHON = ROOT / ".ci" / "find-python"
SUPPORTED = ("3.12", os.environ.get("OTHER_PYTHON") or "3.13")
THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"
OTHERS = tuple(version for version in SUPPORTED if version != THIS)
MADE_FROM = (
    "pyproject.toml",
    "hatch_build.py",
    "rbtrace/version.py",
    "rbtrace/recording/engines/rbtrace.pth",
    "rbtrace/recording/engines/rbtrace.start",
    *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob(".ci/tested-*.txt"))),
    *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("rbtrace/**/_*.[ch]"))),
)
PACKAGES = ("coverage>=7.10",)
"""What programs need beside rbtrace's core and its exporter, and is small."""


class UnavailableError(Exception):
    """This machine has no such Python, or rbtrace cannot be installed for it."""


@cache
def executable(version: str) -> str:
    """A Python of this version that has this checkout's rbtrace, made once and kept.

    Raises:
        UnavailableError: there is no such Python here, or nothing can be installed.
    """
    if version == THIS:
        return sys.executable
    folder = kept_in() / f"harmless-{version}-{hashlib.sha256(bytes(ROOT)).hexdigest()[:8]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = folder / "made-from"
    with locked(Path(f"{folder}.lock")):
        if not made.exists() or made.read_text(encoding="utf-8") != fingerprint():
            make(version, folder)
            made.write_text(fingerprint(), encoding="utf-8")
    return str(folder / "bin" / "python")


def kept_in() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rbtrace"


def fingerprint() -> str:
    """Of all that the environment is made from; its rbtrace is the checkout's own."""
    digest = hashlib.sha256()
    for name in MADE_FROM:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make(version: str, folder: Path, *, newest: bool = False) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    output([base(version), "-m", "venv", str(folder)])
    versions = kept_versions(version)
    constraint = [] if newest or not versions.exists() else ["--constraint", str(versions)]
    pip = [str(folder / "bin" / "python"), "-m", "pip"]
    output([*pip, "install", "--quiet", *constraint, "--editable", f"{ROOT}[otlp]", *PACKAGES])
    if newest:
        versions.write_text(output([*pip, "freeze", "--exclude-editable"]), encoding="utf-8")


def kept_versions(version: str) -> Path:
    """The versions of packages that the tests last passed with on that Python."""
    return ROOT / ".ci" / f"tested-{version}.txt"


def base(version: str) -> str:
    if not FIND_PYTHON.exists():
        raise UnavailableError(f"nothing looks for Python {version} in a source distribution")
    return output([str(FIND_PYTHON), version]).strip()


def output(command: list[str]) -> str:
    """What a command prints.

    Raises:
        UnavailableError: it failed.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise UnavailableError(done.stderr.strip() or f"{command[0]} failed")
    return done.stdout


if __name__ == "__main__":
    for other in OTHERS:
        with tempfile.TemporaryDirectory() as scratch:
            make(other, Path(scratch) / "environment", newest=True)
        sys.stdout.write(f"The versions are in {kept_versions(other).relative_to(ROOT)}\n")
