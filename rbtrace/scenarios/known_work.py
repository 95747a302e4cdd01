"""Work whose true shares are known: a fresh process that does some for every line it is sent.

`python -m rbtrace.scenarios.known_work NAME` answers each line on standard input, the JSON form of
an `Order`, with one JSON object. Each round does three parts in turn, and every part is timed by
itself, so what a sampler finds can be compared with what the parts really took.
"""

from __future__ import annotations

import cProfile
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import msgspec
import numpy as np

import rbtrace

NONE: Final = "none"
CPROFILE: Final = "cProfile"


def _loop(count: int) -> int:
    total = 0
    for number in range(count):
        total += number * number % 7
    return total


def _small(number: int) -> int:
    return number + 1


def _calls(count: int) -> int:
    number = 0
    for _ in range(count):
        number = _small(number)
    return number


def _matrix(size: int) -> float:
    return float(np.dot(np.ones((size, size)), np.ones((size, size)))[0, 0])


WORKLOADS: Final[dict[str, tuple[Callable[[int], Any], tuple[int, int, int]]]] = {
    "pure Python": (_loop, (6000, 40000, 10000)),
    "many small calls": (_calls, (5000, 30000, 12000)),
    "numpy": (_matrix, (200, 700, 300)),
}
"""Name → what a part does, and how much of it each of the three parts does in a round."""


def part_one(work: Callable[[int], Any], amount: int) -> None:
    """A part, told apart by its name."""
    work(amount)


def part_two(work: Callable[[int], Any], amount: int) -> None:
    """A part, told apart by its name."""
    work(amount)


def part_three(work: Callable[[int], Any], amount: int) -> None:
    """A part, told apart by its name."""
    work(amount)


PARTS: Final = (part_one, part_two, part_three)


class Order(msgspec.Struct, frozen=True):
    """What to do: so many seconds of work, under a sampler that writes into a folder."""

    sampler: str
    seconds: float
    folder: str


class Done(msgspec.Struct, frozen=True):
    """What was done.

    Attributes:
        rounds: how often the three parts were done.
        shares: of the three parts, by exclusive timers.
        cpu_ns: CPU time of the process meanwhile.
    """

    rounds: int
    shares: tuple[float, float, float]
    cpu_ns: int

    @property
    def round_cpu_ns(self) -> float:
        """CPU time of one round."""
        return self.cpu_ns / self.rounds


def do_work(name: str, seconds: float) -> Done:
    """Do rounds of a workload until the time is over."""
    work, amounts = WORKLOADS[name]
    spent = [0, 0, 0]
    rounds = 0
    cpu = time.process_time_ns()
    while sum(spent) < seconds * 1e9:
        for which, part in enumerate(PARTS):
            started = time.perf_counter_ns()
            part(work, amounts[which])
            spent[which] += time.perf_counter_ns() - started
        rounds += 1
    cpu = time.process_time_ns() - cpu
    one, two, three = (ns / sum(spent) for ns in spent)
    return Done(rounds, (one, two, three), cpu)


@contextmanager
def _sampled(order: Order) -> Iterator[None]:
    if order.sampler == NONE:
        yield
    elif order.sampler == CPROFILE:
        profile = cProfile.Profile()
        with profile:
            yield
        profile.dump_stats(Path(order.folder, CPROFILE))
    else:
        rbtrace.instrument(sampler=order.sampler, directory=Path(order.folder))
        with rbtrace.span("work"):
            yield
        rbtrace.shutdown()


@click.command()
@click.argument("name", type=click.Choice(list(WORKLOADS)))
def main(name: str) -> None:
    """Do some work for every line of standard input."""
    for line in sys.stdin:
        order = msgspec.json.decode(line, type=Order)
        with _sampled(order):
            done = do_work(name, order.seconds)
        click.echo(msgspec.json.encode(done).decode())
        sys.stdout.flush()


if __name__ == "__main__":
    main()
