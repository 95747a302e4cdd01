"""Folders: changed, removed, forbidden; the home; the umask."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from common import flush, in_child, main, settled, work


def changed() -> None:
    """The program changes its folder before and after the first span."""
    for name in ("one", "two", "three"):
        os.mkdir(name)
        os.chdir(name)
        settled()
        Path("mine").write_text(name)
    print(Path.cwd().name)


def removed() -> None:
    """The working folder is removed before the first span."""
    os.mkdir("gone")
    os.chdir("gone")
    os.rmdir("../gone")
    settled()
    try:
        print(os.getcwd())
    except FileNotFoundError as problem:
        print(type(problem).__name__, work())


def plain() -> None:
    """A program that works and ends; its folders or its environment are odd."""
    settled()
    with open("mine", "w") as file:
        file.write("mine")
    print(work(), "mine" in os.listdir("."))


def masked(mask: str) -> None:
    """The program's umask stays, its files have their modes, and ours are for their owner alone."""
    os.umask(int(mask, 8))
    os.mkdir("folder")
    settled()
    with open("file", "w") as file:
        file.write("mine")
    os.makedirs("deep/er")
    print(oct(os.umask(0)))
    traces = Path(os.environ["RBTRACE_DIR"])
    modes = {stat.S_IMODE(path.stat().st_mode) for path in traces.rglob("*") if path.is_file()}
    if modes - {0o600}:
        print("modes of traces:", modes)


def lost_traces() -> None:
    """Somebody removes the folder of traces while the program runs."""
    import shutil

    settled()
    shutil.rmtree(os.environ["RBTRACE_DIR"], ignore_errors=True)
    for _ in range(3):
        work()
        flush()
    print("done", in_child(work))


def environment_cleared() -> None:
    """The program clears its environment: HOME, PATH and all of ours are gone."""
    settled()
    os.environ.clear()
    for _ in range(3):
        work()
    flush()
    print(dict(os.environ), in_child(work))


def root_changed() -> None:
    """The program changes its root (chroot), where it may."""
    settled()
    os.mkdir("root")
    try:
        os.chroot("root")
        os.chdir("/")
    except PermissionError:
        print("may not", file=sys.stderr)
    work()
    flush()
    print(os.listdir("/") == [] or os.geteuid() != 0)


def other_user() -> None:
    """The program becomes another user, where it may, as servers do after they start."""
    settled()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
    work()
    flush()
    print("done", in_child(work))


if __name__ == "__main__":
    main(
        changed,
        removed,
        plain,
        masked,
        lost_traces,
        environment_cleared,
        root_changed,
        other_user,
    )
