"""From what the user names to the profile to be drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rbtrace.analysis.ancestry import NO_PARENT
from rbtrace.analysis.breakdowns import DEEPER, path_nodes
from rbtrace.analysis.loading import Progress, load
from rbtrace.analysis.self_time import self_times
from rbtrace.analysis.table import SpanTable
from rbtrace.conventions import PROFILE_SUFFIX, SPANS_SUFFIX
from rbtrace.errors import InputError
from rbtrace.files.profiles import Frame
from rbtrace.profiling.flamegraph.profile import EMPTY, Process, Profile, Stacks
from rbtrace.profiling.flamegraph.reading import Faults, profile_files, read_profiles
from rbtrace.profiling.flamegraph.selecting import Selected, Selection, select

_Z95 = 1.96
_LISTED = 5


@dataclass(frozen=True, slots=True)
class FlameGraph:
    """A profile to be drawn: what it is of, what it is made from, and what there is to warn of."""

    profile: Profile
    title: str
    note: str
    warnings: list[str]


def read_flame_graph(
    paths: Iterable[str | Path],
    selection: Selection,
    progress: Progress | None = None,
    *,
    spans_only: bool = False,
) -> FlameGraph:
    """Read what was sampled, or else spans, and select from it.

    Args:
        paths: files, folders or globs of profiles and spans.
        selection: what of it.
        progress: called as spans are read.
        spans_only: use the spans even where there are samples.

    Raises:
        InputError: there is nothing to draw; the message says why.
    """
    names = [str(path) for path in paths]
    files = [] if spans_only else profile_files(path for path in names if "://" not in path)
    faults = Faults()
    table: SpanTable | None = None
    if files:
        profile = read_profiles(files, faults)
        if selection.needs_spans:
            table = load([_spans_beside(path) for path in names], progress).table
    else:
        table = load(names, progress).table
        profile = profile_of_spans(table)
    selected = select(profile, table, selection)
    if not selected.profile.total_ns:
        raise InputError(_nothing(profile, selection))
    return FlameGraph(
        selected.profile,
        selection.title,
        _note(selected, table, profile.total_ns),
        warnings_of(profile, faults),
    )


def profile_of_spans(table: SpanTable) -> Profile:
    """A profile of spans alone: each with self time is a sample of its call path, at its start."""
    node, above, name = path_nodes(table)
    texts = [*table.names, DEEPER]
    stacks = Stacks()
    numbers = [EMPTY]
    for parent, code in zip(above.tolist(), name.tolist(), strict=True):
        numbers.append(stacks.push(numbers[parent + 1], Frame(texts[code])))
    self_ns = self_times(table).self_ns
    rows = np.flatnonzero((node != NO_PARENT) & (self_ns > 0))
    frames, parents, frame = stacks.columns()
    return Profile(
        frames,
        parents,
        frame,
        time=table.start[rows],
        weight=self_ns[rows],
        count=np.ones(rows.size, np.int64),
        stack=np.array(numbers, np.int32)[node[rows] + 1],
        span=table.span_id[rows],
        process=table.process[rows].astype(np.int32),
        processes=[Process(origin.process, run_id=origin.run_id) for origin in table.processes],
        measured=False,
    )


def _spans_beside(path: str) -> str:
    if path.endswith(PROFILE_SUFFIX):
        return path.removesuffix(PROFILE_SUFFIX) + SPANS_SUFFIX
    return path


def _nothing(profile: Profile, selection: Selection) -> str:
    if not profile.samples:
        return "the profile files hold no samples: the program ended before the first was taken"
    if selection.slowest and not profile.measured:
        return (
            f"the slowest calls of {selection.title} need stack samples: "
            "record with RBTRACE_SAMPLER=signal"
        )
    kind = "samples" if profile.measured else "self time"
    return f"no {kind} in {selection.title}; the whole run has {profile.samples:,}"


def _note(selected: Selected, table: SpanTable | None, whole_ns: int) -> str:
    """What the picture is made from, and how far that can be trusted."""
    profile = selected.profile
    seconds = f"{profile.total_ns / 1e9:,.3f} s"
    if not profile.measured:
        return f"{seconds} of self time of spans; callers are operations, not stacks"
    sampled = set(profile.process.tolist())
    used = [process for code, process in enumerate(profile.processes) if code in sampled]
    intervals = sorted({process.interval_ns for process in used})
    text = (
        f"{seconds} in {profile.samples:,} samples, one each "
        f"{' or '.join(f'{ns / 1e6:g}' for ns in intervals)} ms "
        f"({', '.join(sorted({process.sampler for process in used}))}), "
        f"{len(used)} process{'es' if len(used) > 1 else ''}"
    )
    if table is None or selected.rows is None:
        return text
    return f"{text}; {_agreement(selected, table, whole_ns)}"


def _agreement(selected: Selected, table: SpanTable, whole_ns: int) -> str:
    """Samples beside the self time of the spans they fell in, and what chance may do.

    The error is 1.96 binomial standard errors with a share p of the whole: 1.96·√((1 − p)·Σw²).
    """
    assert selected.rows is not None
    profile = selected.profile
    sampled = {process.name for process in profile.processes}
    is_sampled = np.array([origin.process in sampled for origin in table.processes], np.bool_)
    mine = selected.rows & is_sampled[table.process]
    spans_ns = int(self_times(table).self_ns[mine].sum())
    squares = np.square(profile.weight.astype(np.float64)).sum()
    error_ns = _Z95 * math.sqrt((1 - profile.total_ns / whole_ns) * squares)
    return (
        f"self time of these spans {spans_ns / 1e9:,.3f} s, "
        f"sampling error ±{error_ns / 1e9:,.3f} s (95 %)"
    )


def warnings_of(profile: Profile, faults: Faults) -> list[str]:
    """What there is to warn of before anything is drawn from the samples."""
    warnings = []
    for kind, lines in (("invalid", faults.invalid), ("truncated", faults.truncated)):
        if lines:
            more = f" and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
            warnings.append(
                f"{len(lines)} {kind} lines left out: {', '.join(lines[:_LISTED])}{more}"
            )
    for process in profile.processes:
        if process.dropped:
            warnings.append(f"{process.name} dropped {process.dropped:,} samples")
        if process.cut:
            warnings.append(
                f"{process.name} cut {process.cut:,} stacks short: it has too many different ones"
            )
        if process.longest_ns > process.interval_ns:
            warnings.append(
                f"{process.name} took a sample each {process.interval_ns / 1e6:g} ms at first, "
                f"each {process.longest_ns / 1e6:g} ms at last: samples cost too much of its time"
            )
        if process.unsampled:
            warnings.append(
                f"{process.name} ran threads that are not sampled: {', '.join(process.unsampled)}"
            )
    return warnings
