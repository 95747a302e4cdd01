"""The OpenTelemetry instrumentor that `opentelemetry-instrument` finds by entry point."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from rbtrace.recording.engines.control import instrument, uninstrument


class RustybtInstrumentor(BaseInstrumentor):
    """Traces rustybt. The same as `rbtrace.instrument` and `rbtrace.uninstrument`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """The rustybt whose methods the table names."""
        return ("rustybt >= 0.3.3, < 0.4",)

    def _instrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - OpenTelemetry passes its own
        instrument()

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - OpenTelemetry passes its own
        uninstrument()
