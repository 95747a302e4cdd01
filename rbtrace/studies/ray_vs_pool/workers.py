"""The workers that are compared: those of multiprocessing's pools, and those of Ray."""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any, Final

from rbtrace.errors import RbtraceError
from rbtrace.studies.batches import BatchLog, ScoredEvaluation, hand_out, rustybt_optimizer
from rbtrace.studies.evaluations import Evaluation, TimedEvaluation
from rbtrace.studies.measuring import pickled


class PoolWorkers:
    """Workers of `multiprocessing.Pool`."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = multiprocessing.Pool(workers)

    def pipelined(self, evaluate: Callable[[int], TimedEvaluation], log: BatchLog) -> None:
        """Give out all tasks, then wait."""
        for result in hand_out(self._pool, evaluate, log):
            result.wait()

    def one_by_one(self, evaluate: Callable[[int], TimedEvaluation], log: BatchLog) -> None:
        """Wait for each task before the next is given out."""
        for _ in range(log.tasks):
            log.receive(self._pool.apply(evaluate, (log.send(),)))

    def with_argument(
        self, evaluate: Callable[[int, Any], TimedEvaluation], argument: Any, log: BatchLog
    ) -> int | None:
        """Give out all tasks, each with a large argument."""
        for result in hand_out(self._pool, evaluate, log, argument):
            result.wait()
        return None

    def search(self, evaluation: Evaluation, log: BatchLog) -> None:
        """Let rustybt's optimizer do the tasks; it makes a pool of its own."""
        rustybt_optimizer(log, self._workers).run(ScoredEvaluation(evaluation))

    def message(self, evaluate: Callable[[int], TimedEvaluation]) -> dict[str, int]:
        """Bytes of a task and of its result, and time to pickle each, ns."""
        # As the pool sends them: number of the job and of the task, function, arguments, options.
        task = pickled((0, 0, evaluate, (0,), {}), ForkingPickler.dumps)
        result = pickled((0, 0, (True, evaluate(0))), ForkingPickler.dumps)
        return {
            "task_bytes": task[0],
            "task_ns": task[1],
            "result_bytes": result[0],
            "result_ns": result[1],
            "once_bytes": 0,
        }

    def finished(self, expected: dict[str, int]) -> None:
        """A pool does not count its tasks."""

    def close(self) -> None:
        """End the workers."""
        self._pool.close()
        self._pool.join()


ADDRESS: Final = "RAY_ADDRESS"
"""The variable that names a cluster that exists; without it Ray starts one here."""

_CARRIED: Final = ("RBTRACE_", "OTEL_", "OMP_", "OPENBLAS_", "MKL_", "NUMEXPR_", "POLARS_")
_MIB: Final = 1 << 20
_MOST_TASKS: Final = 10_000
"""More than a case has; Ray's state API gives no more at once."""
_EVENTS_S: Final = 30.0
"""Ray collects what it knows of tasks about once a second."""


