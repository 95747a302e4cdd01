"""From samples to the functions that took the time, as rows beside those of the spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from rbtrace.analysis.results import FunctionTime, Results
from rbtrace.files.profiles import Frame
from rbtrace.profiling.flamegraph.calltree import Call, call_tree
from rbtrace.profiling.flamegraph.profile import EMPTY, Profile
from rbtrace.profiling.flamegraph.reading import Faults, profile_files, read_profiles
from rbtrace.profiling.flamegraph.sources import warnings_of


def with_functions(results: Results, paths: Iterable[str | Path]) -> Results:
    """Results with the functions of the profile files in `paths`, merged, and what to warn of.

    Raises:
        InputError: a profile file cannot be read, or is none that this version understands.
    """
    files = profile_files(path for path in map(str, paths) if path != "-" and "://" not in path)
    if not files:
        return results
    faults = Faults()
    profile = read_profiles(files, faults)
    return replace(
        results,
        functions=functions(profile),
        warnings=[*results.warnings, *warnings_of(profile, faults)],
    )


def functions(profile: Profile) -> list[FunctionTime]:
    """One row for each function, the greatest self time first."""
    samples: Counter[Frame] = Counter()
    selfs: Counter[Frame] = Counter()
    for stack, weight, count in profile.folded():
        if stack != EMPTY:
            top = profile.frames[int(profile.frame[stack])]
            samples[top] += count
            selfs[top] += weight
    whole = selfs.total()
    rows = [
        FunctionTime(
            frame.name,
            frame.file,
            frame.line,
            samples[frame],
            selfs[frame],
            total,
            selfs[frame] / whole if whole else None,
        )
        for frame, total in _totals(call_tree(profile, "")).items()
    ]
    return sorted(rows, key=lambda row: (-row.self_ns, -row.total_ns, row.name, row.file, row.line))


def _totals(root: Call) -> Counter[Frame]:
    """Time below the outermost call of each function: a recursive one counts once."""
    totals: Counter[Frame] = Counter()
    active: Counter[Frame] = Counter()
    pending = [(call, True) for call in root.children.values()]
    while pending:
        call, is_entered = pending.pop()
        if not is_entered:
            active[call.frame] -= 1
            continue
        if not active[call.frame]:
            totals[call.frame] += call.total_ns
        active[call.frame] += 1
        pending.append((call, False))
        pending += ((child, True) for child in call.children.values())
    return totals
