"""The formats that a flame graph can be written in, and folded stacks, the simplest of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from rbtrace.errors import InputError
from rbtrace.profiling.flamegraph.calltree import call_tree, compared
from rbtrace.profiling.flamegraph.otlp_profiles import to_otlp
from rbtrace.profiling.flamegraph.pprof import to_pprof
from rbtrace.profiling.flamegraph.profile import Profile
from rbtrace.profiling.flamegraph.pyinstrument_session import to_html, to_session
from rbtrace.profiling.flamegraph.sources import FlameGraph
from rbtrace.profiling.flamegraph.speedscope import to_speedscope
from rbtrace.profiling.flamegraph.svg import to_svg

_SEPARATORS: Final = str.maketrans({";": ":", "\n": " ", "\r": " "})


class Format(NamedTuple):
    """How a profile is written, and the suffix of such files."""

    suffix: str
    write: Callable[[FlameGraph], bytes]


def _svg(graph: FlameGraph) -> bytes:
    return to_svg(call_tree(graph.profile, graph.title), graph.title, graph.note).encode()


def _session(graph: FlameGraph) -> bytes:
    return msgspec.json.encode(to_session(graph.profile, graph.title).to_json())


def to_folded(profile: Profile) -> str:
    """Folded stacks, as `flamegraph.pl` and its relatives read them: `outer;inner 1234`.

    One line for each stack, weights in microseconds.
    """
    lines = [
        f"{';'.join(frame.name.translate(_SEPARATORS) for frame in profile.path(stack))} "
        f"{round(weight / 1000)}"
        for stack, weight, _ in profile.folded()
        if stack
    ]
    return "".join(f"{line}\n" for line in sorted(lines))


FORMATS: Final[dict[str, Format]] = {
    "svg": Format(".svg", _svg),
    "html": Format(".html", lambda graph: to_html(graph.profile, graph.title).encode()),
    "speedscope": Format(
        ".speedscope.json", lambda graph: to_speedscope(graph.profile, graph.title).encode()
    ),
    "folded": Format(".folded", lambda graph: to_folded(graph.profile).encode("utf-8", "replace")),
    "session": Format(".pyisession", _session),
    "pprof": Format(".pb.gz", lambda graph: to_pprof(graph.profile)),
    "otlp": Format(".otlp-profiles.pb", lambda graph: to_otlp(graph.profile)),
}


def to_difference(before: FlameGraph, after: FlameGraph) -> bytes:
    """Draw `after`, coloured by what has changed of it, both scaled to the same total."""
    if before.profile.measured != after.profile.measured:
        raise InputError(
            "one run has stack samples and the other has none: compare them by --spans"
        )
    tree = compared(call_tree(before.profile, before.title), call_tree(after.profile, after.title))
    note = (
        f"red takes more of the whole than before, blue less; "
        f"before {before.profile.total_ns / 1e9:,.3f} s, now {after.profile.total_ns / 1e9:,.3f} s"
    )
    return to_svg(tree, f"{after.title}: difference", note).encode()


def format_of(file: Path) -> str | None:
    """The format that the name of a file asks for, if any."""
    longest_first = sorted(FORMATS, key=lambda name: -len(FORMATS[name].suffix))
    return next((name for name in longest_first if file.name.endswith(FORMATS[name].suffix)), None)
