"""Decorators above descriptors and other decorators, and what classes make of them."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import copy
import dataclasses
import enum
import functools
import inspect
import pickle
import typing

from common import main

import rbtrace

traced = rbtrace.traced


def attempt(name: str, action: typing.Callable[[], object]) -> None:
    """Print what comes of it, or what is raised."""
    try:
        print(name, action())
    except Exception as problem:  # noqa: BLE001 - whatever it is, it must be the same
        print(name, type(problem).__name__)


def declare(
    name: str, make: typing.Callable[[], type], use: typing.Callable[[type], object]
) -> None:
    """Make a class and use it: either may be refused, in both ways of running."""
    attempt(name, lambda: use(make()))


def properties() -> None:
    """Above property and cached_property, a value became a method."""

    def with_property():
        class Holder:
            @traced
            @property
            def value(self):
                return 7

        return Holder

    def with_cached():
        class Holder:
            @traced
            @functools.cached_property
            def value(self):
                return 8

        return Holder

    def beneath():
        class Holder:
            @property
            @traced
            def value(self):
                return 9

            @value.setter
            @traced
            def value(self, new):
                self.__dict__["new"] = new

            @functools.cached_property
            @traced
            def once(self):
                return 10

        return Holder

    def use_beneath(holder):
        one = holder()
        one.value = 3
        return (
            one.value,
            one.once,
            one.once,
            sorted(vars(one)),
            type(vars(holder)["value"]).__name__,
        )

    declare("property", with_property, lambda holder: holder().value)
    declare("cached_property", with_cached, lambda holder: holder().value)
    declare("beneath", beneath, use_beneath)


def methods() -> None:
    """Above and beneath staticmethod and classmethod, bound and unbound."""

    class Holder:
        @traced
        @staticmethod
        def above_static(number):
            return number

        @staticmethod
        @traced
        def beneath_static(number):
            return number

        @traced
        @classmethod
        def above_class(cls, number):
            return cls.__name__, number

        @classmethod
        @traced(hot=True)
        def beneath_class(cls, number):
            return cls.__name__, number

        @traced
        def plain(self, number):
            return type(self).__name__, number

    class Heir(Holder):
        def plain(self, number):
            return super().plain(number)

    for name in ("above_static", "beneath_static", "above_class", "beneath_class"):
        for holder in (Holder, Heir, Heir()):
            attempt(name, lambda holder=holder, name=name: getattr(holder, name)(1))
    attempt("plain", lambda: (Heir().plain(1), Holder.plain(Holder(), 2)))
    attempt("unbound", Holder.plain)
    attempt(
        "kind", lambda: [type(vars(Holder)[name]).__name__ for name in ("beneath_static", "plain")]
    )


def functools_objects() -> None:
    """Above lru_cache, partial, partialmethod, singledispatch: their own attributes are there."""

    def cached():
        @traced
        @functools.lru_cache
        def double(number):
            return 2 * number

        double(1), double(1)
        return double.cache_info().hits, double.cache_clear(), double.cache_parameters()

    def dispatched():
        @traced
        @functools.singledispatch
        def kind(thing):
            return "object"

        kind.register(int, lambda thing: "int")
        return kind(1), kind("a"), kind.dispatch(int) is not None

    def partial():
        add = traced(functools.partial(int, base=2))
        return add("101"), add.keywords, add.func

    def wrapped():
        @functools.lru_cache
        @traced
        def double(number):
            return 2 * number

        double(1), double(1)
        return double.cache_info().hits, double.__name__, double.__wrapped__(4)

    for name, make in vars().copy().items():
        attempt(name, make)


def method_objects() -> None:
    """Above singledispatchmethod, partialmethod and a cached method, in a class and its heirs."""

    def singledispatched():
        class Holder:
            @traced
            @functools.singledispatchmethod
            def kind(self, thing):
                return "object"

            @kind.register
            def _(self, thing: int):
                return "int"

        class Heir(Holder):
            pass

        return Holder().kind(1), Heir().kind("a")

    def partial():
        class Holder:
            def power(self, base, exponent):
                return base**exponent

            square = traced(functools.partialmethod(power, exponent=2))

        class Heir(Holder):
            pass

        return Holder().square(3), Heir().square(4)

    def cached():
        class Holder:
            @traced
            @functools.lru_cache(maxsize=4)
            def double(self, number):
                return 2 * number

        one = Holder()
        return one.double(1), one.double(1), Holder.double.cache_info().hits

    for name, make in vars().copy().items():
        attempt(name, make)


def class_itself() -> None:
    """On a class: its heirs, instances, isinstance, super, class methods and pickles."""

    def make():
        @traced
        class Base:
            def __init__(self, number=1):
                self.number = number

        return Base

    def inherit(base):
        class Heir(base):
            def __init__(self):
                super().__init__(5)

        return Heir().number, isinstance(Heir(), base), issubclass(Heir, base)

    declare("instance", make, lambda base: base(3).number)
    declare("heir", make, inherit)
    declare("kind", make, lambda base: (type(base).__name__, inspect.isclass(base)))
    declare("match", make, lambda base: isinstance(base(), base))


class Meta(type):
    def __call__(cls, *args, **options):
        return super().__call__(*args, **options), "by Meta"


def machinery() -> None:
    """In classes with slots, metaclasses, abstract methods, __init_subclass__, generics, enums."""

    class Slotted:
        __slots__ = ("number",)

        @traced
        def __init__(self, number):
            self.number = number

        @traced(hot=True)
        def __eq__(self, other):
            return self.number == other.number

        __hash__ = None

    class Made(metaclass=Meta):
        @traced
        def number(self):
            return 1

    class Abstract(abc.ABC):
        @traced
        @abc.abstractmethod
        def number(self):
            return 1

    class Concrete(Abstract):
        def number(self):
            return super().number() + 1

    class Registering:
        heirs: typing.ClassVar = []

        @traced
        def __init_subclass__(cls, **options):
            Registering.heirs.append((cls.__name__, options))

    class Colour(enum.Enum):
        RED = 1

        @traced
        def label(self):
            return self.name.lower()

        @property
        @traced
        def code(self):
            return self.value

    class Callable:
        @traced
        def __call__(self):
            return "called"

        @traced
        def __class_getitem__(cls, item):
            return item

        @traced
        def __getattr__(self, name):
            raise AttributeError(name)

    attempt("slots", lambda: (Slotted(1) == Slotted(1), hasattr(Slotted(1), "__dict__")))
    attempt("meta", lambda: (Made()[0].number(), Made()[1]))
    attempt("abstract", Abstract)
    attempt("abstract names", lambda: sorted(Abstract.__abstractmethods__))
    attempt("concrete", lambda: Concrete().number())
    attempt("subclass", lambda: type("Heir", (Registering,), {}, colour=1) and Registering.heirs)
    attempt("enum", lambda: (list(Colour), Colour.RED.label(), Colour.RED.code))
    attempt(
        "special", lambda: (Callable()(), Callable["x"], getattr(Callable(), "none", "default"))
    )


@traced
@dataclasses.dataclass(order=True)
class Point:
    """A dataclass with a decorator above."""

    x: int
    y: int = 2


@dataclasses.dataclass(frozen=True)
class Row:
    """A dataclass with a traced method."""

    x: int

    @traced
    def __post_init__(self):
        object.__setattr__(self, "y", self.x + 1)

    @traced
    def total(self) -> int:
        return self.x + self.y


def dataclass_objects() -> None:
    """Above dataclasses and in them; copies, comparisons, replacements."""
    attempt("fields", lambda: [field.name for field in dataclasses.fields(Point)])
    attempt("order", lambda: Point(1) < Point(2))
    attempt("replace", lambda: dataclasses.replace(Point(1), y=5))
    attempt("row", lambda: (Row(1).total(), Row(1) == Row(1), hash(Row(1)) == hash(Row(1))))
    attempt("copy", lambda: copy.deepcopy(Row(2)).total())


@traced
def module_level(number: int, *rest: int, name: str = "a", **more: int) -> tuple:
    """The docstring."""
    return number, rest, name, sorted(more)


@traced(hot=True)
def module_level_hot(number: int = 1) -> int:
    return number


def metadata() -> None:
    """Names, signatures, annotations, docstrings and sources are the function's."""
    for function in (module_level, module_level_hot):
        attempt("signature", lambda: inspect.signature(function))
        for name in ("__name__", "__qualname__", "__doc__", "__module__"):
            attempt(name, lambda name=name: getattr(function, name))
        attempt("hints", lambda: typing.get_type_hints(function))
        attempt("is function", lambda: inspect.isfunction(function))
        attempt("source", lambda: inspect.getsource(function).splitlines()[0])
        attempt("set", lambda: setattr(function, "note", 1) or function.note)
        attempt("wrong call", lambda: function(1, 2, nothing=function()) and function(no=1))


