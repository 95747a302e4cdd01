"""The kept outputs: where they are, how they are compared, how they are recorded anew."""

from __future__ import annotations

import difflib
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

EXPECTED: Final = Path(__file__).with_name("expected")
OUTCOMES: Final = EXPECTED / "outcomes.json"
_PACKED_FROM: Final = 6_000
"""Bytes from which a file is kept compressed."""
_MOST_LINES: Final = 80
_WIDEST: Final = 240
HOW: Final = "if that is meant: python -m pytest tests/goldens --record-goldens"


def kept(name: str) -> bytes | None:
    """What is kept under this name."""
    packed = EXPECTED / f"{name}.gz"
    if packed.exists():
        return gzip.decompress(packed.read_bytes())
    path = EXPECTED / name
    return path.read_bytes() if path.exists() else None


def keep(name: str, content: bytes) -> None:
    """Keep this from now on."""
    path = EXPECTED / name
    packed = EXPECTED / f"{name}.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    if kept(name) == content:
        return
    for one in (path, packed):
        one.unlink(missing_ok=True)
    if len(content) < _PACKED_FROM:
        path.write_bytes(content)
    else:
        packed.write_bytes(gzip.compress(content, mtime=0))


@cache
def outcomes() -> dict[str, list[Any]]:
    """Exit code, lines of standard error and names of the files of each case."""
    if not OUTCOMES.exists():
        return {}
    found: dict[str, list[Any]] = json.loads(OUTCOMES.read_text(encoding="utf-8"))
    return found


def keep_outcome(name: str, outcome: list[Any]) -> None:
    """Keep this outcome from now on."""
    keep_outcomes(outcomes() | {name: outcome})


def keep_outcomes(found: dict[str, list[Any]]) -> None:
    """Keep these outcomes and no others, one a line."""
    rows = [
        f"{json.dumps(name)}: {json.dumps(found[name], ensure_ascii=False)}"
        for name in sorted(found)
    ]
    EXPECTED.mkdir(exist_ok=True)
    OUTCOMES.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
    outcomes.cache_clear()


def files_kept() -> set[str]:
    """Names of all that is kept."""
    paths = (path for path in EXPECTED.rglob("*") if path.is_file() and path != OUTCOMES)
    return {path.relative_to(EXPECTED).as_posix().removesuffix(".gz") for path in paths}


def forget(name: str) -> None:
    """Keep this no longer."""
    for path in (EXPECTED / name, EXPECTED / f"{name}.gz"):
        path.unlink(missing_ok=True)


def require_same(name: str, found: bytes) -> None:
    """Fail with the difference to what is kept, if there is any."""
    expected = kept(name)
    if expected is None:
        pytest.fail(f"nothing is kept as {name}; {HOW}", pytrace=False)
    if found != expected:
        pytest.fail(f"{name} differs; {HOW}\n{difference(expected, found)}", pytrace=False)


def difference(expected: bytes, found: bytes) -> str:
    """The difference in lines, those that are too long cut to where they differ."""
    before, after = (
        text.decode("utf-8", "backslashreplace").splitlines(keepends=True)
        for text in (expected, found)
    )
    for place in range(min(len(before), len(after))):
        if before[place] != after[place]:
            before[place], after[place] = _cut(before[place], after[place])
    lines = list(difflib.unified_diff(before, after, "kept", "found", n=2))
    shown = [repr(line.rstrip("\n"))[1:-1] for line in lines[:_MOST_LINES]]
    more = [f"… {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
    return "\n".join([*shown, *more])


def _cut(one: str, other: str) -> tuple[str, str]:
    if max(len(one), len(other)) <= _WIDEST:
        return one, other
    same = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    begin = max(0, same - _WIDEST // 2)
    return tuple(f"[from {begin}] {text[begin : begin + _WIDEST]}\n" for text in (one, other))
