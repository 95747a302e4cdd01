"""Pools of workers, left in each way."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import multiprocessing.dummy
import os
import signal
import threading

from common import main, work

import rbtrace

POOLS = 8
TASKS = 6


def plain(number: int) -> int:
    return number * number


def task(number: int) -> int:
    return work(number)


def initialize() -> None:
    work(1)


def leave(pool, how: str) -> None:
    if how == "with":
        pool.__exit__(None, None, None)
    elif how == "join":
        pool.close()
        pool.join()
    else:
        pool.terminate()
        pool.join()


def untraced_tasks(method: str, how: str, number: str) -> None:
    """Workers that run no traced task had our handler of SIGTERM and no thread to wake them."""
    context = multiprocessing.get_context(method)
    with rbtrace.span("main"):
        for _ in range(int(number)):
            pool = context.Pool(3)
            print(pool.map(plain, [1]))
            leave(pool, how)


def traced_tasks(method: str, how: str) -> None:
    """What a worker records must be kept before its result returns, however the pool is left."""
    context = multiprocessing.get_context(method)
    pool = context.Pool(2)
    print(sum(pool.map(task, range(TASKS), 1)))
    leave(pool, how)


def before_any_span() -> None:
    """A pool is left before the program has recorded anything."""
    with multiprocessing.get_context("fork").Pool(3) as pool:
        print(pool.map(plain, [1, 2]))
    work()


def one_task_each() -> None:
    """Workers are replaced after every task, while traced work goes on."""
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        print(pool.map(task, range(TASKS), 1), work())


def initializers() -> None:
    """Every worker records in its initializer, and may have no task at all."""
    pool = multiprocessing.get_context("fork").Pool(3, initialize)
    print(pool.map(plain, range(TASKS)))
    leave(pool, "join")


def with_a_pool_of_its_own(number: int) -> int:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return sum(pool.map(task, range(number)))


def nested() -> None:
    """A process with a pool of its own, in an executor that is itself a pool."""
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(2, context) as executor:
        print(list(executor.map(with_a_pool_of_its_own, [2, 2])))


def left_half_way() -> None:
    """A pool is left while its iterator still has results to give.

    It has few tasks: where results still stream in and its threads are held up, `terminate` may
    wait for ever, untraced too, for a replaced worker takes the sentinel of another.
    """
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(next(pool.imap(plain, range(1000), 250)))
        work()


def never_left() -> None:
    """A pool that nobody closes is cleaned up by the interpreter at the end."""
    pool = multiprocessing.get_context("fork").Pool(2)
    print(pool.map(task, [1, 1], 1))
    globals()["kept"] = pool


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def killed_worker() -> None:
    """A worker is killed at work; an executor says that it is broken, and nothing hangs."""
    context = multiprocessing.get_context("fork")
    work()
    with concurrent.futures.ProcessPoolExecutor(2, context) as executor:
        try:
            print(executor.submit(die, 1).result())
        except concurrent.futures.process.BrokenProcessPool as problem:
            print(type(problem).__name__)


def replaced_worker() -> None:
    """A pool replaces a worker that was killed, and terminates with its task unfinished."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        pool.apply_async(die, [1])
        print(pool.apply_async(task, [2]).get())


def executor(method: str) -> None:
    """Executors of processes end with their shutdown."""
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, context) as executor:
        print(list(executor.map(task, range(TASKS))))


def executor_cancelled() -> None:
    """An executor is left with tasks that were never begun."""
    context = multiprocessing.get_context("fork")
    executor = concurrent.futures.ProcessPoolExecutor(1, context)
    futures = [executor.submit(plain, number) for number in range(200)]
    print(futures[0].result())
    work()
    executor.shutdown(cancel_futures=True)


def threads() -> None:
    """Executors and pools of threads; each way of leaving."""
    with concurrent.futures.ThreadPoolExecutor(4) as executor:
        print(list(executor.map(task, range(TASKS))))
    with multiprocessing.dummy.Pool(3) as pool:
        print(pool.map(task, range(TASKS)))
    print(multiprocessing.active_children())


def from_a_thread() -> None:
    """A pool made by a thread other than the main one, after traced work in both."""
    work()
    thread = threading.Thread(target=untraced_tasks, args=("fork", "with", "3"))
    thread.start()
    thread.join()


def into_queue(queue) -> None:
    queue.put(work())


def queue_and_manager() -> None:
    """Processes that talk through queues and a manager leave nobody behind."""
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    workers = [context.Process(target=into_queue, args=(queue,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    print(sum(queue.get() for _ in workers))
    for worker in workers:
        worker.join()
    print([worker.exitcode for worker in workers])
    with context.Manager() as manager:
        shared = manager.list([work()])
        print(list(shared), len(multiprocessing.active_children()))


def workers_with_handlers() -> None:
    """Workers that set the action of SIGTERM themselves, as PyTorch's do."""
    pool = multiprocessing.get_context("fork").Pool(
        2, signal.signal, (signal.SIGTERM, signal.SIG_DFL)
    )
    work()
    print(pool.map(task, range(TASKS), 1))
    leave(pool, "terminate")


def terminated_process() -> None:
    """Process.terminate ends a child that has recorded nothing, by the same signal."""
    context = multiprocessing.get_context("fork")
    work()
    for _ in range(5):
        event = context.Event()
        child = context.Process(target=wait_for_ever, args=(event,))
        child.start()
        event.wait()
        child.terminate()
        child.join()
        print(child.exitcode)


def wait_for_ever(event) -> None:
    event.set()
    threading.Event().wait()


if __name__ == "__main__":
    main(
        untraced_tasks,
        traced_tasks,
        before_any_span,
        one_task_each,
        initializers,
        nested,
        left_half_way,
        never_left,
        killed_worker,
        replaced_worker,
        executor,
        executor_cancelled,
        threads,
        from_a_thread,
        queue_and_manager,
        workers_with_handlers,
        terminated_process,
    )
