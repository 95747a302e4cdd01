"""How a source file is called: without the folders in which this machine has it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})


def without_folders(file: str) -> str:
    """What follows the folder of installed packages; of another file, its folder and itself."""
    parts = PurePath(file).parts
    installed = [place for place, name in enumerate(parts) if name in _INSTALLED]
    return "/".join(parts[installed[-1] + 1 :] if installed else parts[-2:])
