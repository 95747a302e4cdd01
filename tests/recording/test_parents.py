"""Parents where blocks do not end as they are nested: no span hangs under one that has ended."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rbtrace
from rbtrace.testing import capture


@pytest.fixture
def recorded(caplog):
    """Run a function while tracing; give its spans, each with the name of its parent."""

    def run(function):
        with capture() as captured:
            function()
        assert not caplog.records
        return parents(captured.spans)

    return run


def parents(spans):
    names = {span.span_id: span.name for span in spans}
    return {span.name: names.get(span.parent_id) for span in spans if not span.is_exemplar}


async def inner_span():
    with rbtrace.span("inside"):
        yield 1
        yield 2


def later():
    with rbtrace.span("later"):
        pass


async def closed_by_another_task():
    generator = inner_span()
    await anext(generator)
    await asyncio.create_task(generator.aclose())


async def continued_by_another_task():
    generator = inner_span()
    await anext(generator)

    async def rest():
        return [item async for item in generator]

    await asyncio.create_task(rest())


async def each_step_in_a_task_of_its_own():
    generator = inner_span()
    for _ in range(3):
        await asyncio.create_task(asyncio.wait_for(anext(generator, None), 5))


async def begun_by_another_task():
    generator = inner_span()
    await asyncio.create_task(asyncio.wait_for(anext(generator), 5))
    await generator.aclose()


async def left_to_the_garbage_collector():
    generator = inner_span()
    async for _ in generator:
        break
    del generator
    gc.collect()
    for _ in range(3):
        await asyncio.sleep(0)


async def thrown_into_by_another_task():
    generator = inner_span()
    await anext(generator)

    async def throw():
        with contextlib.suppress(KeyError):
            await generator.athrow(KeyError())

    await asyncio.create_task(throw())


async def closed_in_a_block():
    generator = inner_span()
    await anext(generator)
    with rbtrace.span("around"):
        await generator.aclose()


async def continued_in_blocks():
    generator = inner_span()
    for number in range(3):
        with rbtrace.span(f"step {number}"):
            await anext(generator, None)


WAYS = [
    closed_by_another_task,
    continued_by_another_task,
    each_step_in_a_task_of_its_own,
    begun_by_another_task,
    left_to_the_garbage_collector,
    thrown_into_by_another_task,
    closed_in_a_block,
    continued_in_blocks,
]


@pytest.mark.parametrize("way", WAYS)
def test_after_an_asynchronous_generator_that_ended_elsewhere(way, recorded):
    async def main():
        await way()
        later()

    assert recorded(lambda: asyncio.run(main()))["later"] is None

    async def within():
        with rbtrace.span("outer"):
            await way()
            later()
        with rbtrace.span("after"):
            pass

    found = recorded(lambda: asyncio.run(within()))
    assert found["later"] == "outer"
    assert found["after"] is None


@pytest.mark.parametrize("hot", [False, True])
def test_calls_after_it_hang_under_the_span_that_is_open(hot, recorded):
    async def main():
        @rbtrace.traced(hot=hot)
        def call():
            pass

        with rbtrace.span("outer"):
            await closed_by_another_task()
            call()
        await closed_by_another_task()

    assert recorded(lambda: asyncio.run(main()))["call"] == "outer"


def test_the_loop_closes_what_is_left(recorded):
    async def main():
        kept.append(inner_span())
        await anext(kept[0])

    kept = []
    found = recorded(lambda: (asyncio.run(main()), later()))
    assert found == {"inside": None, "later": None}


def test_the_end_of_the_block_around_comes_first(recorded):
    def main():
        generator = numbers()
        with rbtrace.span("outer"):
            next(generator)
        next(generator)
        with rbtrace.span("meanwhile"):
            pass
        generator.close()
        later()

    def numbers():
        with rbtrace.span("inside"):
            yield 1
            with rbtrace.span("second"):
                yield 2

    found = recorded(main)
    assert found["inside"] == "outer"
    assert found["second"] is None
    assert found["later"] is None


def test_a_generator_that_ends_in_another_thread(recorded):
    def numbers():
        with rbtrace.span("inside"):
            yield 1

    def main():
        with rbtrace.span("outer"):
            generator = numbers()
            next(generator)
            thread = threading.Thread(target=generator.close)
            thread.start()
            thread.join()
            later()

    assert recorded(main)["later"] == "outer"


def test_a_block_that_ends_in_another_context(recorded):
    def main():
        with rbtrace.span("outer"):
            one = contextvars.copy_context()
        block = rbtrace.span("block")
        one.run(block.__enter__)
        two = one.run(contextvars.copy_context)
        two.run(block.__exit__, None, None, None)
        one.run(later)
        with rbtrace.span("plain"):
            pass

    found = recorded(main)
    assert found["block"] == "outer"
    assert found["later"] is None
    assert found["plain"] is None


def test_a_fixture_that_ends_in_another_task(recorded):
    @contextlib.asynccontextmanager
    async def fixture():
        with rbtrace.span("fixture"):
            yield

    async def main():
        manager = fixture()
        await asyncio.create_task(manager.__aenter__())
        await asyncio.create_task(manager.__aexit__(None, None, None))
        later()

    assert recorded(lambda: asyncio.run(main())) == {"fixture": None, "later": None}


def test_a_task_of_a_block_stays_under_it_when_the_block_has_ended(recorded):
    async def child():
        later()

    async def main():
        with rbtrace.span("started the task"):
            task = asyncio.create_task(child())
        await task

    assert recorded(lambda: asyncio.run(main()))["later"] == "started the task"


def test_a_thousand_generators_left_in_one_context_keep_nothing(recorded):
    from rbtrace.recording.spans import ActiveSpan

    def scopes():
        gc.collect()
        return sum(type(each) is ActiveSpan for each in gc.get_objects())

    async def main():
        before = scopes()
        for _ in range(1000):
            await closed_by_another_task()
        assert scopes() < before + 10

    recorded(lambda: asyncio.run(main()))


class _Blocks:
    """Blocks that begin and end in any order, and the spans that started under an ended one."""

    def __init__(self):
        self.live = []
        self.ended = set()
        self.under_ended = []
        self.count = 0

    def begin(self):
        block = rbtrace.span("block")
        self.live.append((block, self.started(block)))

    def started(self, block):
        self.count += 1
        span = block.__enter__()
        if span.parent is not None and span.parent.span_id in self.ended:
            self.under_ended.append(span)
        return span

    def end(self, number=0):
        if self.live:
            self.leave(*self.live.pop(number % len(self.live)))

    def leave(self, block, span):
        block.__exit__(None, None, None)
        self.ended.add(span.context.span_id)

    def whole(self):
        block = rbtrace.span("whole")
        self.leave(block, self.started(block))


@given(st.lists(st.tuples(st.sampled_from(["begin", "end", "whole"]), st.integers(0, 4))))
def test_blocks_that_overlap_in_any_order_and_context(steps):
    contexts = [contextvars.copy_context() for _ in range(5)]
    with capture() as captured:
        blocks = _Blocks()
        for step, number in steps:
            if step == "end":
                contexts[(number + len(blocks.live)) % 5].run(blocks.end, number)
            else:
                contexts[number].run(getattr(blocks, step))
        while blocks.live:
            blocks.end()
    assert not blocks.under_ended
    assert len(captured.spans) == blocks.count
