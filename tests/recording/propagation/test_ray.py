"""Tasks and actors of Ray have the span that called them as their parent."""

from __future__ import annotations

from collections import Counter

import pytest

from rbtrace import conventions as key

PROGRAM = """
import asyncio, logging
import ray
import rbtrace

@rbtrace.traced(hot=True)
def hot():
    pass

@ray.remote
def task(number, *rest, scale=1, **more):
    with rbtrace.span("task"):
        hot()
    return number * scale

@ray.remote
class Actor:
    def __init__(self, start):
        self.total = start

    def add(self, number):
        with rbtrace.span("call"):
            hot()
        self.total += number
        return self.total


    @staticmethod
    def constant():
        return 7

@ray.remote
def stream(count):
    for number in range(count):
        with rbtrace.span("stream"):
            hot()
        yield number

@ray.remote
class Async:
    def __init__(self):
        with rbtrace.span("init"):
            hot()

    async def wait(self, number):
        with rbtrace.span("wait"):
            await asyncio.sleep(0)
            hot()
        return number

    async def items(self, count):
        for number in range(count):
            with rbtrace.span("item"):
                await asyncio.sleep(0)
                hot()
            yield number

@ray.remote
class Threaded:
    def add(self, number):
        with rbtrace.span("threaded"):
            hot()
        return number

    def items(self, count):
        for number in range(count):
            with rbtrace.span("generated"):
                hot()
            yield number

def refusal(call, *arguments, **keywords):
    try:
        return ray.get(call(*arguments, **keywords))
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[-1]}"

ray.init(
    address="local",
    num_cpus=2,
    include_dashboard=False,
    log_to_driver=False,
    logging_level=logging.ERROR,
)
with rbtrace.span("run"):
    assert ray.get([task.remote(number, scale=2) for number in range(4)]) == [0, 2, 4, 6]
    actor = Actor.remote(10)
    assert ray.get([actor.add.remote(1), actor.add.remote(2)]) == [11, 13]
    print([ray.get(item) for item in stream.remote(2)])
    print([ray.get(item) for item in stream.options(num_returns="streaming").remote(1)])
    waiting = Async.remote()
    print(ray.get([waiting.wait.remote(number) for number in range(3)]))
    print([ray.get(item) for item in waiting.items.remote(3)])
    threaded = Threaded.options(max_concurrency=2).remote()
    print(ray.get([threaded.add.remote(number) for number in range(3)]))
    print([ray.get(item) for item in threaded.items.remote(3)])
    print(refusal(threaded.add.remote), refusal(threaded.add.remote, 1, other=2))
    print(refusal(threaded.add.remote, 1, 2), refusal(Async.remote, 1))
ray.shutdown()
"""


@pytest.mark.slow
def test_tasks_and_actors(run_script):
    pytest.importorskip("ray", reason="needs the extra ray")
    off = run_script(PROGRAM)
    on = run_script(PROGRAM, RBTRACE_ENABLED="1")
    assert on.printed == off.printed
    (run,) = [span for span in on.spans if span.name == "run"]
    below = [span for span in on.spans if not (span.is_summary or span.name in ("run", "hot"))]
    assert Counter(span.name for span in below) == {
        "task": 4, "call": 2, "stream": 3, "init": 1, "wait": 3, "item": 3, "threaded": 3,
        "generated": 3,
    }  # fmt: skip
    assert {span.parent_id for span in below} == {run.span_id}
    assert {span.resource[key.RUN_ID] for span in on.spans} == {run.resource[key.RUN_ID]}
    hot = [span for span in on.spans if span.name == "hot" and span.is_summary]
    assert sum(span.calls for span in hot) == len(below)
