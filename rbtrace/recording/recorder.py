"""Whether tracing is on in this process, and its one pipeline, made at the first span.

This module imports nothing of OpenTelemetry until something is recorded.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from contextlib import contextmanager
from threading import get_ident
from typing import TYPE_CHECKING, Final

from rbtrace.conventions import USER_SCOPE_NAME
from rbtrace.errors import warn_once
from rbtrace.recording.export.lifecycle import (
    after_fork_in_child,
    after_fork_in_parent,
    before_fork,
    follow,
)
from rbtrace.recording.preconditions import (
    Watch,
    check_imported,
    check_to_come,
    in_main_interpreter,
)
from rbtrace.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rbtrace.recording.export.pipeline import Pipeline
    from rbtrace.recording.hot.trees import Trees

_NEEDED: Final = (
    "rbtrace.recording.operation",
    "rbtrace.recording.spans",
    "rbtrace.recording.hot.trees",
    "rbtrace.recording.hot.cursor",
    "rbtrace.recording.wrapping",
    "rbtrace.recording.sampling.profiler",
    "rbtrace.recording.export.pipeline",
)
"""What the first span uses, with OpenTelemetry."""


_SETTING_UP_S: Final = 10.0
"""How long a fork waits for another thread that sets recording up."""


class Recorder:
    """The recording state of this process: settings, and the pipeline once there is one."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.is_on = False
        self._pipeline: Pipeline | None = None
        self._trees: Trees | None = None
        self._starting = threading.Lock()
        self._given_up = False
        self.is_broken = False
        self.is_ready = False
        self._starting_in = 0
        self._follows_forks = False
        self._waits_for_fork = False
        self._environ_before: dict[str, str | None] = {}

    def __reduce__(self) -> str:
        return "RECORDER"  # in another process, that process's own

    def turn_on(self, settings: Settings) -> None:
        """Record from now on, and let child processes do the same.

        Run id and absolute directory go into the environment, which children inherit. Where
        tracing cannot work it stays off, which is said once.
        """
        if self.is_broken:
            return
        if not in_main_interpreter():
            # The environment is the main interpreter's, too, and stays as it is.
            self.is_broken = True
            warn_once("start", "tracing stays off in subinterpreters")
            return
        if self._pipeline is not None:
            settings = settings.with_values(
                run_id=self._pipeline.settings.run_id, directory=self._pipeline.settings.directory
            )
        self.settings = settings.with_values(enabled=True).settled()
        self._hand_down(self.settings.to_environ())
        self.is_on = True
        if self._pipeline is not None:
            self._pipeline.settings = self.settings
            self._pipeline.providers.set_active(active=True)

    def _follow_forks(self) -> None:
        """Have our threads end before a fork, and let none happen while another sets recording up.

        The child would inherit locks held for ever: ours, and those of the imports under way.
        """
        if self._follows_forks or not hasattr(os, "register_at_fork"):
            return
        self._follows_forks = True
        # These take a lock before a fork, and our threads may need it to come to rest. What was
        # registered last is called first: let that be ours.
        for name in ("logging", "concurrent.futures.thread"):
            importlib.import_module(name)
        os.register_at_fork(
            before=self._before_fork,
            after_in_parent=self._after_in_parent,
            after_in_child=self._after_in_child,
        )

    def _before_fork(self) -> None:
        self._waits_for_fork = self._starting_in != get_ident() and self._starting.acquire(
            timeout=_SETTING_UP_S
        )
        before_fork()

    def _after_in_parent(self) -> None:
        after_fork_in_parent()
        self._after_fork()

    def _after_in_child(self) -> None:
        after_fork_in_child()
        self._after_fork()

    def _after_fork(self) -> None:
        if self._waits_for_fork:
            self._waits_for_fork = False
            self._starting.release()

    @contextmanager
    def _setting_up(self) -> Iterator[None]:
        """A block in which no other thread sets recording up, or forks."""
        with self._starting:
            self._starting_in = get_ident()
            try:
                yield
            finally:
                self._starting_in = 0

    def turn_off(self) -> None:
        """Record nothing more. What was recorded is delivered; the program's provider stays."""
        if not self.is_on:
            return
        self.is_on = False
        self._take_back()
        if self._pipeline is not None and self._trees is not None:
            self._trees.stop()
            self._pipeline.stacks.stop()
            self._pipeline.providers.set_active(active=False)
            self._pipeline.flush()

    def _hand_down(self, variables: Mapping[str, str]) -> None:
        for name, value in variables.items():
            self._environ_before.setdefault(name, os.environ.get(name))
            os.environ[name] = value

    def _take_back(self) -> None:
        """Leave the environment as it was, except that it no longer turns tracing on."""
        self._environ_before["RBTRACE_ENABLED"] = None
        for name, value in self._environ_before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._environ_before.clear()

    def get_ready(self) -> bool:
        """Import all that recording needs, once; say whether that is possible.

        Where it is not, as with a broken or unknown OpenTelemetry, tracing is off from then on,
        which is said once.
        """
        if self.is_ready:
            return True
        if not self.is_on or self._starting_in == get_ident():
            return False
        try:
            check_imported()
            check_to_come()
            with Watch():
                self._follow_forks()
                with self._setting_up():
                    for name in _NEEDED:
                        importlib.import_module(name)
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - a broken module does anything
            self.is_broken, self.is_on = True, False
            self._take_back()
            warn_once("start", f"tracing cannot start and stays off: {problem!r}")
            return False
        self.is_ready = True
        return True

    def pipeline(self) -> Pipeline | None:
        """The pipeline, made at the first call; None when tracing is off or cannot start."""
        if not self.is_on:
            return None
        if self._pipeline is None and not self._given_up:
            if self._starting_in == get_ident():
                return None  # imports that record: of the program's own hooks
            with self._setting_up():
                if self._pipeline is None:
                    self._start()
        return self._pipeline

    def trees(self) -> Trees | None:
        """The call trees hot calls enter; None when tracing is off or cannot start."""
        return self._trees if self.pipeline() is not None else None

    def has_recorded(self) -> bool:
        """Whether there can be a span to hand on to other threads and processes."""
        return self.is_on and "opentelemetry.sdk.trace" in sys.modules

    def task_ended(self) -> None:
        """A task that came from elsewhere has ended here: deliver before its result leaves."""
        if self._pipeline is not None:
            self._pipeline.task_ended()

    def before_exit(self) -> None:
        """The process is about to end without exit hooks (`os._exit`)."""
        if self._pipeline is not None:
            self._pipeline.shutdown()

    def before_exec(self) -> None:
        """Another program is about to take this one's place."""
        if self._pipeline is not None:
            self._pipeline.before_exec()

    def before_listening(self) -> None:
        """The program is about to hear of all signals, by a descriptor."""
        if self._pipeline is not None:
            self._pipeline.stacks.before_listening()

    def after_handling(self) -> None:
        """The program has set a handler of a signal, or put the default action back."""
        if self._pipeline is not None:
            self._pipeline.flusher.take_signals()

    def before_closing(self) -> None:
        """Descriptors the program does not know of are about to be closed."""
        if self._pipeline is not None:
            self._pipeline.close_connections()

    def after_closing(self) -> None:
        """It has been done."""
        if self._pipeline is not None:
            self._pipeline.connect_again()

    def _start(self) -> None:
        if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            self._given_up = True
            return
        try:
            from rbtrace.recording.export.pipeline import Pipeline  # noqa: PLC0415
            from rbtrace.recording.hot.cursor import innermost_span  # noqa: PLC0415
            from rbtrace.recording.hot.trees import Trees  # noqa: PLC0415 - imports OpenTelemetry
            from rbtrace.recording.sampling.profiler import Profiler  # noqa: PLC0415

            trees = Trees()
            pipeline = Pipeline(self.settings, trees, Profiler(innermost_span))
            trees.serve(pipeline)
            follow(pipeline)
            self._pipeline, self._trees = pipeline, trees
            pipeline.tracer(USER_SCOPE_NAME)  # what it imports is imported before any fork
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            self._given_up = True
            self._pipeline = self._trees = None
            warn_once("start", f"tracing cannot start and stays off: {problem!r}")

    def shutdown(self) -> None:
        """Deliver everything and end recording; the next `turn_on` starts a new run."""
        self.turn_off()
        if self._pipeline is None or self._trees is None:
            return
        self._pipeline.shutdown()
        follow(None)
        self._trees.forget()
        self._pipeline = None
        self._trees = None


RECORDER = Recorder()


def is_on() -> bool:
    """Whether this process records."""
    return RECORDER.is_on


def turn_on_by_environment() -> bool:
    """Turn recording on if the environment asks for it; say whether it is on.

    An unusable value is reported once and replaced by the default.
    """
    if RECORDER.is_on or RECORDER.is_broken:
        return RECORDER.is_on
    settings, problems = Settings.read()
    if settings.enabled:
        for problem in problems:
            warn_once(problem, f"{problem}; using the default")
        RECORDER.turn_on(settings)
    return RECORDER.is_on
