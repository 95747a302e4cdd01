"""`@traced` and `span`: tracing the user's own code.

Off, `@traced` returns the very function it was given and `span` a shared object that does
nothing; no OpenTelemetry module is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, overload

from rbtrace.conventions import Category
from rbtrace.recording.recorder import RECORDER, turn_on_by_environment

if TYPE_CHECKING:
    from rbtrace.recording.scopes import NoScope, Scope


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

    Use it bare or with arguments, above or below `@staticmethod` and `@classmethod`. Whether
    tracing is on is decided when the function is decorated.

    Args:
        function: what to trace, when used bare.
        name: name of the span; by default the qualified name without module (`A.m`, `work`).
        hot: aggregate the calls beneath the enclosing span instead of recording each one. For
            plain synchronous functions called very often.
        category: kind of work, one of `rbtrace.conventions.Category`.

    Raises:
        HotCallError: `hot=True` on a coroutine or generator function (only while tracing is on).
    """

    def decorate(target: Callable[..., Any]) -> Callable[..., Any]:
        if not (RECORDER.is_on or turn_on_by_environment()) or not RECORDER.get_ready():
            return target
        from rbtrace.recording.wrapping import wrap  # noqa: PLC0415 - imports OpenTelemetry

        return wrap(target, name=name, hot=hot, category=category)

    return decorate if function is None else decorate(function)


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


NO_SPAN: Final = NoSpan()


class SpanContextManager:
    """A span around a block, in `with` and `async with`."""

    __slots__ = ("_attributes", "_name", "_scope")

    _scope: Scope | NoScope

    def __init__(self, name: str, attributes: dict[str, Any]) -> None:
        self._name = name
        self._attributes = attributes

    def __enter__(self) -> Any:
        from rbtrace.recording.operation import block  # noqa: PLC0415 - imports OpenTelemetry
        from rbtrace.recording.scopes import open_scope  # noqa: PLC0415

        self._scope = open_scope(block(self._name, self._attributes)).__enter__()
        return getattr(self._scope, "span", NO_SPAN)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._scope.__exit__(kind, error, traceback)
        if error is None:
            self._scope.succeed(None)

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
    if not RECORDER.is_on and not turn_on_by_environment():
        return NO_SPAN
    if not RECORDER.is_ready and not RECORDER.get_ready():
        return NO_SPAN
    return SpanContextManager(name, attributes)
