"""Where the time of a program goes within its functions.

Samplers and profile files are turned on by `RBTRACE_SAMPLER`. For one block or one call there are

    from rbtrace.sampling import ProfileContext, profile_lines, profile_memory

    with ProfileContext("GridSearch") as profile:
        optimizer.optimize()
    generate_flame_graph(profile, "grid.svg")

Every name below is loaded when it is first used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HOMES = {
    "ProfileContext": "rbtrace.profiling.context",
    "aggregate_profile_stats": "rbtrace.profiling.cprofile_stats",
    "generate_flame_graph": "rbtrace.profiling.flames",
    "profile_lines": "rbtrace.profiling.lines",
    "profile_memory": "rbtrace.profiling.memory",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - not before a name is used

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_HOMES)