def pickled() -> None:
    """Functions, bound methods and instances with traced methods, pickled and copied."""
    for name, thing in (
        ("function", module_level),
        ("hot", module_level_hot),
        ("bound", Row(1).total),
        ("instance", Row(3)),
        ("partial", functools.partial(module_level, 1)),
    ):
        for protocol in (2, 5):
            attempt(
                name, lambda t=thing, p=protocol: type(pickle.loads(pickle.dumps(t, p))).__name__
            )
        attempt(f"{name} copy", lambda t=thing: copy.copy(t) == t)
    attempt("same", lambda: pickle.loads(pickle.dumps(module_level)) is module_level)


def coroutines() -> None:
    """Coroutine and generator functions of each kind are recognised as what they are."""

    @traced
    async def step(number):
        await asyncio.sleep(0)
        return number

    @traced
    async def steps():
        yield 1
        yield 2

    @traced
    def numbers():
        yield 1
        return 5

    @traced
    @contextlib.contextmanager
    def managed():
        yield "inside"

    @contextlib.contextmanager
    @traced
    def managed_beneath():
        yield "inside"

    async def use():
        return await step(1), [number async for number in steps()]

    attempt(
        "kinds",
        lambda: (
            inspect.iscoroutinefunction(step),
            inspect.isasyncgenfunction(steps),
            inspect.isgeneratorfunction(numbers),
        ),
    )
    attempt("run", lambda: asyncio.run(use()))
    attempt("numbers", lambda: list(numbers()))
    for manager in (managed, managed_beneath):
        with manager() as inside:
            attempt("managed", lambda inside=inside: inside)


