"""The Pythons that programs run on: this one, and the other supported one with rbtrace."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIND_PYTHON = ROOT / ".ci" / "find-python"
SUPPORTED = ("3.12", "3.13")
THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"
OTHERS = tuple(version for version in SUPPORTED if version != THIS)
MADE_FROM = (
    "pyproject.toml",
    "hatch_build.py",
    "rbtrace/version.py",
    "rbtrace/recording/engines/rbtrace.pth",
    "rbtrace/recording/engines/rbtrace.start",
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


def make(version: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    output([base(version), "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    output([*pip, "--editable", f"{ROOT}[otlp]", *PACKAGES])


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
