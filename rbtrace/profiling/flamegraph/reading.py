"""Profile files of any number of processes, read into one `Profile`."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from rbtrace.conventions import PROFILE_SUFFIX, PROFILE_VERSION, SPANS_SUFFIX
from rbtrace.errors import InputError
from rbtrace.files.profiles import Frame, ProfileHeader, ProfileLine, ProfileMinutes
from rbtrace.profiling.flamegraph.profile import EMPTY, Process, Profile, Stacks

OWN_TIME: Final = Frame("[rbtrace]")
IMPORT_TIME: Final = Frame("[import]")
"""Frames of the time in rbtrace itself, and in Python's import system. The frames of the two that
are around those of the program are left out."""
_IMPORT_SYSTEM: Final = "<frozen importlib"
_LOST: Final = Frame("[lost]")
"""Frame of what stood in a line that cannot be read."""
_MOST_LOST: Final = 1_000_000
_OWN_FOLDERS: Final = (
    "/rbtrace/recording/",
    *(
        f"/rbtrace/{name}/" for name in ("instrumentation", "sampling", "telemetry")
    ),  # in older recordings
)


@dataclass(slots=True)
class Faults:
    """What of the files could not be read: `file:line` of each line."""

    invalid: list[str] = field(default_factory=list)
    truncated: list[str] = field(default_factory=list)


def profile_files(paths: Iterable[str | Path]) -> list[Path]:
    """The profile files in what the user named, each once, in order of name.

    A spans file stands for the profile file of the same process.

    Raises:
        InputError: a path does not exist.
    """
    files: dict[Path, Path] = {}
    for name in paths:
        for path in _candidates(str(name)):
            files.setdefault(path.resolve(), path)
    return sorted(files.values())


def _candidates(name: str) -> Iterator[Path]:
    path = Path(name).expanduser()
    if path.is_dir():
        yield from path.rglob(f"*{PROFILE_SUFFIX}")
        return
    matches = [path] if path.exists() else [Path(match) for match in glob.glob(str(path))]  # noqa: PTH207
    if not matches:
        raise InputError(f"no such file or folder: {name}")
    for match in matches:
        if match.is_dir():
            yield from match.rglob(f"*{PROFILE_SUFFIX}")
        elif match.name.endswith(PROFILE_SUFFIX):
            yield match
        elif match.name.endswith(SPANS_SUFFIX):
            beside = match.with_name(match.name.removesuffix(SPANS_SUFFIX) + PROFILE_SUFFIX)
            if beside.exists():
                yield beside


def read_profiles(files: Iterable[Path], faults: Faults) -> Profile:
    """Read and merge profile files.

    Args:
        files: as `profile_files` gives them.
        faults: lines that cannot be read are added; the others count.

    Raises:
        InputError: a file cannot be read, or is not a profile this version understands.
    """
    merged = _MergedProfile()
    for file in files:
        merged.read(file, faults)
    return merged.profile()


class _MergedProfile:
    """A profile under construction, of any number of files."""

    def __init__(self) -> None:
        self._stacks = Stacks()
        self._columns: list[tuple[int, int, int, int, int, int]] = []
        self._processes: list[Process] = []
        self._traces: dict[int, int] = {}

    def profile(self) -> Profile:
        frames, parent, frame = self._stacks.columns()
        columns = list(zip(*self._columns, strict=True)) or [()] * 6
        return Profile(
            frames,
            parent,
            frame,
            time=np.array(columns[0], np.int64),
            weight=np.array(columns[1], np.int64),
            count=np.array(columns[2], np.int64),
            stack=np.array(columns[3], np.int32),
            span=np.array(columns[4], np.uint64),
            process=np.array(columns[5], np.int32),
            processes=self._processes,
            traces=self._traces,
        )

    def read(self, file: Path, faults: Faults) -> None:
        try:
            lines = file.read_bytes().splitlines(keepends=True)
        except OSError as problem:
            raise InputError(f"cannot read {file}: {problem.strerror or problem}") from None
        if not lines:
            return
        header = _header(file, lines[0])
        process = _ProcessReader(self._stacks, self._traces, len(self._processes))
        for number, raw in enumerate(lines[1:], start=2):
            if not raw.endswith(b"\n"):
                faults.truncated.append(f"{file}:{number}")
                continue
            try:
                self._columns += process.samples(msgspec.json.decode(raw, type=ProfileLine))
            except (msgspec.MsgspecError, ValueError, LookupError, UnicodeDecodeError):
                faults.invalid.append(f"{file}:{number}")
        self._processes.append(process.described(header))


def _header(file: Path, raw: bytes) -> ProfileHeader:
    try:
        header = msgspec.json.decode(raw, type=ProfileHeader)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise InputError(f"{file}:1 is not the header of a profile") from None
    if header.version != PROFILE_VERSION:
        raise InputError(
            f"{file}:1 is a profile of version {header.version}; "
            f"this rbtrace reads version {PROFILE_VERSION}"
        )
    return header


class _ProcessReader:
    """Reads the lines of one file: its numbers become those of the merged profile."""

    def __init__(self, stacks: Stacks, traces: dict[int, int], process: int) -> None:
        self._stacks = stacks
        self._traces = traces
        self._process = process
        self._frames: list[Frame] = [Frame("")]
        self._numbers: list[int] = [EMPTY]
        self._hidden: list[Frame | None] = [None]
        self._last: ProfileLine | None = None

    def samples(self, line: ProfileLine) -> list[tuple[int, int, int, int, int, int]]:
        """The samples of a line; all of them or none.

        Raises:
            ValueError, LookupError: the line contradicts itself or those before.
        """
        self._learn(line)
        time = line.origin
        times = []
        for step in line.times:
            time += step
            times.append(time)
        rows = self._rows(times, [1] * len(times), line)
        if line.minutes:
            rows += self._rows(line.minutes.times, line.minutes.counts, line.minutes)
        self._last = line
        return rows

    def _learn(self, line: ProfileLine) -> None:
        """Take in what is new. What a line that cannot be read had said stays unknown."""
        frames, stacks = (_index(number) + 1 for number in line.known)
        if max(frames - len(self._frames), stacks - len(self._numbers)) > _MOST_LOST:
            raise ValueError("the line refers to more than the file can have had")
        _resize(self._frames, frames, _LOST)
        _resize(self._numbers, stacks, self._stacks.push(EMPTY, _LOST))
        _resize(self._hidden, stacks, None)
        self._frames += line.frames
        for parent, top in line.stacks:
            frame = self._frames[_index(top)]
            above = self._numbers[_index(parent)]
            hidden = _stands_for(frame.file)
            self._numbers.append(self._stacks.push(above, frame) if hidden is None else above)
            self._hidden.append(hidden)

    def _rows(
        self, times: list[int], counts: list[int], of: ProfileLine | ProfileMinutes
    ) -> list[tuple[int, int, int, int, int, int]]:
        ids = [0, *(int(span, 16) for _, span in of.spans)]
        self._traces.update(zip(ids[1:], (int(trace, 16) for trace, _ in of.spans), strict=True))
        columns = zip(times, of.weights, counts, of.at, of.within, strict=True)
        return [
            (time, _index(weight), count, self._stack(at), ids[_index(within)], self._process)
            for time, weight, count, at, within in columns
        ]

    def _stack(self, at: int) -> int:
        number = self._numbers[_index(at)]
        hidden = self._hidden[at]
        return number if hidden is None else self._stacks.push(number, hidden)

    def described(self, header: ProfileHeader) -> Process:
        last = self._last
        return Process(
            name=f"{header.host}/{header.pid}",
            run_id=header.run_id,
            sampler=header.sampler,
            interval_ns=header.interval_ns,
            longest_ns=max(header.interval_ns, last.interval_ns if last else 0),
            thread=header.thread,
            start_ns=header.start,
            end_ns=last.until if last else header.start,
            dropped=last.dropped if last else 0,
            cut=last.cut if last else 0,
            unsampled=tuple(last.unsampled) if last else (),
        )


def _resize[T](items: list[T], size: int, item: T) -> None:
    del items[size:]
    items.extend([item] * (size - len(items)))


def _index(number: int) -> int:
    if number < 0:
        raise ValueError("a number is negative")
    return number


def _stands_for(file: str) -> Frame | None:
    """What is drawn for frames of this file; None for the frames themselves."""
    if file.startswith(_IMPORT_SYSTEM):
        return IMPORT_TIME
    path = file.replace("\\", "/")
    return OWN_TIME if any(folder in path for folder in _OWN_FOLDERS) else None
