"""One real span around one piece of work: start, attach, record an error once, end.

Nothing here raises into the traced program: a problem of tracing's own is reported once and the
work goes on untraced.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    Span,
    Status,
    StatusCode,
    get_current_span,
    set_span_in_context,
)

from rbtrace.conventions import (
    CPU_NS,
    ERROR_TYPE,
    LINK,
    RUNQUEUE_NS,
    TRIAL_NUMBER,
    TRIALS_PER_TRACE,
)
from rbtrace.errors import warn_once
from rbtrace.recording import current
from rbtrace.recording.current import active_span_of, context_with, leave, still_open, under_origin
from rbtrace.recording.export import clock
from rbtrace.recording.export.exceptions import (
    RECORDED_ERRORS,
    is_failure,
    message_of,
    text_of,
    type_of,
)
from rbtrace.recording.export.guarded import starter_for
from rbtrace.recording.export.values import attributes_of
from rbtrace.recording.harmless import excuse
from rbtrace.recording.hot.cursor import CURSORS
from rbtrace.recording.operation import Operation, block
from rbtrace.recording.recorder import RECORDER
from rbtrace.recording.recursion import has_stack, say_no_stack, with_headroom

_THREAD_SCHEDSTAT = Path("/proc/thread-self/schedstat")


class ActiveSpan:
    """An open span of an operation.

    As a context manager it makes the span current for a block, and ends it as failed if the block
    raises; after a block that does not, call `succeed`.

    `was_left` says that the span may still be current somewhere after the block: see `parents`.
    """

    __slots__ = ("_cpu", "_operation", "_token", "around", "context", "outer", "span", "was_left")

    def __init__(self, operation: Operation, span: Span, around: Context) -> None:
        self._operation = operation
        self._token: Any = None
        self.span = span
        self.around = around
        self.outer = active_span_of(around)
        self.was_left = False
        self.context = context_with(self, around)
        self._cpu = _cpu_times() if operation.measures_cpu else None

    def __enter__(self) -> Self:
        self._token = current.attach(self.context)
        return self

    def __exit__(
        self, _kind: object, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        try:
            self.detach()
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            try:  # noqa: SIM105 - see `harmless`
                excuse("a span stays current", problem)
            except (RecursionError, MemoryError):
                pass
        if error is not None:
            self.fail(error)

    def end_block(self, error: BaseException | None) -> None:
        """End a block that was begun by `enter_block`."""
        with_headroom(self._end_block, error)

    def _end_block(self, error: BaseException | None) -> None:
        self.__exit__(None, error, None)
        if error is None:
            self.succeed(None)

    def attach(self) -> None:
        """Make the span current for one of the stretches a generator runs."""
        self._token = current.attach(self.context)

    def detach(self) -> None:
        """Make current what was before, wherever the block ends."""
        token, self._token = self._token, None  # it holds on to the context before
        if not leave(self, token):
            self.was_left = True

    def succeed(self, result: Any) -> None:
        """End the span; take attributes from the result."""
        try:
            try:
                after = self._operation.after
                if after is not None and self.span.is_recording():
                    self.span.set_attributes(extract(after, self._operation.name, result))
            finally:
                self._end()
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            try:  # noqa: SIM105 - see `harmless`
                excuse("a span is not ended", problem)
            except (RecursionError, MemoryError):
                pass

    def fail(self, error: BaseException) -> None:
        """End the span as failed. The innermost span records the exception, once."""
        try:
            try:
                if is_failure(error) and self.span.is_recording():
                    record_error(self.span, error)
            finally:
                self._end()
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            try:  # noqa: SIM105 - see `harmless`
                excuse("a span is not ended", problem)
            except (RecursionError, MemoryError):
                pass

    def _end(self) -> None:
        if not self.span.is_recording():
            return  # not sampled, or ended by the program
        if self._cpu is not None:
            self.span.set_attributes(_cpu_since(self._cpu))
        self.span.end(clock.now_ns())


class DisabledSpan:
    """Stands for a span that is not recorded, where the code reads better without a branch."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def end_block(self, error: BaseException | None) -> None:
        """There is nothing to end."""

    def attach(self) -> None:
        """There is nothing to make current."""

    def detach(self) -> None:
        """Nothing was made current."""

    def succeed(self, result: Any) -> None:
        """There is nothing to end."""

    def fail(self, error: BaseException) -> None:
        """There is nothing to end."""


