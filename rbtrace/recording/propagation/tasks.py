"""Work handed to another thread or process, with the span it was handed over in."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry.context import Context

from rbtrace.recording import current
from rbtrace.recording.current import PROPAGATOR, headers_of, start_under
from rbtrace.recording.recorder import RECORDER
from rbtrace.settings import Settings

CONTEXT: Final = "_rbtrace"
"""Under this name a thread that has not begun has its context among its variables."""


class InContext:
    """A callable that another thread calls under the context that is current now."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._context = current.copy()

    def __repr__(self) -> str:
        return repr(self._function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        token = current.attach(self._where())
        try:
            return self._function(*args, **kwargs)
        except BaseException as error:
            leave_out_frame(error)
            raise
        finally:
            current.restore(token)
            self._delivered()

    def _where(self) -> Context:
        return self._context

    def _delivered(self) -> None:
        """See that what was recorded is on its way: in this process there is time for that."""


class PropagatedTask(InContext):
    """A picklable callable that runs under the span it was handed over in.

    What it records is delivered before its result is: pools end their workers without exit hooks.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._headers, self._environ = self.state_here()
        self._has_arrived = False

    @staticmethod
    def state_here() -> tuple[dict[str, str], dict[str, str]]:
        """What `arrived` wants besides the function: the current span, and the settings."""
        return headers_of(current.get_current()), RECORDER.settings.to_environ()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (_task_arrives, (self._function, self._headers, self._environ))

    @classmethod
    def arrived(
        cls, function: Callable[..., Any], headers: Mapping[str, str], environ: Mapping[str, str]
    ) -> PropagatedTask:
        """The same in a worker, with tracing turned on there."""
        turn_on_here(environ)
        task = cls.__new__(cls)
        task._function = function
        task._headers, task._environ = dict(headers), dict(environ)
        task._has_arrived = True
        return task

    def _where(self) -> Context:
        return context_of(self._headers)

    async def run(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task, which is a coroutine function."""
        token = current.attach(self._where())
        try:
            return await self._function(*args, **kwargs)
        finally:
            current.restore(token)
            self._delivered()

    def generate(self, *args: Any, **kwargs: Any) -> Generator[Any, None, Any]:
        """Run the task, which is a generator function; only its own code is in the span."""
        context = self._where()
        inner = self._function(*args, **kwargs)
        try:
            while True:
                with attached(context):
                    try:
                        item = next(inner)
                    except StopIteration as stop:
                        return stop.value
                yield item
        finally:
            with attached(context):
                inner.close()
            self._delivered()

    async def generate_async(self, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """Run the task, which is an asynchronous generator function."""
        context = self._where()
        inner = self._function(*args, **kwargs)
        try:
            while True:
                with attached(context):
                    try:
                        item = await anext(inner)
                    except StopAsyncIteration:
                        return
                yield item
        finally:
            with attached(context):
                await inner.aclose()
            self._delivered()

    def _delivered(self) -> None:
        if self._has_arrived:
            RECORDER.task_ended()


class PropagatedProcess:
    """Rides on a process object: where it is unpickled, tracing is on and has its parent."""

    def __init__(self) -> None:
        self._headers, self._environ = PropagatedTask.state_here()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (_process_arrives, (self._headers, self._environ))


def begin_thread(thread: threading.Thread) -> None:
    """Make the context that came with the thread the current one."""
    context = vars(thread).pop(CONTEXT, None)
    if context is None:
        return
    variables = vars(thread).get("_context")  # from Python 3.14 on, `run` has its own
    if variables is None:
        current.attach(context)
    else:
        variables.run(current.attach, context)


def context_of(headers: Mapping[str, str]) -> Context:
    """The context in which the span of these headers is the current one."""
    return PROPAGATOR.extract(headers, context=Context())


@contextmanager
def attached(context: Context) -> Iterator[None]:
    """Make a context the current one for a block."""
    token = current.attach(context)
    try:
        yield
    finally:
        current.restore(token)


def leave_out_frame(error: BaseException) -> None:
    """Take the frame that has just caught an error out of its traceback, which users read."""
    if error.__traceback__ is not None:
        BaseException.with_traceback(error, error.__traceback__.tb_next)


def turn_on_here(environ: Mapping[str, str]) -> None:
    """Turn tracing on in a worker as the process that started it has it."""
    if not RECORDER.is_on:
        RECORDER.turn_on(Settings.read(environ)[0])


def _task_arrives(*state: Any) -> PropagatedTask:
    return PropagatedTask.arrived(*state)


def _process_arrives(headers: Mapping[str, str], environ: Mapping[str, str]) -> None:
    turn_on_here(environ)
    start_under(headers)
