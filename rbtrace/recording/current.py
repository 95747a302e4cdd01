"""The current OpenTelemetry context, as fast as it can be had.

A hot call looks at the context and changes it. With the standard contextvars runtime that is one
`ContextVar`; with another runtime (`OTEL_PYTHON_CONTEXT`) the public functions are used.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from opentelemetry import context as api
from opentelemetry.context import Context
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext


def _variable() -> ContextVar[Any] | None:
    runtime = getattr(api, "_RUNTIME_CONTEXT", None)
    if type(runtime) is not ContextVarsRuntimeContext:
        return None
    return getattr(runtime, "_current_context", None)


VARIABLE = _variable()
"""What holds the context; None with another runtime."""


def _access() -> tuple[Callable[[], Context], Callable[[Context], Any], Callable[[Any], bool]]:
    variable = VARIABLE
    if variable is None:
        return api.get_current, api.attach, _detach

    def restore(token: Any) -> bool:
        try:
            variable.reset(token)
        except (ValueError, RuntimeError):
            return False
        return True

    return variable.get, variable.set, restore


def _detach(token: Any) -> bool:
    """As `api.detach`, which writes a failure to the program's log."""
    try:
        api._RUNTIME_CONTEXT.detach(token)  # the API has no public name
    except Exception:  # noqa: BLE001 - whatever that runtime raises
        return False
    return True


get_current, attach, restore = _access()
"""`restore` says whether it could: a generator may be closed in another context than it ran in."""


def copy() -> Context:
    """What is current, as an object of its own: a place is valid for one context object."""
    return Context(get_current())
