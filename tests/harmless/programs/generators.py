"""Generators, coroutines and tasks, ended where they did not begin."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading

from common import main, work

import rbtrace


@rbtrace.traced
def numbers():
    with rbtrace.span("inside"):
        yield 1
        yield 2


@rbtrace.traced
async def async_numbers():
    with rbtrace.span("inside"):
        yield 1
        yield 2


def closed_elsewhere() -> None:
    """A generator is closed within another span, by another thread, and by the collector."""
    first, second, third = numbers(), numbers(), numbers()
    print(next(first), next(second), next(third))
    with rbtrace.span("other"):
        first.close()
    thread = threading.Thread(target=second.close)
    thread.start()
    thread.join()
    del third
    gc.collect()
    work()
    print(list(numbers()))


def protocol() -> None:
    """send, throw, return values, yield from and GeneratorExit are as untraced."""

    @rbtrace.traced
    def echo():
        received = None
        try:
            while received != "stop":
                received = yield received
        except KeyError as problem:
            yield f"caught {problem}"
        return "returned"

    @rbtrace.traced
    def delegating():
        return (yield from echo())

    one = delegating()
    print(next(one), one.send("a"), one.throw(KeyError("b")))
    try:
        next(one)
    except StopIteration as stop:
        print(stop.value)
    print(one.gi_running, one.gi_frame, type(one).__name__)

    @rbtrace.traced
    def stubborn():
        try:
            yield 1
        except GeneratorExit:
            yield 2

    two = stubborn()
    next(two)
    try:
        two.close()
    except RuntimeError as problem:
        print(problem)


def never_started() -> None:
    """Generators and coroutines that are never started; the warning of the latter is the same."""

    @rbtrace.traced
    async def step() -> None:
        await asyncio.sleep(0)

    numbers()
    coroutine = step()
    print(type(coroutine).__name__, coroutine.cr_frame is not None)
    coroutine.close()
    step()
    gc.collect()
    work()


def async_closed_elsewhere() -> None:
    """An async generator is left half way, and closed by the loop: later spans hung under it."""

    async def serve() -> None:
        async for number in async_numbers():
            print(number)
            break
        with rbtrace.span("later"):
            await asyncio.sleep(0)
        left = async_numbers()
        print(await left.asend(None))
        await asyncio.create_task(left.aclose())

    asyncio.run(serve())
    work()


def cancelled() -> None:
    """Tasks are cancelled, time out, and fail in groups."""

    @rbtrace.traced
    async def wait(name: str) -> str:
        with rbtrace.span("waiting"):
            await asyncio.sleep(1000 if name == "long" else 0)
        return name

    async def serve() -> None:
        task = asyncio.create_task(wait("long"))
        await asyncio.sleep(0)
        print(task.cancel(), await asyncio.gather(task, wait("short"), return_exceptions=True))
        try:
            async with asyncio.timeout(0.01):
                await wait("long")
        except TimeoutError:
            print("timeout")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(wait("long"))
                group.create_task(fail())
        except* ValueError as problem:
            print(problem.exceptions)
        print(len(asyncio.all_tasks()))

    @rbtrace.traced
    async def fail() -> None:
        raise ValueError("failed")

    asyncio.run(serve())


def context_variables() -> None:
    """The program's own context variables, and the number of variables that a context has."""
    variable = contextvars.ContextVar("variable", default=0)

    @rbtrace.traced
    def change(value: int) -> int:
        variable.set(value)
        return variable.get()

    @rbtrace.traced
    async def change_within(value: int) -> int:
        variable.set(value)
        await asyncio.sleep(0)
        return variable.get()

    async def serve() -> None:
        print(await asyncio.gather(*(change_within(value) for value in range(5))), variable.get())

    print(change(1), variable.get(), contextvars.copy_context().run(change, 2), variable.get())
    asyncio.run(serve())
    token = variable.set(5)
    with rbtrace.span("between"):
        variable.reset(token)
    print(variable.get())


def other_loop() -> None:
    """uvloop, which is another event loop in C."""
    import uvloop

    @rbtrace.traced
    async def step(number: int) -> int:
        await asyncio.sleep(0)
        return number

    async def serve() -> None:
        print(await asyncio.gather(*(step(number) for number in range(10))))
        print(await asyncio.to_thread(work))

    uvloop.run(serve())


def debugged_loop() -> None:
    """asyncio's debug mode, an eager task factory, and an executor within the loop."""

    @rbtrace.traced
    async def step(number: int) -> int:
        await asyncio.sleep(0)
        return number

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        loop.slow_callback_duration = 1000
        loop.set_task_factory(asyncio.eager_task_factory)
        print(await asyncio.gather(*(step(number) for number in range(3))))
        print(await loop.run_in_executor(None, work))

    asyncio.run(serve(), debug=True)


if __name__ == "__main__":
    main(
        closed_elsewhere,
        protocol,
        never_started,
        async_closed_elsewhere,
        cancelled,
        context_variables,
        other_loop,
        debugged_loop,
    )
