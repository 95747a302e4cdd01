"""The spans that programs are handed: what is set on them by any value never raises.

The SDK's own span asks a value for its text, iterates over it and logs a line, all while it holds
the lock of the span.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import FunctionType, TracebackType
from typing import Any, Final

from opentelemetry.sdk.trace import Tracer, _Span
from opentelemetry.trace import Span, SpanContext, Status, StatusCode

from rbtrace.errors import warn_once
from rbtrace.recording.export import clock
from rbtrace.recording.export.exceptions import message_of, stack_of, type_of
from rbtrace.recording.export.values import attribute_value, attributes_of, name, text


def _set(what: str, change: Callable[..., None], *arguments: Any) -> None:
    try:
        change(*arguments)
    except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
        _complain(what, problem)


def _complain(what: str, problem: Exception) -> None:
    with suppress(RecursionError, MemoryError):  # no stack or memory may be left to say it with
        warn_once(f"set:{what}", f"{what} of a span is missing: {type_of(problem)}")


class GuardedSpan(_Span):
    """An OpenTelemetry span on which any value can be set."""

    def set_attribute(self, key: str, value: Any) -> None:
        """Set an attribute."""
        _set("an attribute", super().set_attribute, name(key), attribute_value(value))

    def set_attributes(self, attributes: Any) -> None:
        """Set attributes."""
        _set("an attribute", super().set_attributes, attributes_of(attributes))

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Add an event."""
        _set("an event", self._add_event_of, name, attributes_of(attributes), timestamp)

    def _add_event_of(self, event: str, attributes: dict[str, Any], timestamp: int | None) -> None:
        at = timestamp if type(timestamp) is int else clock.now_ns()
        super().add_event(name(event), attributes, at)

    def add_link(self, context: SpanContext, attributes: Any = None) -> None:
        """Add a link."""
        if type(context) is SpanContext:
            _set("a link", super().add_link, context, attributes_of(attributes))

    def record_exception(
        self,
        exception: BaseException,
        attributes: Any = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002 - the interface
    ) -> None:
        """Add an exception as an event."""
        more = {"exception.escaped": str(escaped is True), **attributes_of(attributes)}
        _set("an exception", self._record, exception, more, timestamp)

    def _record(
        self, exception: BaseException, more: dict[str, Any], timestamp: int | None
    ) -> None:
        described = {
            "exception.type": type_of(exception),
            "exception.message": message_of(exception),
            "exception.stacktrace": stack_of(exception),
            **more,
        }
        self._add_event_of("exception", described, timestamp)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status."""
        _set("the status", self._set_status_of, status, description)

    def _set_status_of(self, status: Status | StatusCode, description: Any) -> None:
        if type(status) is Status:
            code, description = status.status_code, status.description
        elif type(status) is StatusCode:
            code = status
        else:
            return
        said = None if description is None or code is not StatusCode.ERROR else text(description)
        super().set_status(Status(code, said))

    def update_name(self, name: str) -> None:
        """Change the name."""
        _set("the name", self._update_name_of, name)

    def _update_name_of(self, new: str) -> None:
        super().update_name(name(new))

    def end(self, end_time: int | None = None) -> None:
        """End the span, now unless another time is given."""
        try:
            _Span.end(self, end_time if type(end_time) is int else clock.now_ns())
        except Exception as problem:  # noqa: BLE001 - another processor of the program's
            _complain("the end", problem)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the span after a `with` of its own."""
        if error is not None and self.is_recording():
            self.record_exception(error, escaped=True)
            self.set_status(StatusCode.ERROR, f"{type_of(error)}: {message_of(error)}")
        self.end()


def _starting() -> Callable[..., Span]:
    """The SDK's `Tracer.start_span`, except that it makes spans of our class.

    Changing the class of each span afterwards would take as long as a tenth of making it.
    """
    original = Tracer.start_span
    if isinstance(original, FunctionType) and "_Span" in original.__code__.co_names:
        names = {**original.__globals__, "_Span": GuardedSpan}
        code = original.__code__.replace()  # of its own, since code remembers what its names mean
        copied = FunctionType(code, names, None, original.__defaults__)
        copied.__kwdefaults__ = original.__kwdefaults__
        return copied
    return original


_start_guarded: Final = _starting()


def starter_for(tracer: Any) -> Callable[..., Span]:
    """What starts spans of this tracer: guarded ones, if it is the SDK's own."""
    if type(tracer) is Tracer:
        return _start_guarded
    start: Callable[..., Span] = type(tracer).start_span
    return start
