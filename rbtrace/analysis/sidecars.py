"""Sidecar files: the `.tally` and `.open` files that the recorder writes beside its spans."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from rbtrace.analysis.sources import Source
from rbtrace.conventions import OPEN_SUFFIX, TALLY_SUFFIX
from rbtrace.files.liveness import is_alive
from rbtrace.files.sidecars import Tally


class SourceCounts(msgspec.Struct):
    """Metadata of a Parquet file of spans: faults and tallies of the sources it was made of."""

    invalid_lines: int = 0
    truncated_lines: int = 0
    unclean: int = 0
    tallies: list[Tally] = []


class Sidecars(NamedTuple):
    """The sidecar files of all recordings.

    `adoptable` are the open spans of dead processes; `running` are processes that still write;
    `unreadable` are tallies that can't be understood; `died` names the dead processes.
    """

    tallies: list[Tally]
    adoptable: list[Source]
    running: list[str]
    unreadable: list[str]
    died: list[str]

    def warnings(self) -> list[str]:
        """What could not be understood, one line each."""
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
        sidecars.adoptable.append(Source(str(open_path), open_path, asked=False))
        sidecars.died.append(stem.name if tally is None else tally.process)