def odd_callables() -> None:
    """Builtins, instances with __call__, bound methods, classes of C, lambdas, no callables."""

    class Called:
        def __call__(self, number):
            return number

    for name, thing, arguments in (
        ("len", len, ["abc"]),
        ("instance", Called(), [1]),
        ("bound", "a,b".split, [","]),
        ("class", dict, [[(1, 2)]]),
        ("lambda", lambda number: number, [3]),
        ("method of C", str.upper, ["a"]),
    ):
        attempt(name, lambda t=thing, a=arguments: traced(t)(*a))
    for thing in (3, "text"):
        attempt(f"no callable: {thing!r}", lambda t=thing: type(traced(t)).__name__)


def twice() -> None:
    """A function that is decorated twice, under another name, and after it was called."""

    def double(number):
        return 2 * number

    once = traced(double)
    again = traced(traced(name="other")(once))
    attempt("twice", lambda: (double(1), once(2), again(3)))
    attempt("hot twice", lambda: traced(hot=True)(traced(hot=True)(double))(4))


if __name__ == "__main__":
    main(
        properties,
        methods,
        functools_objects,
        method_objects,
        class_itself,
        machinery,
        dataclass_objects,
        metadata,
        pickled,
        coroutines,
        odd_callables,
        twice,
    )
