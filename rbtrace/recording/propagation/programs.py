"""Programs that are started: their own copy of the environment names the span they start in.

A program sees exactly the variables it was given, unless those turn tracing on: then it also gets
`TRACEPARENT` and `TRACESTATE`.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from rbtrace.recording.propagation.preparing import Arguments, like_builtin, without_span
from rbtrace.recording.recorder import RECORDER
from rbtrace.settings import Settings

_ENABLED: Final = "RBTRACE_ENABLED"
_NAMES: Final = ("TRACEPARENT", "TRACESTATE")
_POSITION_OF_ENV: Final = 10
"""Of `env` among the arguments of `subprocess.Popen`."""


def child_environment[E](env: E) -> E | dict[Any, Any]:
    """The environment for a program that is started now in place of `env`.

    Args:
        env: what the program gives it; None if it inherits the process's own.

    Returns:
        `env` itself where the child will not be traced, where nothing is being traced, or where
        the program has put another `TRACEPARENT` into it; else a copy that names the current span.
    """
    headers = _headers()
    given = os.environ if env is None else env
    if not headers or not isinstance(given, Mapping):
        return env
    copy = dict(given.items())
    parent = _text(copy, "TRACEPARENT")
    if not _is_traced(copy) or parent not in (None, os.environ.get("TRACEPARENT")):
        return env
    for name in _NAMES:
        copy.pop(name, None)
        copy.pop(os.fsencode(name), None)
    copy.update(headers)
    return copy


def _headers() -> dict[str, str]:
    """The current span as variables; none where there is no span."""
    if not RECORDER.has_recorded():
        return {}
    from rbtrace.recording import current  # noqa: PLC0415 - imports OpenTelemetry
    from rbtrace.recording.current import headers_of  # noqa: PLC0415

    return {name.upper(): text for name, text in headers_of(current.get_current()).items()}


def _text(environ: Mapping[Any, Any], name: str) -> str | None:
    """A variable as the child will see it; names and values may be bytes."""
    value = environ.get(name, environ.get(os.fsencode(name)))
    return os.fsdecode(value) if isinstance(value, str | bytes) else None


def _is_traced(environ: Mapping[Any, Any]) -> bool:
    enabled = _text(environ, _ENABLED)
    return enabled is not None and Settings.read({_ENABLED: enabled})[0].enabled


def popen(process: Any, *args: Any, **kwargs: Any) -> Arguments:
    """Prepare `subprocess.Popen(…)`."""
    if len(args) > _POSITION_OF_ENV:
        before, env, after = args[:_POSITION_OF_ENV], args[_POSITION_OF_ENV], args[11:]
        return (process, *before, child_environment(env), *after), kwargs
    return asynchronous(process, *args, **kwargs)


def asynchronous(*args: Any, **kwargs: Any) -> Arguments:
    """Prepare `asyncio.create_subprocess_exec` and `_shell`; uvloop has its own way from there."""
    env = child_environment(kwargs.get("env"))
    return args, kwargs if env is kwargs.get("env") else {**kwargs, "env": env}


def posix_spawn(*args: Any, **kwargs: Any) -> Arguments:
    """Prepare `os.posix_spawn(path, argv, env, …)`, and `posix_spawnp`."""
    if len(args) < _ARGUMENTS_OF_EXECVE:
        return args, kwargs
    path, argv, env, *rest = args
    return (path, argv, child_environment(env), *rest), kwargs


_ARGUMENTS_OF_EXECVE: Final = 3


def execve(*args: Any, **kwargs: Any) -> Arguments:
    """Prepare `os.execve(path, argv, env)`."""
    if len(args) == _ARGUMENTS_OF_EXECVE:
        return (*args[:2], child_environment(args[2])), kwargs
    if "env" in kwargs:
        return args, {**kwargs, "env": child_environment(kwargs["env"])}
    return args, kwargs


def execv(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `os.execv`, with which also `os.spawnv`, `os.execlp` and `pty.spawn` end."""
    replace: Callable[..., Any] = os.execve

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        with suppress(Exception):  # the original says what is wrong
            env = child_environment(None)
            if env is not None:
                replace(*args, env, **kwargs)
        return original(*args, **kwargs)

    return like_builtin(call, original)


def system(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `os.system`: its child inherits the environment of the process itself.

    That is changed meanwhile where no other thread of the program can see it.
    """

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        headers = _headers() if _is_traced(dict(os.environ)) else {}
        if headers and not _is_alone():
            without_span(original, "other threads run, which share the environment it inherits")
            headers = {}
        with _in_environment_of_process(headers):
            return original(*args, **kwargs)

    return like_builtin(call, original)


def _is_alone() -> bool:
    """Whether this is the only thread of the program."""
    this = threading.current_thread()
    return all(thread is this for thread in threading.enumerate())


@contextmanager
def _in_environment_of_process(variables: Mapping[str, str]) -> Iterator[None]:
    """Have C code see these variables for a block; `os.environ` stays as it is."""
    try:
        for name, value in variables.items():
            os.putenv(name, value)
        yield
    finally:
        for name in variables:
            before = os.environ.get(name)
            if before is None:
                os.unsetenv(name)
            else:
                os.putenv(name, before)
