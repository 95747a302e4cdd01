"""Tasks and actors of Ray: `python ray_workers.py tasks|actors`."""

from __future__ import annotations

import sys

import ray
from counter import count
from work import counted_span, hot, task


@ray.remote
def remote_task(calls: int) -> int:
    return task(calls)


@ray.remote
class Actor:
    def work(self, calls: int) -> int:
        hot(1)
        return task(calls)


def tasks() -> list[ray.ObjectRef]:
    return [remote_task.remote(calls) for calls in range(20)]


def actors() -> list[ray.ObjectRef]:
    two = [Actor.remote(), Actor.remote()]
    return [two[calls % 2].work.remote(calls) for calls in range(20)]


if __name__ == "__main__":
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    with counted_span("sweep"):
        hot(1)
        print(sum(ray.get({"tasks": tasks, "actors": actors}[sys.argv[1]]())))
    ray.shutdown()
    count("end")
