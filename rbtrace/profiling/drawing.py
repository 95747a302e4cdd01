"""`generate_flame_graph`: a picture of whatever was profiled."""

from __future__ import annotations

import cProfile
import pstats
from pathlib import Path
from typing import Any

from rbtrace.errors import InputError, RbtraceError
from rbtrace.profiling.context import BlockProfile
from rbtrace.profiling.cprofile_stats import profile_of_statistics, statistics_of
from rbtrace.profiling.flamegraph.formats import FORMATS, format_of
from rbtrace.profiling.flamegraph.pyinstrument_session import of_session
from rbtrace.profiling.flamegraph.selecting import Selection
from rbtrace.profiling.flamegraph.sources import FlameGraph, read_flame_graph

_SESSION = ".pyisession"
_STATISTICS = (".pstats", ".prof", ".stats")


def generate_flame_graph(profile_data: Any, output_path: str | Path) -> Path:
    """Draw a profile.

    Args:
        profile_data: statistics of cProfile (`pstats.Stats`, `cProfile.Profile`, `ProfileContext`,
            a saved file), a session of pyinstrument (or its `.pyisession` file), or profile files
            of rbtrace (a file, or a folder of a run).
        output_path: where to; its suffix says how: `.svg`, `.html`, `.speedscope.json`, `.folded`.

    Returns:
        The path written.

    Raises:
        InputError: the data cannot be read, or has no time in it.
        RbtraceError: the suffix is not one of those, or the file cannot be written.
    """
    target = Path(output_path)
    name = format_of(target)
    if name is None:
        known = ", ".join(row.suffix for row in FORMATS.values())
        raise RbtraceError(f"{target} does not say what to draw: use one of {known}")
    graph = _flame_graph(profile_data)
    if not graph.profile.total_ns:
        raise InputError(f"there is no time in {graph.title}: nothing was profiled")
    try:
        target.write_bytes(FORMATS[name].write(graph))
    except OSError as problem:
        raise RbtraceError(f"cannot write {target}: {problem.strerror or problem}") from None
    return target


def _flame_graph(data: Any) -> FlameGraph:
    if isinstance(data, str | Path):
        path = Path(data)
        if path.suffix == _SESSION:
            return _of_session(_load_session(path), path.name)
        if path.suffix not in _STATISTICS:
            return read_flame_graph([path], Selection())
    if isinstance(data, str | Path | pstats.Stats | cProfile.Profile | BlockProfile):
        title = data.name if isinstance(data, BlockProfile) else "cProfile"
        profile = profile_of_statistics(statistics_of(data), title)
        note = f"{profile.total_ns / 1e9:,.3f} s; call paths are estimated from pairs of functions"
        return FlameGraph(profile, title, note, [])
    if hasattr(data, "frame_records"):
        return _of_session(data, str(data.target_description or "session"))
    raise InputError(f"{type(data).__name__} is not a profile that can be drawn")


def _of_session(session: Any, title: str) -> FlameGraph:
    note = f"{session.duration:,.3f} s in {session.sample_count:,} samples"
    return FlameGraph(of_session(session), title, note, [])


def _load_session(path: Path) -> Any:
    from pyinstrument.session import Session  # noqa: PLC0415 - imports a compiled module

    try:
        return Session.load(path)
    except (OSError, ValueError, LookupError) as problem:
        raise InputError(f"cannot read a session from {path}: {problem}") from None
