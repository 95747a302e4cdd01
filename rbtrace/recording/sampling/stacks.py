"""Stacks as numbers: a tree of frames in which each stack is stored once.

A signal handler adds to it while another thread writes down what is new: so what is new waits in
queues, whose appends and pops are atomic, and a frame is queued before a stack that has it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from types import CodeType, FrameType
from typing import Final

from rbtrace.conventions import DEEPER
from rbtrace.files.profiles import Frame

DEEPEST: Final = 500
"""Frames of a stack that are kept: the innermost."""
MAX_STACKS: Final = 100_000
"""Nodes of the tree; a stack that would need more is cut where it leaves the tree."""


class _Node:
    __slots__ = ("children", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.children: dict[int, _Node] = {}


class StackTable:
    """Interns stacks. Frames and stacks are numbered from 1; 0 is no frame, and the empty stack.

    Attributes:
        new_frames: frames by number that were not written down yet.
        new_stacks: parent stack and frame of stacks that were not written down yet, by number.
        cut: stacks that were cut because the tree was full.
    """

    def __init__(self) -> None:
        self.new_frames: deque[Frame] = deque()
        self.new_stacks: deque[tuple[int, int]] = deque()
        self.cut = 0
        self._root = _Node(0)
        self._stacks = 0
        self._frames: dict[Frame, int] = {}
        self._held: list[object] = []
        self._texts: dict[str, str] = {}

    def of_frame(self, frame: FrameType | None) -> int:
        """The stack of a frame and its callers."""
        codes: list[CodeType] = []
        while frame is not None and len(codes) <= DEEPEST:  # one more shows that it is deeper
            codes.append(frame.f_code)
            frame = frame.f_back
        return self._find(codes, _name_of_code)

    def of_texts(self, texts: Sequence[str], name: Callable[[str], Frame]) -> int:
        """The stack of frames that are given as texts, outermost first."""
        held = self._texts
        return self._find([held.setdefault(text, text) for text in reversed(texts)], name)

    def of_name(self, name: str) -> int:
        """The stack that is one made-up frame."""
        return self.of_texts([name], Frame)

    def _find[T](self, innermost_first: list[T], name: Callable[[T], Frame]) -> int:
        node = self._root
        if len(innermost_first) > DEEPEST:
            del innermost_first[DEEPEST:]
            node = self._grow(node, DEEPER, Frame)
        for item in reversed(innermost_first):
            child = node.children.get(id(item))
            if child is None:
                if self._stacks >= MAX_STACKS:
                    self.cut += 1
                    break
                child = self._grow(node, item, name)
            node = child
        return node.number

    def _grow[T](self, node: _Node, item: T, name: Callable[[T], Frame]) -> _Node:
        child = node.children.get(id(item))
        if child is not None:
            return child
        frame = self._number_of(name(item))
        self._held.append(item)  # so that its id stays its own
        self._stacks += 1
        child = node.children[id(item)] = _Node(self._stacks)
        self.new_stacks.append((node.number, frame))
        return child

    def _number_of(self, frame: Frame) -> int:
        number = self._frames.get(frame)
        if number is None:
            number = self._frames[frame] = len(self._frames) + 1
            self.new_frames.append(frame)
        return number


def _name_of_code(code: CodeType) -> Frame:
    return Frame(_encodable(code.co_qualname), _encodable(code.co_filename), code.co_firstlineno)


def _encodable(text: str) -> str:
    """Names of files may hold bytes that are no text: halves of surrogate pairs in Python."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
