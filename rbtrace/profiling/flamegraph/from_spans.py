"""A profile of spans alone: call paths, weighted by self time."""

from __future__ import annotations

import numpy as np

from rbtrace.analysis.ancestry import NO_PARENT
from rbtrace.analysis.paths import DEEPER, path_nodes
from rbtrace.analysis.self_time import self_times
from rbtrace.analysis.table import SpanTable
from rbtrace.files.profiles import Frame
from rbtrace.profiling.flamegraph.profile import EMPTY, Process, Profile, Stacks


def profile_of_spans(table: SpanTable) -> Profile:
    """Each span with self time is a sample of its call path, at its start."""
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
