"""The objective of a parallel search, wrapped so that it takes its trace along to the worker.

Patching the worker function would reach forked workers only; this wrapper is pickled with each
task and so reaches every kind of worker. It turns tracing on where it arrives, records the trial
beneath the search that caused it, and delivers the spans before its result returns.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Self

from opentelemetry.context import Context

from rbtrace.conventions import SCOPE_NAME, TRIAL_NUMBER, Category
from rbtrace.recording import current
from rbtrace.recording.current import PROPAGATOR, headers_of
from rbtrace.recording.operation import Operation, describe
from rbtrace.recording.parameters import (
    digest_key,
    parameter_attributes,
    score_attributes,
    use_digest_key,
)
from rbtrace.recording.propagation.tasks import turn_on_here
from rbtrace.recording.recorder import RECORDER
from rbtrace.recording.spans import start_span

EVALUATE = "ParallelOptimizer.evaluate"


class TracedObjective:
    """A picklable objective that remembers the span, settings and digest key it comes from.

    Each pickle takes the next trial number: rustybt pickles the objective once per task.
    """

    def __init__(self, objective: Callable[[Any], Any]) -> None:
        self._objective = objective
        self._headers = headers_of(current.get_current())
        self._environ = RECORDER.settings.to_environ()
        self._key = digest_key()
        self._number: int | None = None
        self._numbers = itertools.count()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        state = (self._objective, self._headers, self._environ, self._key, next(self._numbers))
        return (_arrive, state)

    @classmethod
    def arrived(
        cls,
        objective: Callable[[Any], Any],
        headers: Mapping[str, str],
        environ: Mapping[str, str],
        key: bytes,
        number: int,
    ) -> Self:
        """The same in the worker, with tracing turned on there."""
        traced = cls.__new__(cls)
        traced._objective = objective
        traced._headers = dict(headers)
        traced._environ = dict(environ)
        traced._key = key
        traced._number = number
        traced._numbers = itertools.count(number)
        use_digest_key(key)
        turn_on_here(environ)
        return traced

    def __call__(self, parameters: Any) -> Any:
        """Evaluate one trial as a span of its own."""
        parent = PROPAGATOR.extract(self._headers, context=Context())
        with start_span(self._operation(parameters), context=parent) as active:
            score = self._objective(parameters)
        active.succeed(score)
        return score

    def _operation(self, parameters: Any) -> Operation:
        return describe(
            self._objective,
            EVALUATE,
            Category.USER,
            SCOPE_NAME,
            before=lambda: self._attributes(parameters),
            after=score_attributes,
            measures_cpu=True,
            is_trial=True,
        )

    def _attributes(self, parameters: Any) -> dict[str, Any]:
        attributes = parameter_attributes(parameters)
        if self._number is not None:
            attributes[TRIAL_NUMBER] = self._number
        return attributes


def _arrive(*state: Any) -> TracedObjective:
    return TracedObjective.arrived(*state)
