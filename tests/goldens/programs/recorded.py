"""What a program can do with rbtrace, once each, and the same each time."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import threading
from contextlib import suppress
from decimal import Decimal

import rbtrace


@rbtrace.traced
def work(number):
    return sum(price(one) for one in range(number))


@rbtrace.traced(hot=True, category="data_access")
def price(number):
    return 2 * convert(number)


@rbtrace.traced(hot=True)
def convert(number):
    if number == 4:
        raise ValueError("a secret number")
    return number


@rbtrace.traced(name="a name | of <its> own", category="io")
def load(symbols, key="secret"):
    return len(symbols)


@rbtrace.traced
def fails():
    raise LookupError("a secret of the program")


@rbtrace.traced
def numbers():
    yield from range(2)


@rbtrace.traced
async def fetch():
    await asyncio.sleep(0)


class Strategy:
    @rbtrace.traced
    def handle(self):
        return self.size

    @property
    @rbtrace.traced
    def size(self):
        return 1

    @staticmethod
    @rbtrace.traced
    def empty():
        pass


def attributes():
    with rbtrace.span(
        "attributes", category="computation", whole=10, part=0.5, is_on=True, text="größe\n",
        several=["a", "b"], numbers=(1, 2), nothing=None, exact=Decimal("1.50"), large=2**70,
        mixed=[1, "a"], long="x" * 300,
    ) as span:  # fmt: skip
        span.set_attribute("later", 1)
        span.set_attributes({"more": 2.5})
        span.add_event("an event", {"detail": "here"})
        span.update_name("attributes, renamed")


def errors():
    with rbtrace.span("errors"):
        with suppress(LookupError):
            fails()
        with suppress(KeyError), rbtrace.span("fails as well"):
            raise KeyError("a secret key")
        with suppress(ValueError):
            work(6)


def in_child():
    with rbtrace.span("in the child"):
        work(2)


def main():
    price(1)
    with rbtrace.span("outer"):
        work(3)
        with rbtrace.span("inner"):
            load(["A", "B"])
            list(numbers())
        asyncio.run(fetch())
        strategy = Strategy()
        strategy.handle()
        strategy.empty()
        thread = threading.Thread(target=work, args=(2,), name="a thread")
        thread.start()
        thread.join()
        child = multiprocessing.get_context("fork").Process(target=in_child)
        child.start()
        child.join()
    attributes()
    errors()
    sys.exit(child.exitcode)


if __name__ == "__main__":
    main()
