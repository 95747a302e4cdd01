"""Worker processes of every kind: `python workers.py KIND [START METHOD]`."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from counter import count, how_many
from work import counted_span, hot, task, until

CALLS = range(1, 21)


def several_tasks(calls: int) -> None:
    hot(1)  # in no span of this process
    for _ in range(5):
        task(calls)


def endless_task(_number: int) -> None:
    with counted_span("endless"):
        while True:
            hot(1)


def process(context: Any) -> None:
    started = [context.Process(target=several_tasks, args=(calls,)) for calls in (1, 10, 100)]
    for one in started:
        one.start()
    for one in started:
        one.join()


def pool_joined(context: Any) -> None:
    pool = context.Pool(2)
    print(sum(pool.map(task, CALLS, chunksize=1)))
    pool.close()
    pool.join()


def pool_terminated(context: Any) -> None:
    with context.Pool(2) as pool:
        print(sum(pool.map(task, CALLS, chunksize=1)))


def pool_terminated_at_work(context: Any) -> None:
    with context.Pool(2) as pool:
        pool.map_async(endless_task, range(2), chunksize=1)
        until(lambda: how_many("span endless") == 2 and how_many("call") > 2000)


def persistent_pool(_context: Any) -> None:
    from rustybt.optimization.persistent_worker_pool import PersistentWorkerPool

    pool = PersistentWorkerPool(processes=2)
    for _ in range(2):
        print(sum(pool.map(task, CALLS, chunksize=1)))
    pool.close()
    pool.join()


def executor(context: Any) -> None:
    with ProcessPoolExecutor(2, mp_context=context) as workers:
        print(sum(workers.map(task, CALLS)))


def nested(context: Any) -> None:
    child = context.Process(target=pool_joined, args=(context,))
    child.start()
    child.join()


def another_program(_context: Any) -> None:
    subprocess.run([sys.executable, __file__, "pool_joined", "fork"], check=True)


KINDS = (
    process,
    pool_joined,
    pool_terminated,
    pool_terminated_at_work,
    persistent_pool,
    executor,
    nested,
    another_program,
)


def main(kind: str, method: str = "fork") -> None:
    (work,) = [work for work in KINDS if work.__name__ == kind]
    with counted_span("sweep"):
        hot(1)
        work(multiprocessing.get_context(method))


if __name__ == "__main__":
    main(*sys.argv[1:])
    count("end")
