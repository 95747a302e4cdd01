"""Sources: the files, folders, globs, standard input and servers to read spans from.

Beside a file of spans the recorder writes two sidecar files: in `.tally` how many spans its process
has ended, in `.open` the spans that had not ended at the last flush.
"""

from __future__ import annotations

import glob
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import msgspec

from rbtrace.analysis.streams import BUFFER_BYTES, with_head
from rbtrace.analysis.urls import CLICKHOUSE_SCHEMES, JAEGER_SCHEMES
from rbtrace.conventions import OPEN_SUFFIX, SIDE_SUFFIXES, SPANS_SUFFIX, TALLY_SUFFIX
from rbtrace.errors import InputError
from rbtrace.files.liveness import is_alive
from rbtrace.files.sidecars import Tally

STANDARD_INPUT: Final = "-"
_ROTATED: Final = r"-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}"
_ROTATED_NAME: Final = re.compile(rf"(.+){_ROTATED}(\.[^.]+)?(\.gz)?")
_GLOB_CHARACTERS: Final = frozenset("*?[")


def is_clickhouse(text: str) -> bool:
    """Whether an argument is the address of a ClickHouse, which is not read but queried."""
    return _scheme(text) in CLICKHOUSE_SCHEMES


def is_jaeger(text: str) -> bool:
    """Whether an argument is the address of a Jaeger."""
    return _scheme(text) in JAEGER_SCHEMES


def _scheme(text: str) -> str:
    scheme, separator, _ = text.partition("://")
    return scheme if separator else ""


@dataclass(frozen=True, slots=True)
class Source:
    """One stream of bytes: a file, standard input, or whatever `opener` opens.

    `is_named` if the user named it, and not merely the folder it is in.
    """

    name: str
    path: Path | None
    is_named: bool = True
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
        """Whether `before` is an earlier part of the same rotated file: a line may span both."""
        if before.path is None or self.path is None:
            return False
        is_rotated = _ROTATED_NAME.fullmatch(before.path.name) is not None
        return is_rotated and _before_rotation(before.path) == _before_rotation(self.path)

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
        for source in _expand_path(str(path)):
            key = source.path.resolve() if source.path else source.name
            if key not in sources or source.is_named:
                sources[key] = source
    if not sources and not folders:
        raise InputError("nothing to analyze: name a file, a folder, a glob, or - for stdin")
    return ExpandedPaths(sorted(sources.values(), key=lambda source: source.name), folders)


def _expand_path(text: str) -> Iterator[Source]:
    if text == STANDARD_INPUT:
        yield Source("<stdin>", None)
        return
    if is_jaeger(text):
        yield Source(text, None, opener=lambda: _open_jaeger(text))
        return
    path = Path(text).expanduser()
    if path.is_dir():
        yield from _in_folder(path)
    elif path.exists():
        yield Source(text, path)
        yield from _rotated(path)
    elif _GLOB_CHARACTERS & set(text):
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - absolute globs too
        if not matches:
            raise InputError(f"no file matches {text}")
        for match in matches:
            if Path(match).is_dir():
                yield from _in_folder(Path(match))
            elif not match.endswith(SIDE_SUFFIXES):
                yield Source(match, Path(match), is_named=False)
    else:
        raise InputError(f"no such file or folder: {text}")


def _open_jaeger(text: str) -> BinaryIO:
    from rbtrace.analysis.jaeger import open_jaeger  # noqa: PLC0415 - few read from a Jaeger

    return open_jaeger(text)


def _rotated(path: Path) -> Iterator[Source]:
    """Earlier parts of a file, which the collector has renamed: their names hold the time."""
    rotated = re.compile(re.escape(path.stem) + _ROTATED + re.escape(path.suffix) + r"(\.gz)?")
    if not path.is_file():
        return
    for file in sorted(path.parent.iterdir()):
        if rotated.fullmatch(file.name):
            yield Source(str(file), file, is_named=False)


def _before_rotation(path: Path) -> Path:
    """The name that a file had before the collector renamed it."""
    rotated = _ROTATED_NAME.fullmatch(path.name)
    return path.with_name(rotated[1] + (rotated[2] or "")) if rotated else path


def _in_folder(folder: Path) -> Iterator[Source]:
    try:
        files = sorted(file for file in folder.rglob("*") if file.is_file())
    except OSError as problem:
        raise InputError(f"cannot read {folder}: {problem.strerror or problem}") from None
    if not files:
        raise InputError(f"the folder {folder} is empty: no trace was written there")
    for file in files:
        if not file.name.endswith(SIDE_SUFFIXES):
            yield Source(str(file), file, is_named=False)


class SourceCounts(msgspec.Struct):
    """Metadata of a Parquet file of spans: faults and tallies of the sources it was made of."""

    invalid_lines: int = 0
    truncated_lines: int = 0
    unclean: int = 0
    tallies: list[Tally] = []


@dataclass(slots=True)
class ReadFaults:
    """Faults that readers count, and those that a Parquet file lists of the sources it was made of.

    `cut` is the beginning of a line that may go on in the file that follows.
    """

    invalid_lines: int = 0
    truncated_lines: int = 0
    unclean: int = 0
    tallies: list[Tally] = field(default_factory=list)
    cut: bytes = b""

    def nothing_follows(self) -> None:
        """Count what was cut off, if anything was."""
        self.truncated_lines += bool(self.cut)
        self.cut = b""


class Sidecars(NamedTuple):
    """The sidecar files of all recordings.

    `adoptable` are the open spans of dead processes; `running` are processes that still write;
    `unreadable` are invalid tallies; `died` are the names of the dead processes.
    """

    tallies: list[Tally]
    adoptable: list[Source]
    running: list[str]
    unreadable: list[str]
    died: list[str]

    def warnings(self) -> list[str]:
        """A line for each tally that could not be read."""
        return [f"{path} is not a tally and was ignored" for path in self.unreadable]


def read_sidecars(sources: Iterable[Source], folders: Iterable[Path]) -> Sidecars:
    """Read the tallies and find the open spans of all recordings.

    Args:
        sources: the span files to be read.
        folders: folders to be searched as well: a process may have a tally and no spans file.
    """
    stems = {
        path.with_name(path.name.removesuffix(TALLY_SUFFIX))
        for source in sources
        if (path := source.sibling(TALLY_SUFFIX)) is not None
    }
    for folder in folders:
        for suffix in (TALLY_SUFFIX, OPEN_SUFFIX):
            stems |= {
                path.with_name(path.name.removesuffix(suffix))
                for path in folder.rglob(f"*{suffix}")
            }
    sidecars = Sidecars([], [], [], [], [])
    for stem in sorted(stems):
        _read_sidecar(stem, sidecars)
    return sidecars


def _read_sidecar(stem: Path, sidecars: Sidecars) -> None:
    tally_path = stem.with_name(stem.name + TALLY_SUFFIX)
    open_path = stem.with_name(stem.name + OPEN_SUFFIX)
    tally = None
    try:
        tally = msgspec.json.decode(tally_path.read_bytes(), type=Tally)
        sidecars.tallies.append(tally)
    except FileNotFoundError:
        pass  # without counts completeness stays unknown
    except (OSError, ValueError):  # msgspec's errors and those of UTF-8 are values'
        sidecars.unreadable.append(str(tally_path))
    if not open_path.exists():
        return
    if tally is not None and is_alive(tally.host, tally.pid, tally.started):
        sidecars.running.append(tally.process)
    else:
        sidecars.adoptable.append(Source(str(open_path), open_path, is_named=False))
        sidecars.died.append(stem.name if tally is None else tally.process)
