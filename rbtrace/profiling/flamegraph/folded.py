"""Folded stacks: `outer;inner 1234`, one line for each stack, weights in microseconds."""

from __future__ import annotations

from rbtrace.profiling.flamegraph.profile import Profile

_SEPARATORS = str.maketrans({";": ":", "\n": " ", "\r": " "})


def to_folded(profile: Profile) -> str:
    """Write the stacks as `flamegraph.pl` and its relatives read them."""
    lines = [
        f"{';'.join(frame.name.translate(_SEPARATORS) for frame in profile.path(stack))} "
        f"{round(weight / 1000)}"
        for stack, weight, _ in profile.folded()
        if stack
    ]
    return "".join(f"{line}\n" for line in sorted(lines))
