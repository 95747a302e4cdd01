"""Tasks and actors of Ray have the span that called them as their parent."""

from __future__ import annotations

import pytest

from rbtrace import conventions as key

PROGRAM = """
import inspect, logging
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
ray.shutdown()
print("done")
"""


@pytest.mark.slow
def test_tasks_and_actors(run_script):
    pytest.importorskip("ray", reason="needs the extra ray")
    done = run_script(PROGRAM, RBTRACE_ENABLED="1", RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0")
    assert done.printed.strip().endswith("done")
    (run,) = [span for span in done.spans if span.name == "run"]
    tasks = [span for span in done.spans if span.name == "task"]
    calls = [span for span in done.spans if span.name == "call"]
    assert (len(tasks), len(calls)) == (4, 2)
    assert {span.parent_id for span in [*tasks, *calls]} == {run.span_id}
    assert {span.resource[key.RUN_ID] for span in done.spans} == {run.resource[key.RUN_ID]}
    hot = [span for span in done.spans if span.name == "hot" and span.is_summary]
    assert sum(span.attributes[key.SPAN_COUNT] for span in hot) == 6