DISABLED_SPAN: Final[ActiveSpan | DisabledSpan] = DisabledSpan()


def start_span(
    operation: Operation,
    arguments: tuple[Any, ...] = (),
    keywords: Mapping[str, Any] | None = None,
    context: Context | None = None,
) -> ActiveSpan | DisabledSpan:
    """Start the span of an operation; `DISABLED_SPAN` when tracing is off or fails."""
    try:
        if not has_stack():
            say_no_stack(operation.name)
            return DISABLED_SPAN
        pipeline = RECORDER.pipeline()
        if pipeline is None:
            return DISABLED_SPAN
        tracer = pipeline.tracer(operation.scope)
        started = clock.now_ns()  # what is set up before the first span is not its work
        attributes = dict(operation.attributes)
        if operation.before is not None:
            attributes.update(
                extract(operation.before, operation.name, *arguments, **(keywords or {}))
            )
        around = under_origin(still_open(current.get_current())) if context is None else context
        links: list[Link] = []
        if operation.is_trial:
            number = attributes.get(TRIAL_NUMBER)
            if type(number) is int and number >= TRIALS_PER_TRACE:
                links = _link_to_parent(around)
        span = starter_for(tracer)(
            tracer,
            operation.name,
            context=Context() if links else _with_summary(around),
            attributes=attributes,
            links=links,
            start_time=started,
        )
        return ActiveSpan(operation, span, around)
    except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
        try:  # noqa: SIM105 - see `harmless`
            excuse("a span is not recorded", problem)
        except (RecursionError, MemoryError):
            pass
        return DISABLED_SPAN


def enter_block(name: str, attributes: Mapping[str, Any]) -> ActiveSpan | DisabledSpan:
    """Start the span of a `span(name, **attributes)` block and make it current."""
    active: ActiveSpan | DisabledSpan = with_headroom(_entered, name, attributes)
    return active


def _entered(name: str, attributes: Mapping[str, Any]) -> ActiveSpan | DisabledSpan:
    return start_span(block(name, attributes)).__enter__()


def _link_to_parent(context: Context) -> list[Link]:
    """The current span as the link of a trace of its own; nothing if it is not recorded."""
    parent = get_current_span(context).get_span_context()
    sampled = parent.is_valid and parent.trace_flags.sampled
    return [Link(parent, {LINK: "parent"})] if sampled else []


def _with_summary(context: Context) -> Context:
    """The context in which the summary of the hot call in progress, if any, is the parent."""
    node = CURSORS.running().call_around(get_current_span(context))
    return context if node is None else set_span_in_context(node.span, context)


def extract(
    extractor: Callable[..., Mapping[str, Any]], name: str, *arguments: Any, **keywords: Any
) -> Mapping[str, Any]:
    """The attributes an extractor gives; none, and one warning, if it raises."""
    try:
        return attributes_of(extractor(*arguments, **keywords))
    except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
        warn_once(f"extract:{name}", f"attributes of {name} are missing: {text_of(problem)}")
        return {}


def record_error(span: Span, error: BaseException) -> None:
    """Mark the span as failed; add the exception as an event if no inner span has done so.

    The message often holds values of the strategy: it is recorded only with `RBTRACE_PARAMS=1`.
    """
    kind = type_of(error)
    with_message = RECORDER.settings.params
    span.set_attribute(ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR, message_of(error) if with_message else None))
    if RECORDED_ERRORS.has(error, getattr(span, "start_time", None) or 0):
        return
    if with_message:
        span.record_exception(error)
    else:
        span.add_event("exception", {"exception.type": kind}, timestamp=clock.now_ns())


def _cpu_times() -> tuple[int, int | None]:
    """CPU time of this thread, ns, and its time waiting for a core, ns (Linux)."""
    try:
        waited = int(_THREAD_SCHEDSTAT.read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return time.thread_time_ns(), None
    return time.thread_time_ns(), waited


def _cpu_since(before: tuple[int, int | None]) -> dict[str, int]:
    cpu, waited = _cpu_times()
    times = {CPU_NS: cpu - before[0]}
    if waited is not None and before[1] is not None:
        times[RUNQUEUE_NS] = waited - before[1]
    return times
