"""`@traced` and `span`: tracing the user's own code.

Off, `@traced` returns the very function it was given and `span` a shared object that does
nothing; no OpenTelemetry module is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, overload

from rbtrace.conventions import Category
from rbtrace.errors import RbtraceError
from rbtrace.recording.harmless import excuse
from rbtrace.recording.recorder import RECORDER, turn_on_by_environment
from rbtrace.recording.traceable import require_traceable

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

    from rbtrace.recording.spans import ActiveSpan, DisabledSpan


@overload
def traced[F: Callable[..., Any]](function: F, /) -> F: ...


@overload
def traced[F: Callable[..., Any]](
    *, name: str | None = None, hot: bool = False, category: str = Category.USER
) -> Callable[[F], F]: ...


def traced(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    hot: bool = False,
    category: str = Category.USER,
) -> Callable[..., Any]:
    """Record a span for every call of a function, method, coroutine or generator.

    Use it bare or with arguments, above or below `@staticmethod`, `@classmethod`, `@property` and
    `@cached_property`. What is not made of functions (a class, an `lru_cache`) stays as it is.
    Whether tracing is on is decided when the function is decorated.

    Args:
        function: what to trace, when used bare.
        name: name of the span; by default the qualified name without module (`A.m`, `work`).
        hot: aggregate the calls beneath the enclosing span instead of recording each one. For
            plain synchronous functions called very often.
        category: kind of work, one of `rbtrace.conventions.Category`.

    Raises:
        UntraceableError: `function` can neither be called nor is it a descriptor.
        HotCallError: `hot=True` on a coroutine or generator function.
    """

    def decorate(target: Callable[..., Any]) -> Callable[..., Any]:
        require_traceable(target, hot=hot)
        if not _is_on():
            return target
        return _wrapped(target, name, category, hot=hot)

    return decorate if function is None else decorate(function)


class _Environment:
    """What the environment asks for, read once: at the first use of `traced` or `span`."""

    def __init__(self) -> None:
        self.is_unread = True

    def turns_on(self) -> bool:
        """Turn tracing on if the environment asks for it; say whether it is on."""
        self.is_unread = False
        try:
            return turn_on_by_environment()
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            try:  # noqa: SIM105 - see `harmless`
                excuse("tracing stays off", problem)
            except (RecursionError, MemoryError):
                pass
            return False


_environment = _Environment()


def _is_on() -> bool:
    """Whether what is traced now is to be recorded."""
    if not RECORDER.is_on and not (_environment.is_unread and _environment.turns_on()):
        return False
    return RECORDER.is_ready or RECORDER.get_ready()


def _wrapped(
    target: Callable[..., Any], name: str | None, category: str, *, hot: bool
) -> Callable[..., Any]:
    """The traced callable; the callable itself if tracing it fails."""
    try:
        from rbtrace.recording.export.values import name as name_of  # noqa: PLC0415
        from rbtrace.recording.wrapping import wrap  # noqa: PLC0415 - imports OpenTelemetry

        called = None if name is None else name_of(name)
        made: Callable[..., Any] = wrap(target, name=called, hot=hot, category=category)
    except RbtraceError:
        raise
    except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
        excuse("a function is not traced", problem)
        return target
    return made


class NoSpan:
    """What `span` gives when tracing is off: accepts what a span accepts, does nothing."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        return None

    def is_recording(self) -> bool:
        """False: nothing is recorded."""
        return False

    def set_attribute(self, key: str, value: Any) -> None:
        """Do nothing."""

    def set_attributes(self, attributes: Any) -> None:
        """Do nothing."""

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Do nothing."""

    def record_exception(self, exception: BaseException, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""

    def set_status(self, status: Any, description: str | None = None) -> None:
        """Do nothing."""

    def update_name(self, name: str) -> None:
        """Do nothing."""

    def add_link(self, context: Any, attributes: Any = None) -> None:
        """Do nothing."""

    def end(self, end_time: int | None = None) -> None:
        """Do nothing."""

    def get_span_context(self) -> SpanContext:
        """The context of no span."""
        from opentelemetry.trace import INVALID_SPAN_CONTEXT  # noqa: PLC0415 - if asked for

        return INVALID_SPAN_CONTEXT


NO_SPAN: Final = NoSpan()


class SpanContextManager:
    """A span around a block, in `with` and `async with`, also several times or in itself."""

    __slots__ = ("_attributes", "_entered", "_name")

    def __init__(self, name: str, attributes: dict[str, Any]) -> None:
        self._name = name
        self._attributes = attributes
        self._entered: list[ActiveSpan | DisabledSpan] = []

    def __enter__(self) -> Any:
        try:
            from rbtrace.recording.spans import enter_block  # noqa: PLC0415 - OpenTelemetry

            active = enter_block(self._name, self._attributes)
            self._entered.append(active)
            return getattr(active, "span", NO_SPAN)
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            try:  # noqa: SIM105 - see `harmless`
                excuse("a span is not recorded", problem)
            except (RecursionError, MemoryError):
                pass
            return NO_SPAN

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        try:
            if self._entered:  # entering may have failed
                self._entered.pop().end_block(error)
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            try:  # noqa: SIM105 - see `harmless`
                excuse("a span is not ended", problem)
            except (RecursionError, MemoryError):
                pass

    async def __aenter__(self) -> Any:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, traceback)


def span(name: str, /, **attributes: Any) -> NoSpan | SpanContextManager:
    """Record a block of code.

    Write `with span("load", symbols=10):`, or `async with` in a coroutine.

    Args:
        name: name of the span; keep it the same for the same work, put what varies in attributes.
        attributes: attributes of the span. `category=` sets `rbtrace.category`.

    Returns:
        A context manager; `as` gives the OpenTelemetry span (or, off, an object that accepts the
        same calls and does nothing).
    """
    return SpanContextManager(name, attributes) if _is_on() else NO_SPAN
