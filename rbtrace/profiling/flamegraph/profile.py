"""Weighted stacks of one run or of many processes: what every selection and format is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from rbtrace.analysis.arrays import Codes, Ids, Ints, Mask
from rbtrace.analysis.columns import Interner
from rbtrace.files.profiles import Frame

EMPTY = 0
"""The stack of no frames."""


def _encodable(frame: Frame) -> Frame:
    """Names of files may hold bytes that are no text: halves of surrogate pairs in Python."""
    name, file = (text.encode("utf-8", "replace").decode() for text in frame[:2])
    return Frame(name, file, frame.line)


class Process(NamedTuple):
    """A process whose stacks these are; `interval_ns` is 0 where nothing was sampled.

    `longest_ns` is the interval at the end, when samples had become rarer because they cost much.
    """

    name: str
    run_id: str = ""
    sampler: str = ""
    interval_ns: int = 0
    thread: str = ""
    start_ns: int = 0
    end_ns: int = 0
    dropped: int = 0
    cut: int = 0
    unsampled: tuple[str, ...] = ()
    longest_ns: int = 0


class Stacks:
    """Stacks under construction: interns them; 0 is the empty one."""

    def __init__(self) -> None:
        self.frames = Interner[Frame](_encodable)
        self._stacks = Interner[tuple[int, int]]()

    def push(self, parent: int, frame: Frame) -> int:
        """The stack that has this frame on top of another stack."""
        return self._stacks[parent, self.frames[frame]] + 1

    def of(self, frames: Iterator[Frame] | list[Frame]) -> int:
        """The stack of these frames, outermost first."""
        stack = EMPTY
        for frame in frames:
            stack = self.push(stack, frame)
        return stack

    def columns(self) -> tuple[list[Frame], Codes, Codes]:
        """Frames, and for each stack its parent and its frame; those of the empty one are -1."""
        pairs = np.array([(-1, -1), *self._stacks.values_by_code], np.int32)
        return self.frames.values_by_code, pairs[:, 0], pairs[:, 1]


@dataclass(frozen=True, slots=True)
class Profile:
    """Stacks, and samples as columns.

    A stack is its parent stack and a frame; a parent's number is smaller. Of a sample: `time` is
    when it was taken, epoch ns, `weight` the ns it stands for, `count` how often it was seen,
    `span` the id of the span it fell in, 0 for none. `measured` is whether samples were taken:
    otherwise the weights are self times of spans. `traces` is the trace of each span, as far as
    that is known.
    """

    frames: list[Frame]
    parent: Codes
    frame: Codes
    time: Ints
    weight: Ints
    count: Ints
    stack: Codes
    span: Ids
    process: Codes
    processes: list[Process]
    measured: bool = True
    traces: dict[int, int] = field(default_factory=dict)

    @property
    def total_ns(self) -> int:
        """What all samples stand for, ns."""
        return int(self.weight.sum())

    @property
    def samples(self) -> int:
        """How many samples were taken."""
        return int(self.count.sum())

    def only(self, chosen: Mask) -> Profile:
        """The same stacks with some of the samples."""
        return replace(
            self,
            time=self.time[chosen],
            weight=self.weight[chosen],
            count=self.count[chosen],
            stack=self.stack[chosen],
            span=self.span[chosen],
            process=self.process[chosen],
        )

    def with_stacks(self, stacks: Stacks, mapping: dict[int, int]) -> Profile:
        """The same samples with other stacks: `mapping` says which for each that occurs."""
        frames, parent, frame = stacks.columns()
        occurring, position = np.unique(self.stack, return_inverse=True)
        new = np.array([mapping[stack] for stack in occurring.tolist()], np.int32)
        stack = new[position] if occurring.size else self.stack
        return replace(self, frames=frames, parent=parent, frame=frame, stack=stack)

    def path(self, stack: int) -> list[Frame]:
        """The frames of a stack, outermost first."""
        innermost_first = []
        while stack != EMPTY:
            innermost_first.append(self.frames[int(self.frame[stack])])
            stack = int(self.parent[stack])
        return innermost_first[::-1]

    def folded(self) -> list[tuple[int, int, int]]:
        """Stack, weight and number of samples of every stack that occurs, by stack."""
        occurring, position = np.unique(self.stack, return_inverse=True)
        weight = np.zeros(occurring.size, np.int64)
        count = np.zeros(occurring.size, np.int64)
        np.add.at(weight, position, self.weight)
        np.add.at(count, position, self.count)
        return list(zip(occurring.tolist(), weight.tolist(), count.tolist(), strict=True))
