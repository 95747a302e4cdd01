"""Values of any kind → attribute values that OpenTelemetry takes as they are.

The SDK logs a line for each value it does not know, and raises what the value's `__str__` raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_INT64 = range(-(2**63), 2**63)


def attribute_value(value: Any) -> Any:
    """The value itself if an attribute can hold it; otherwise its text, or its type's name."""
    if value is None or isinstance(value, bool | str | bytes | float):
        return value
    if isinstance(value, int):
        return value if value in _INT64 else str(value)
    if isinstance(value, Mapping):
        return {_text(key): attribute_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [attribute_value(item) for item in value]
    return _text(value)


def _text(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - tracing never raises into the program
        return f"<{type(value).__name__}>"
