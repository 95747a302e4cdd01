"""A real headless Chromium: what a page is after its scripts have run, and how it looks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def chromium(address: str, folder: Path, *options: str) -> str:
    """Load a page; return its document as it is when nothing more happens."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium (apt install chromium)")
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            f"--user-data-dir={folder / 'chromium'}", "--virtual-time-budget=10000",
            "--window-size=1200,800", *options, address,
        ],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def document(address: str, folder: Path) -> str:
    return chromium(address, folder, "--dump-dom")
