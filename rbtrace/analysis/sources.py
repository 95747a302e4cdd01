"""Sources of bytes: the files, folders, globs, standard input and servers to read spans from."""

from __future__ import annotations

import glob
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from rbtrace.analysis.jaeger import is_jaeger, open_jaeger
from rbtrace.analysis.streams import BUFFER_BYTES, with_head
from rbtrace.analysis.urls import has_scheme
from rbtrace.conventions import SIDE_SUFFIXES, SPANS_SUFFIX
from rbtrace.errors import InputError

STANDARD_INPUT: Final = "-"
CLICKHOUSE_SCHEMES: Final = {"clickhouse": "http", "clickhouses": "https"}
_ROTATED: Final = r"-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}"
_OF_FULL: Final = re.compile(rf"(.+){_ROTATED}(\.[^.]+)?(\.gz)?")
_GLOB_SIGNS: Final = frozenset("*?[")


def is_clickhouse(text: str) -> bool:
    """Whether an argument names a ClickHouse, which is not read but asked."""
    return has_scheme(text, CLICKHOUSE_SCHEMES)


@dataclass(frozen=True, slots=True)
class Source:
    """One stream of bytes: a file, standard input, or whatever `opener` opens.

    `asked` when the user named it, not merely the folder it is in.
    """

    name: str
    path: Path | None
    asked: bool = True
    opener: Callable[[], BinaryIO] | None = None

    @property
    def size(self) -> int:
        """Bytes to read, 0 where that is not known."""
        return self.path.stat().st_size if self.path else 0

    def sibling(self, suffix: str) -> Path | None:
        """The file beside this one that the recorder writes for the same process."""
        if self.path is None or not self.path.name.endswith(SPANS_SUFFIX):
            return None
        return self.path.with_name(self.path.name.removesuffix(SPANS_SUFFIX) + suffix)

    def continues(self, before: Source) -> bool:
        """Whether that is what came before this when the file was full, so that lines may go on."""
        if before.path is None or self.path is None:
            return False
        full = _OF_FULL.fullmatch(before.path.name)
        return full is not None and _before_full(before.path) == _before_full(self.path)

    def open(self) -> io.BufferedReader:
        """Open the stream, decompressed; `peek` gives its head.

        Raises:
            InputError: the stream can't be opened, or is a bomb.
            EOFError and others of `DAMAGED`: its compression is damaged from the start.
        """
        try:
            raw = self._opened()
        except OSError as problem:
            raise InputError(f"cannot read {self.name}: {problem.strerror or problem}") from None
        try:
            return with_head(raw)
        except OSError as problem:
            raw.close()
            raise InputError(f"cannot read {self.name}: {problem.strerror or problem}") from None
        except InputError as problem:
            raw.close()
            raise InputError(f"cannot read {self.name}: {problem}") from None
        except BaseException:
            raw.close()
            raise

    def _opened(self) -> BinaryIO:
        if self.opener is not None:
            return self.opener()
        if self.path is None:
            return sys.stdin.buffer
        return self.path.open("rb", BUFFER_BYTES)


class ExpandedPaths(NamedTuple):
    """The sources to read, and the folders that were searched for them."""

    sources: list[Source]
    folders: list[Path]


def expand(paths: Iterable[str | Path]) -> ExpandedPaths:
    """Turn what the user named into sources, each file once, in order of name.

    Args:
        paths: files, folders (searched recursively), globs, `-` for standard input, or
            `jaeger://…` for a Jaeger.

    Raises:
        InputError: a path does not exist, a glob matches nothing, or a folder holds no files.
    """
    sources: dict[Path | str, Source] = {}
    folders: list[Path] = []
    for path in paths:
        if is_clickhouse(str(path)):
            # The URL is not shown: it may hold a password.
            raise InputError("a ClickHouse can be analyzed, and alone: rbtrace analyze URL")
        if Path(path).expanduser().is_dir():
            folders.append(Path(path).expanduser())
        for source in _expand_one(str(path)):
            key = source.path.resolve() if source.path else source.name
            if key not in sources or source.asked:
                sources[key] = source
    if not sources and not folders:
        raise InputError("nothing to analyze: name a file, a folder, a glob, or - for stdin")
    return ExpandedPaths(sorted(sources.values(), key=lambda source: source.name), folders)


def _expand_one(text: str) -> Iterator[Source]:
    if text == STANDARD_INPUT:
        yield Source("<stdin>", None)
        return
    if is_jaeger(text):
        yield Source(text, None, opener=lambda: open_jaeger(text))
        return
    path = Path(text).expanduser()
    if path.is_dir():
        yield from _in_folder(path)
    elif path.exists():
        yield Source(text, path)
        yield from _rotated(path)
    elif _GLOB_SIGNS & set(text):
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - absolute globs too
        if not matches:
            raise InputError(f"no file matches {text}")
        for match in matches:
            if Path(match).is_dir():
                yield from _in_folder(Path(match))
            elif not match.endswith(SIDE_SUFFIXES):
                yield Source(match, Path(match), asked=False)
    else:
        raise InputError(f"no such file or folder: {text}")


def _rotated(path: Path) -> Iterator[Source]:
    """Full files that the collector has renamed: their name has the time in it."""
    full = re.compile(re.escape(path.stem) + _ROTATED + re.escape(path.suffix) + r"(\.gz)?")
    if not path.is_file():
        return
    for file in sorted(path.parent.iterdir()):
        if full.fullmatch(file.name):
            yield Source(str(file), file, asked=False)


def _before_full(path: Path) -> Path:
    """The name that a file had before it was full."""
    full = _OF_FULL.fullmatch(path.name)
    return path.with_name(full[1] + (full[2] or "")) if full else path


def _in_folder(folder: Path) -> Iterator[Source]:
    try:
        files = sorted(file for file in folder.rglob("*") if file.is_file())
    except OSError as problem:
        raise InputError(f"cannot read {folder}: {problem.strerror or problem}") from None
    if not files:
        raise InputError(f"the folder {folder} is empty: no trace was written there")
    for file in files:
        if not file.name.endswith(SIDE_SUFFIXES):
            yield Source(str(file), file, asked=False)
