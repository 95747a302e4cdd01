"""What lies on critical paths, summed, and the rows that a report has of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from rbtrace.analysis.arrays import Codes, Ids, Ints, Labels, distinct, ranks, sum_by
from rbtrace.analysis.facts import Origin


class CriticalTime(Struct, frozen=True, gc=False):
    """What one operation in one process contributes to the critical path of one root.

    `ns` are nanoseconds on the path, `share` is of the root's duration, `start_ns` is the start
    of the first span on the path that contributes, epoch ns. `root` is the root's name,
    `root_start_ns` its start.
    """

    name: str
    ns: int
    share: float
    root: str
    start_ns: int
    process: str
    root_start_ns: int


class Sums(NamedTuple):
    """What lies on critical paths, summed by root and kind; a kind is a name and a process.

    `root` is a row, `ns` how much, `since` when the first span on the path begins that contributes.
    """

    kind: Ints
    root: Ints
    ns: Ints
    since: Ints


class Roots(NamedTuple):
    """Roots: of each the place of its name among those of `Kinds`, its times and its id."""

    name: Ints
    start: Ints
    end: Ints
    span_id: Ids


class Kinds(NamedTuple):
    """Names and processes in order of text; of each code its place; kinds are pairs of places."""

    names: list[str]
    processes: list[str]
    name_rank: Ints
    process_rank: Ints

    @classmethod
    def of(cls, names: Sequence[str], processes: Sequence[Origin]) -> Kinds:
        """Of all names and processes, by code."""
        texts = [one.process for one in processes]
        return cls(sorted(set(names)), sorted(set(texts)), ranks(names), ranks(texts))

    def kind(self, name: Labels, process: Labels) -> Ints:
        """The kinds of pairs of codes."""
        kind: Ints = self.name_rank[name] * len(self.processes)
        kind += self.process_rank[process]
        return kind


def summed(kind: Ints, root: Codes | Ints, ns: Ints, start: Ints) -> Sums:
    """Sum what spans, or sums of some, contribute by root and kind; `start` is when they begin."""
    paid = ns > 0
    kind, root, ns, start = kind[paid], root[paid], ns[paid], start[paid]
    kinds = int(kind.max(initial=0)) + 1
    tops, place = distinct(root, int(root.max(initial=0)) + 1)
    pairs, position = distinct(place * kinds + kind, tops.size * kinds)
    since = np.full(pairs.size, np.iinfo(np.int64).max)
    np.minimum.at(since, position, start)
    place, kind = np.divmod(pairs, kinds)
    return Sums(kind, tops[place], sum_by(position, ns, pairs.size), since)


def listed(kinds: Kinds, roots: Roots, sums: Sums) -> list[CriticalTime]:
    """Rows of sums, in order; `roots` has the root of each."""
    order = np.lexsort((sums.kind, -sums.ns, roots.span_id, roots.name, roots.start))
    top, start, end, _ = (column[order] for column in roots)
    kind, _, spent, since = (column[order] for column in sums)
    name, process = np.divmod(kind, max(1, len(kinds.processes)))
    return list(
        map(
            CriticalTime,
            map(kinds.names.__getitem__, name.tolist()),
            spent.tolist(),
            (spent / (end - start)).tolist(),
            map(kinds.names.__getitem__, top.tolist()),
            since.tolist(),
            map(kinds.processes.__getitem__, process.tolist()),
            start.tolist(),
        )
    )
