"""THE table of what a profile can be written as."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from rbtrace.errors import InputError
from rbtrace.profiling.flamegraph.calltree import call_tree, compared
from rbtrace.profiling.flamegraph.folded import to_folded
from rbtrace.profiling.flamegraph.otlp_profiles import to_otlp
from rbtrace.profiling.flamegraph.pprof import to_pprof
from rbtrace.profiling.flamegraph.session import to_html, to_session
from rbtrace.profiling.flamegraph.sources import Drawable
from rbtrace.profiling.flamegraph.speedscope import to_speedscope
from rbtrace.profiling.flamegraph.svg import to_svg


class Format(NamedTuple):
    """How a profile is written, and the suffix of such files."""

    suffix: str
    write: Callable[[Drawable], bytes]


def _svg(one: Drawable) -> bytes:
    return to_svg(call_tree(one.profile, one.title), one.title, one.note).encode()


def _session(one: Drawable) -> bytes:
    return msgspec.json.encode(to_session(one.profile, one.title).to_json())


FORMATS: Final[dict[str, Format]] = {
    "svg": Format(".svg", _svg),
    "html": Format(".html", lambda one: to_html(one.profile, one.title).encode()),
    "speedscope": Format(
        ".speedscope.json", lambda one: to_speedscope(one.profile, one.title).encode()
    ),
    "folded": Format(".folded", lambda one: to_folded(one.profile).encode("utf-8", "replace")),
    "session": Format(".pyisession", _session),
    "pprof": Format(".pb.gz", lambda one: to_pprof(one.profile)),
    "otlp": Format(".otlp-profiles.pb", lambda one: to_otlp(one.profile)),
}


def to_difference(before: Drawable, after: Drawable) -> bytes:
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
