"""Attributes, names and exceptions of any kind."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import http
import os
import pathlib
import re
import sys
import uuid

from common import main, work

import rbtrace


class Odd:
    """Raises whatever is asked of it."""

    def __getattribute__(self, name: str) -> object:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __bool__ = __hash__ = __len__ = __iter__ = __eq__ = __index__ = __repr__


class Exiting:
    """Ends the program if it is asked for its text."""

    def __str__(self) -> str:  # noqa: PLE0307
        sys.exit(9)

    __repr__ = __str__


class Lying:
    """Claims to be a string."""

    @property
    def __class__(self):
        return str


class RaisingClass:
    """Raises when it is asked for its class."""

    @property
    def __class__(self):
        raise RuntimeError("no")


class Text(str):
    """A string with manners of its own."""

    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no")

    __eq__ = __str__
    __hash__ = str.__hash__


class Number(int):
    """A number that does not want to be compared."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __lt__ = __gt__ = __le__ = __ge__ = __eq__
    __hash__ = int.__hash__


class Flags(enum.IntFlag):
    """Flags that are numbers."""

    A = 1
    B = 2


def record(*values: object) -> None:
    for value in values:
        with rbtrace.span("odd", value=value, several=[value, value]) as span:
            span.set_attribute("later", value) if hasattr(span, "set_attribute") else None
    print(len(values))


def numbers() -> None:
    """Subclasses of int, float, bool, and what is too large: an IntEnum never returned."""
    record(http.HTTPStatus.OK, Flags.A | Flags.B, Number(3), True, 2**63, -(2**200), 10**5000)
    record(float("nan"), float("inf"), decimal.Decimal("1.5"), fractions.Fraction(1, 3), 1j)


def texts() -> None:
    """Subclasses of str, lone surrogates, control signs, very long ones, bytes."""
    record(
        Text("a"),
        "\ud800",
        "\0\x1b[31m",
        "x" * 1_000_000,
        b"\xff",
        bytearray(b"a"),
        re.compile("a"),
    )
    record(http.HTTPMethod.GET, pathlib.PurePath("a"), uuid.UUID(int=1), datetime.date(2024, 1, 2))


def containers() -> None:
    """Lists that hold themselves, mixed, deep, endless, and views of dictionaries."""
    itself: list = []
    itself.append(itself)
    mapping: dict = {}
    mapping["a"] = mapping
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    record(itself, mapping, deep, [1, "a"], [None], (), range(10**12), iter([1]), {1: 2}.keys())
    record([10**5000], [float("nan")], {"a"}, frozenset(), memoryview(b"a"), os.environ)


def hostile() -> None:
    """Objects that raise whatever they are asked."""
    record(Odd(), [Odd()], {"a": Odd()}, Lying(), RaisingClass(), Odd, record, sys)


def exiting() -> None:
    """An object whose text is an exit of the program: that is not for tracing to cause."""
    record(Exiting(), [Exiting()])


def names() -> None:
    """Names of spans and keys of attributes that are no plain strings."""
    for name in (Text("name"), "", "x" * 100_000, "\ud800", "\n"):
        with rbtrace.span(name):
            pass
        with rbtrace.span("keys", **{name or "key": 1}):
            pass
    print("done")


def numpy_values() -> None:
    """Scalars, strings and arrays of numpy: every span was lost."""
    import numpy as np

    for symbol in np.array(["AAPL", "MSFT"]):
        with rbtrace.span("load", symbol=symbol):
            pass
        with rbtrace.span(symbol):
            pass
    record(
        np.float32(1), np.int64(2), np.bool_(True), np.datetime64("2024-01-02"), np.array([1, 2])
    )
    record(np.str_("a"), np.float64("nan"), np.array([object()]), np.void(b"a"), np.arange(10**6))


class OddError(Exception):
    """Has no text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class SealedError(Exception):
    """Cannot be written to."""

    def __setattr__(self, name: str, value: object) -> None:
        raise RuntimeError("sealed")


class RaisingArgsError(Exception):
    """Raises when it is asked for anything."""

    def __getattribute__(self, name: str) -> object:
        raise RuntimeError("no")


class WithMetaError(Exception):
    """Compares in a way of its own."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = None


def exceptions() -> None:
    """Exceptions that cannot be told of: the program must get that very exception."""
    grouped = ExceptionGroup("several", [OddError(), SealedError()])
    for problem in (OddError(), SealedError(), RaisingArgsError(), WithMetaError(), grouped):

        @rbtrace.traced
        def fail(problem=problem):
            raise problem

        for how in (fail, lambda problem=problem: raise_in_span(problem)):
            try:
                how()
            except BaseException as caught:  # noqa: BLE001
                print(type(caught).__name__, caught is problem)


def raise_in_span(problem: BaseException) -> None:
    with rbtrace.span("failing"):
        raise problem


def base_exceptions() -> None:
    """SystemExit, KeyboardInterrupt, GeneratorExit and MemoryError pass through."""
    for problem in (SystemExit(3), KeyboardInterrupt(), GeneratorExit(), MemoryError()):
        try:
            raise_in_span(problem)
        except BaseException as caught:  # noqa: BLE001
            print(type(caught).__name__, caught is problem, caught.__context__, caught.__cause__)


def contexts() -> None:
    """Exceptions keep their cause, context, notes and traceback, and are collected in time."""
    import gc
    import weakref

    class Held:
        pass

    @rbtrace.traced
    def fail(held):
        try:
            raise KeyError("first")
        except KeyError as first:
            problem = ValueError("second")
            problem.add_note("a note")
            raise problem from first

    held = Held()
    seen = weakref.ref(held)
    try:
        fail(held)
    except ValueError as caught:
        print(caught.__cause__, caught.__notes__, caught.__suppress_context__)
    del held
    gc.collect()
    print(seen())


def collected() -> None:
    """Arguments and results of traced functions live no longer than untraced."""
    import weakref

    class Held:
        pass

    @rbtrace.traced
    def give(held):
        return held

    @rbtrace.traced(hot=True)
    def give_hot(held):
        return held

    for function in (give, give_hot):
        held = Held()
        seen = weakref.ref(function(held))
        del held
        print(seen())
    held = Held()
    with rbtrace.span("holding", held=held):
        pass
    seen = weakref.ref(held)
    del held
    print(seen())


def untouched() -> None:
    """Values that are recorded are neither consumed nor changed."""
    numbers_left = iter([1, 2, 3])
    values = [3, 1, 2]

    @rbtrace.traced
    def use(numbers, values):
        return next(numbers)

    with rbtrace.span("values", numbers=numbers_left, values=values):
        values.append(4)
    print(use(numbers_left, values), list(numbers_left), values, work())


if __name__ == "__main__":
    main(
        numbers,
        texts,
        containers,
        hostile,
        exiting,
        names,
        numpy_values,
        exceptions,
        base_exceptions,
        contexts,
        collected,
        untouched,
    )
