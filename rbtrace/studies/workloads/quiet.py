"""Keeping rustybt's chatter off the terminal without hiding what the scenarios say.

Unconfigured, rustybt logs every step to standard output; and it uses interfaces of pandas and of
itself that warn. Only messages that come from the engine's modules are silenced.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENGINE_MODULES: Final = r"(rustybt|empyrical|exchange_calendars|bcolz)(\.|$)"
_LOG_LEVEL_ERROR: Final = 40


def quiet_engine_logs() -> None:
    """Let rustybt log errors only, to standard error (unconfigured: everything, to output)."""
    import sys  # noqa: PLC0415 - beside the package it configures

    import structlog  # noqa: PLC0415 - comes with the engine

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(_LOG_LEVEL_ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextmanager
def without_engine_warnings() -> Iterator[None]:
    """Ignore Python warnings that code of the engine raises against itself or pandas."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=_ENGINE_MODULES)
        yield
