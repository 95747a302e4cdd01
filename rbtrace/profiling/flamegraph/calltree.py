"""A profile as a tree of frames with times: what is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

from rbtrace.files.profiles import Frame
from rbtrace.profiling.flamegraph.profile import EMPTY, Profile


@dataclass(slots=True)
class Call:
    """A frame under its callers. `total_ns` is its own time and that of all its children.

    `before_ns` is its total in the profile it is compared with, None if it is compared with none.
    """

    frame: Frame
    total_ns: int = 0
    self_ns: int = 0
    before_ns: int | None = None
    children: dict[Frame, Call] = field(default_factory=dict)

    def child(self, frame: Frame) -> Call:
        """The child of that frame, made if need be."""
        call = self.children.get(frame)
        if call is None:
            call = self.children[frame] = Call(frame)
        return call

    def ordered(self) -> list[Call]:
        """The children, the longest first."""
        by_name = sorted(self.children.values(), key=lambda call: call.frame)
        return sorted(by_name, key=lambda call: -max(call.total_ns, call.before_ns or 0))


def call_tree(profile: Profile, root: str) -> Call:
    """The tree of a profile under one made-up frame for all of it."""
    top = Call(Frame(root))
    calls: dict[int, Call] = {EMPTY: top}

    def call_of(stack: int) -> Call:
        missing = []
        while stack not in calls:
            missing.append(stack)
            stack = int(profile.parent[stack])
        call = calls[stack]
        for each in reversed(missing):
            call = calls[each] = call.child(profile.frames[int(profile.frame[each])])
        return call

    for stack, weight, _ in profile.folded():
        call_of(stack).self_ns += weight
    add_totals(top)
    return top


def add_totals(top: Call) -> None:
    """Sum up times from the leaves to the root."""
    order = [top]
    for call in order:
        order.extend(call.children.values())
    for call in order:
        call.total_ns = call.self_ns
    for call in reversed(order):
        for child in call.children.values():
            call.total_ns += child.total_ns


def compared(before: Call, after: Call) -> Call:
    """The tree of `after`, each call with what it took in `before` scaled to the same total.

    Calls that are only in `before` are there with no time of their own.
    """
    scale = (after.total_ns, before.total_ns)
    pending = [(before, after)]
    while pending:
        old, new = pending.pop()
        new.before_ns = old.total_ns * scale[0] // scale[1] if scale[1] else 0
        for frame, child in old.children.items():
            pending.append((child, new.child(frame)))
        for frame, child in new.children.items():
            if frame not in old.children:
                pending.append((Call(frame), child))
    return after