class RayWorkers:
    """Workers of Ray: as many at a time as are asked for, whatever the size of the cluster."""

    def __init__(self, workers: int) -> None:
        import ray  # noqa: PLC0415 - an extra, and heavy

        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if os.environ.get(ADDRESS):
            how: dict[str, Any] = {"runtime_env": {"env_vars": _environment()}}
        else:
            # A cluster of its own, whatever there is; its workers inherit the environment.
            how = {"address": "local", "num_cpus": workers, "include_dashboard": True}
        try:
            joined = ray.init(**how, **quiet)
        except Exception as problem:  # Ray raises whatever it likes
            reason = (str(problem).strip().splitlines() or [repr(problem)])[0]
            raise RbtraceError(f"Ray did not start: {reason}") from problem
        self._ray = ray
        # There may be several clusters on a machine, and Ray would not know which is meant.
        self._api = f"http://{joined.dashboard_url}"
        self._workers = workers
        self._share = ray.cluster_resources()["CPU"] / workers

    def pipelined(self, evaluate: Callable[[int], TimedEvaluation], log: BatchLog) -> None:
        """Give out all tasks, then wait."""
        remote = self._remote(evaluate, log)
        for result in [remote.remote(log.send()) for _ in range(log.tasks)]:
            self._receive(result, log)

    def one_by_one(self, evaluate: Callable[[int], TimedEvaluation], log: BatchLog) -> None:
        """Wait for each task before the next is given out."""
        remote = self._remote(evaluate, log)
        for _ in range(log.tasks):
            self._receive(remote.remote(log.send()), log)

    def with_argument(
        self, evaluate: Callable[[int, Any], TimedEvaluation], argument: Any, log: BatchLog
    ) -> int | None:
        """Give out all tasks, each with a large argument of its own in the object store.

        Returns:
            Bytes of these objects as Ray counts them.
        """
        ray = self._ray

        def evaluate_with(task: int, given: Any) -> TimedEvaluation:
            return evaluate(task, given)

        remote = ray.remote(num_cpus=self._share)(evaluate_with).options(name=log.name)
        kept = [ray.put(argument) for _ in range(log.tasks)]
        for result in [remote.remote(log.send(), reference) for reference in kept]:
            self._receive(result, log)
        return self._stored_bytes()

    def search(self, evaluation: Evaluation, log: BatchLog) -> None:
        """Let rustybt's optimizer do the tasks, with Ray as its backend.

        As it is shipped that fails: its task refers to the optimizer, which has a lock. An
        optimizer that leaves the lock behind when it is pickled does.
        """
        from rustybt.optimization.parallel_optimizer import (  # noqa: PLC0415 - heavy
            ParallelOptimizer,
        )

        class RayOptimizer(ParallelOptimizer):  # type: ignore[misc]
            def __getstate__(self) -> dict[str, Any]:
                return {"max_eval_time": self.max_eval_time}

        rustybt_optimizer(log, self._workers, RayOptimizer, backend="ray").run(
            ScoredEvaluation(evaluation)
        )

    def message(self, evaluate: Callable[[int], TimedEvaluation]) -> dict[str, int]:
        """Bytes of a task and of its result, and time to pickle each, ns.

        The function itself is pickled once for all tasks.
        """
        dumps = self._ray.cloudpickle.dumps
        task, result = pickled(((0,), {}), dumps), pickled(evaluate(0), dumps)
        return {
            "task_bytes": task[0],
            "task_ns": task[1],
            "result_bytes": result[0],
            "result_ns": result[1],
            "once_bytes": pickled(_plain(evaluate), dumps)[0],
        }

    def finished(self, expected: dict[str, int]) -> dict[str, int]:
        """How many tasks of each name have finished, as Ray's state API says.

        Args:
            expected: how many there should be; Ray is asked again for a while until it has them.
        """
        from ray.util.state import list_tasks  # noqa: PLC0415 - an extra, and heavy

        own = ("job_id", "=", self._ray.get_runtime_context().get_job_id())
        chosen = {"filters": [own, ("state", "=", "FINISHED")], "limit": _MOST_TASKS}
        until = time.monotonic() + _EVENTS_S
        while True:
            by_name = Counter(task.name for task in list_tasks(address=self._api, **chosen))
            finished = {name: by_name[name] for name in expected}
            if finished == expected or time.monotonic() > until:
                return finished
            time.sleep(0.5)

    def close(self) -> None:
        """Leave the cluster; end it if it was started here."""
        self._ray.shutdown()

    def _stored_bytes(self) -> int:
        from ray.util.state import summarize_objects  # noqa: PLC0415 - an extra, and heavy

        return int(summarize_objects(address=self._api)["cluster"]["total_size_mb"] * _MIB + 0.5)

    def _remote(self, evaluate: Callable[[int], TimedEvaluation], log: BatchLog) -> Any:
        return self._ray.remote(num_cpus=self._share)(_plain(evaluate)).options(name=log.name)

    def _receive(self, result: Any, log: BatchLog) -> None:
        try:
            log.receive(self._ray.get(result))
        except self._ray.exceptions.RayError as problem:
            log.fail(problem)


def _plain(evaluate: Callable[[int], TimedEvaluation]) -> Callable[[int], TimedEvaluation]:
    """A function: Ray takes no other callable."""

    def evaluate_task(task: int) -> TimedEvaluation:
        return evaluate(task)

    return evaluate_task


def _environment() -> dict[str, str]:
    """The variables that workers on other machines need, too."""
    return {name: text for name, text in os.environ.items() if name.startswith(_CARRIED)}
