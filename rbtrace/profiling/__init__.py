"""Deep profilers for one block or one call: every function, every line, all memory.

    from rbtrace.profiling import ProfileContext, generate_flame_graph

    with ProfileContext("GridSearch") as profile:
        optimizer.optimize()
    generate_flame_graph(profile, "grid.svg")

Samplers and profile files are turned on by `RBTRACE_SAMPLER`. Every name below is loaded when it is
first used.
"""

from __future__ import annotations

from rbtrace.lazy import load as _load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rbtrace.profiling.context import ProfileContext
    from rbtrace.profiling.cprofile_stats import aggregate_profile_stats
    from rbtrace.profiling.drawing import generate_flame_graph
    from rbtrace.profiling.lines import profile_lines
    from rbtrace.profiling.memory import profile_memory

__all__ = [
    "ProfileContext",
    "aggregate_profile_stats",
    "generate_flame_graph",
    "profile_lines",
    "profile_memory",
]

_MODULES = {
    "ProfileContext": "rbtrace.profiling.context",
    "aggregate_profile_stats": "rbtrace.profiling.cprofile_stats",
    "generate_flame_graph": "rbtrace.profiling.drawing",
    "profile_lines": "rbtrace.profiling.lines",
    "profile_memory": "rbtrace.profiling.memory",
}


def __getattr__(name: str) -> Any:
    return _load(globals(), _MODULES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
