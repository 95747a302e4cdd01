"""Running `rbtrace` as a user does, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RBTRACE = [sys.executable, "-c", "from rbtrace.commands.main import main; main()"]


def rbtrace(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    command = [*RBTRACE, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=240, check=False, **options
    )  # type: ignore[call-overload]
