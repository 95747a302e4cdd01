"""A run of `rbtrace scenario --quick`, for the tests of the studies to look at."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.command import RBTRACE

EXTRAS = {"rustybt": "demo", "matplotlib": "plots", "optuna": "optuna", "aiohttp_cors": "ray"}
"""What all studies need, and the extra that brings each."""


def need(*packages):
    """Skip the test where a package is not installed."""
    for package in packages:
        why = f"needs the extra {EXTRAS[package]}"
        pytest.importorskip(package, reason=why, exc_type=ImportError)


def of_whole_studies(test):
    """Mark a test of what the quick run of all studies left; the first of them waits for it."""
    for mark in (pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(2500)):
        test = mark(test)
    return test


def study(name, folder, timeout):
    """Study something, or all, quickly, or go on with it."""
    # Between this process and the studies, so that its peak memory is not that of all tests before.
    shell = ["sh", "-c", '"$@"; exit $?', "sh"]
    command = [*shell, *RBTRACE, "scenario", name, "--quick", "-o", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


@dataclass(frozen=True)
class Left:
    """What a study left in its folder."""

    folder: Path

    def assert_complete(self, cases):
        """That all cases were measured, and no span of theirs is missing."""
        assert f"{cases} of {cases} cases measured" in self.report
        assert re.search(r"^- Complete", self.report, re.MULTILINE)

    @property
    def report(self):
        """The report, Markdown."""
        return (self.folder / "report.md").read_text()

    @property
    def runs(self):
        """What is kept of each case, in the order in which they were measured."""
        return [json.loads(line) for line in (self.folder / "runs.jsonl").read_text().splitlines()]

    def section(self, heading):
        """The section of the report under a heading."""
        sections = self.report.split("\n## ")
        return next(one for one in sections if one.partition("\n")[0] == heading)

    def rows(self, heading):
        """The cells of the table in a section, by row, without its head."""
        lines = [line for line in self.section(heading).splitlines() if line.startswith("| ")]
        return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[1:]]

    def picture(self, name):
        """A drawing."""
        return (self.folder / name).read_text()
