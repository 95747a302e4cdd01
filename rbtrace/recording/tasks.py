"""Work handed to another thread or process, with the span it was handed over in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.context import Context

from rbtrace.recording import current
from rbtrace.recording.origin import PROPAGATOR, headers_of, start_under
from rbtrace.recording.recorder import RECORDER
from rbtrace.settings import Settings


class CarriedTask:
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
    ) -> CarriedTask:
        """The same in a worker, with tracing turned on there."""
        turn_on_here(environ)
        task = cls.__new__(cls)
        task._function = function
        task._headers, task._environ = dict(headers), dict(environ)
        task._has_arrived = True
        return task

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task."""
        token = current.attach(PROPAGATOR.extract(self._headers, context=Context()))
        try:
            return self._function(*args, **kwargs)
        finally:
            current.restore(token)
            if self._has_arrived:
                RECORDER.task_ended()


class CarriedProcess:
    """Rides on a process object: where it is unpickled, tracing is on and has its parent."""

    def __init__(self) -> None:
        self._headers, self._environ = CarriedTask.state_here()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (_process_arrives, (self._headers, self._environ))


def in_thread(thread: Any) -> Callable[[], None]:
    """What a thread is to run: the same, under the context that is current now."""
    context = current.get_current()

    def run() -> None:
        del thread.run  # this function, which refers to the thread it is an attribute of
        current.attach(context)
        thread.run()

    return run


def turn_on_here(environ: Mapping[str, str]) -> None:
    """Turn tracing on in a worker as the process that started it has it."""
    if not RECORDER.is_on:
        RECORDER.turn_on(Settings.read(environ)[0])


def _task_arrives(*state: Any) -> CarriedTask:
    return CarriedTask.arrived(*state)


def _process_arrives(headers: Mapping[str, str], environ: Mapping[str, str]) -> None:
    turn_on_here(environ)
    start_under(headers)
