"""Tracing and performance evidence for the Python backtesting engine rustybt.

    import rbtrace

    @rbtrace.traced
    def prepare(symbols): ...

    with rbtrace.span("load", symbols=10):
        ...

    rbtrace.analyze("rbtrace-out").operations
    rbtrace.compare("before", "after").outcome

Every name below is loaded when it is first used: importing rbtrace costs next to nothing.
"""

from __future__ import annotations

import os
import sys

from rbtrace.lazy import load as _load
from rbtrace.version import __version__

TYPE_CHECKING = False  # type checkers take it for True; importing typing takes longer than rbtrace
if TYPE_CHECKING:
    from typing import Any

    from rbtrace.recording.decorator import span, traced
    from rbtrace.recording.engines.control import (
        configure,
        instrument,
        shutdown,
        uninstrument,
    )
    from rbtrace.reporting.analysis import analyze
    from rbtrace.reporting.comparison import compare

__all__ = [
    "__version__",
    "analyze",
    "compare",
    "configure",
    "instrument",
    "shutdown",
    "span",
    "traced",
    "uninstrument",
]

_MODULES = {
    "analyze": "rbtrace.reporting.analysis",
    "compare": "rbtrace.reporting.comparison",
    "configure": "rbtrace.recording.engines.control",
    "instrument": "rbtrace.recording.engines.control",
    "shutdown": "rbtrace.recording.engines.control",
    "span": "rbtrace.recording.decorator",
    "traced": "rbtrace.recording.decorator",
    "uninstrument": "rbtrace.recording.engines.control",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        for finder in sys.meta_path:
            say = getattr(finder, "say_if_another_is_meant", None)  # where there is a start-up file
            if say is not None:
                say()
    return _load(globals(), _MODULES, name)


def __dir__() -> list[str]:
    return sorted(__all__)


if os.environ.get("RBTRACE_ENABLED"):
    # Where the start-up file of site-packages is not read (`-S`, `--target`), importing does it.
    from rbtrace.recording.engines.startup import activate

    activate()
