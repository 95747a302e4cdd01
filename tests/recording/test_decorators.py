# ruff: noqa: E501 - the programs of a table read better with long lines
"""`@traced` with every other decorator: a program prints the same whether tracing is on or off."""

from __future__ import annotations

import contextlib
import functools
import textwrap

import pytest

import rbtrace
from rbtrace.errors import RbtraceError
from rbtrace.recording.traceable import HotCallError, UntraceableError
from rbtrace.testing import capture

_PRELUDE = """
import abc, asyncio, collections, contextlib, copy, dataclasses, doctest, enum, functools
import inspect, io, operator, pickle, pydoc, sys, threading, traceback, types, typing, warnings, weakref
import rbtrace
from rbtrace import traced
hot = traced(hot=True)

def attempt(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def help_of(owner, name):
    return pydoc.render_doc(vars(owner)[name], renderer=pydoc.plaintext).splitlines()[-1:]
"""

PROGRAMS = {
    "property": """
        for decorate in (traced, hot, traced(name="x")):
            class A:
                def __init__(self): self.kept = 7
                @decorate
                @property
                def v(self): "Doc of v."; return self.kept
                @decorate
                @v.setter
                def v(self, value): self.kept = value
                @decorate
                @v.deleter
                def v(self): del self.kept
                @property
                @decorate
                def below(self): return self.kept
                @below.setter
                def below(self, value): self.kept = value
                w = decorate(property(operator.attrgetter("kept"), doc="own"))
                read_only = decorate(property(lambda self: 3, None, None, "text"))
            class B(A):
                @decorate
                @A.v.getter
                def v(self): return -super().v
            a, b = A(), B()
            print(a.v, b.v, a.below, a.w, a.read_only)
            a.v = 9
            a.below += 1
            print(a.v, type(A.v), A.v.__doc__, A.w.__doc__, A.read_only.__doc__, help_of(A, "v"))
            print(attempt(setattr, a, "read_only", 1), attempt(delattr, a, "below"))
            del a.v
            print(attempt(lambda: a.v), vars(a))
    """,
    "cached_property": """
        class Slots:
            __slots__ = ()
            @traced
            @functools.cached_property
            def c(self): return 1
        class A:
            calls = 0
            @traced
            @functools.cached_property
            def c(self):
                "Doc of c."
                A.calls += 1
                return 8
            @functools.cached_property
            @hot
            def d(self): return self.c + 1
            late = traced(functools.cached_property(lambda self: 4))
        a = A()
        print(a.c, a.c, a.d, A.calls, a.late, vars(a), type(vars(A)["c"]), A.c.__doc__)
        print(vars(A)["c"].attrname, vars(A)["late"].attrname, attempt(lambda: Slots().c))
        del a.c
        print(a.c, A.calls, attempt(lambda: setattr(a, "c", 3)), a.c)
        def other(self): return 1
        lonely = traced(functools.cached_property(other))
        A.lonely = lonely
        print(attempt(lambda: a.lonely))
    """,
    "static_and_class_methods": """
        for decorate in (traced, hot):
            def plain(x): "Doc."; return x
            marked = staticmethod(plain)
            marked.note = 5
            class A:
                @decorate
                @staticmethod
                def s(x): return x
                @staticmethod
                @decorate
                def s2(x): return x
                @decorate
                @classmethod
                def c(cls): return cls.__name__
                m = decorate(marked)
                n = decorate(staticmethod(len))
                k = decorate(classmethod(functools.partial(print, "partial")))
                def __new__(cls, *args):
                    return super().__new__(cls)
                __new__ = decorate(__new__)
                @decorate
                def __class_getitem__(cls, item): return (cls.__name__, item)
                @decorate
                def __init_subclass__(cls, **more): cls.more = more
            class B(A, flag=1):
                @decorate
                @classmethod
                def c(cls): return "B" + super().c()
            print(A().s(1), A.s2(2), A.c(), B.c(), B.more, A[3], A.n([1]), A.m(4))
            print(vars(A)["m"].note, vars(A)["m"].__doc__, vars(A)["m"].__name__, type(vars(A)["m"]))
            print(isinstance(vars(A)["c"], classmethod), attempt(A.s), attempt(A().s, 1, 2))
            print(decorate(staticmethod(plain))(6), attempt(decorate(classmethod(plain)), 6))
    """,
    "caches": """
        @traced
        @functools.lru_cache(maxsize=2)
        def f(x): "Doc."; return x * 2
        @traced
        @functools.cache
        def g(x): return x
        @functools.lru_cache
        @traced
        def h(x): return x
        class A:
            @traced
            @functools.lru_cache
            def m(self, x): return x
            @hot
            @functools.cache
            def n(self): return 1
        for each in (f, g, h):
            print(each(1), each(1), each.cache_info(), each.cache_parameters(), each.__wrapped__(3))
            each.cache_clear()
            print(each.cache_info(), type(each), pickle.loads(pickle.dumps(each)) is each)
        a = A()
        print(a.m(1), a.m(1), A.m.cache_info(), a.n(), A.n.cache_info(), f.__doc__, f.__name__)
    """,
    "partials": """
        def f(a, b, c=3): return (a, b, c)
        for decorate in (traced, hot):
            p = decorate(functools.partial(f, 1, c=5))
            print(p(2), p.func is f, p.args, p.keywords, type(p), pickle.loads(pickle.dumps(p))(4))
            class A:
                def base(self, a, b): return (a, b)
                q = decorate(functools.partialmethod(base, 1))
                r = functools.partialmethod(decorate(base), b=2)
                s = decorate(functools.partialmethod(staticmethod(f), 8))
                t = p
            a = A()
            print(a.q(2), a.r(1), a.s(9), a.t(6), type(vars(A)["q"]), vars(A)["q"].args)
            print(attempt(a.q), inspect.signature(A.q), inspect.signature(p))
    """,
    "dispatch": """
        for decorate in (traced, hot):
            @decorate
            @functools.singledispatch
            def f(x): "Doc."; return "object"
            @f.register
            def _(x: int): return "int"
            @f.register(str)
            @decorate
            def _(x): return "str"
            print(f(1), f("a"), f([]), f.dispatch(bool)(True), sorted(map(str, f.registry)))
            class A:
                @decorate
                @functools.singledispatchmethod
                def m(self, x): return "object"
                @m.register
                def _(self, x: int): return "int"
                @m.register(str)
                @decorate
                def _(self, x): return "str"
                @decorate
                @functools.singledispatchmethod
                @classmethod
                def k(cls, x): return cls.__name__
            print(A().m(1), A().m("a"), A().m(None), A.k(3), type(vars(A)["m"]))
    """,
    "abstract": """
        for decorate in (traced, hot):
            class A(abc.ABC):
                @decorate
                @abc.abstractmethod
                def m(self): ...
                @abc.abstractmethod
                @decorate
                def n(self): ...
                @decorate
                @property
                @abc.abstractmethod
                def p(self): ...
                @decorate
                @classmethod
                @abc.abstractmethod
                def c(cls): ...
                @decorate
                @staticmethod
                @abc.abstractmethod
                def s(): ...
            class B(A):
                m = n = c = s = p = decorate(lambda self: 1)
            print(sorted(A.__abstractmethods__), attempt(A), B().m(), A.m.__isabstractmethod__)
    """,
    "context_managers": """
        for decorate in (traced, hot):
            @decorate
            @contextlib.contextmanager
            def above(x):
                try: yield x
                except KeyError: print("caught")
            @contextlib.contextmanager
            @traced
            def below(x):
                try: yield x
                except KeyError: print("caught")
            for manager in (above, below):
                with manager(3) as got: print(got)
                with manager(4): raise KeyError
                @manager(5)
                def decorated(): return "decorated"
                print(decorated(), attempt(manager), inspect.isgeneratorfunction(manager))
        @contextlib.asynccontextmanager
        @traced
        async def below(x):
            try: yield x
            except KeyError: print("caught")
        above = traced(contextlib.asynccontextmanager(below.__wrapped__))
        async def main():
            for manager in (above, below):
                async with manager(1) as got: print(got)
                async with manager(1): raise KeyError
        asyncio.run(main())
    """,
    "classes": """
        for decorate in (traced, hot, traced(name="x")):
            class Meta(type):
                def __call__(cls, *args): return super().__call__(*args)
            @decorate
            class Base(metaclass=Meta):
                __slots__ = ("x",)
                def __init_subclass__(cls, **more): cls.more = more
                def __init__(self, x=0): self.x = x
                def __repr__(self): return f"{type(self).__name__}({self.x})"
            class Child(Base, flag=2):
                def __init__(self, x): super().__init__(x + 1)
            print(Child(1), isinstance(Child(1), Base), issubclass(Child, Base), Child.more)
            print(inspect.isclass(Base), type(Base).__name__, Child.__mro__[1].__name__)
            @decorate
            @dataclasses.dataclass(order=True)
            class D:
                a: int
                b: list = dataclasses.field(default_factory=list)
                @decorate
                def total(self): return self.a + len(self.b)
            print(D(1), D(1) < D(2), D(3).total(), dataclasses.asdict(D(1)), dataclasses.replace(D(1), a=4))
            @decorate
            class Color(enum.Enum):
                RED = 1
                @decorate
                def lower(self): return self.name.lower()
                @decorate
                @classmethod
                def first(cls): return cls.RED
                @decorate
                @property
                def loud(self): return self.name + "!"
            print(Color.RED.lower(), Color(1), list(Color), Color.first(), Color.RED.loud)
            @decorate
            class Point(typing.NamedTuple):
                x: int
                y: int = 2
                @decorate
                def sum(self): return self.x + self.y
            print(Point(1), Point(1).sum(), Point(1)._replace(x=4))
            @typing.runtime_checkable
            class Has(typing.Protocol):
                @decorate
                def sum(self): ...
            print(isinstance(Point(1), Has), isinstance(3, Has))
            @functools.total_ordering
            class Ordered:
                def __init__(self, n): self.n = n
                @decorate
                def __eq__(self, other): return self.n == other.n
                @decorate
                def __lt__(self, other): return self.n < other.n
                __hash__ = decorate(lambda self: self.n)
            print(Ordered(1) <= Ordered(2), Ordered(3) > Ordered(2), {Ordered(1): 2}[Ordered(1)])
            class Special:
                __slots__ = ("items", "__weakref__")
                __init__ = decorate(lambda self: setattr(self, "items", [1, 2]))
                __len__ = decorate(lambda self: len(self.items))
                __iter__ = traced(lambda self: iter(self.items))
                __getattr__ = decorate(lambda self, name: name)
                __enter__ = decorate(lambda self: self)
                __exit__ = decorate(lambda self, *error: True)
                __call__ = decorate(lambda self, x: x)
                __bool__ = decorate(lambda self: False)
                __del__ = decorate(lambda self: print("deleted"))
            s = Special()
            with s: raise ValueError
            print(len(s), list(s), s.missing, s(3), bool(s), weakref.ref(s)() is s)
            del s
        global Pickled
        @traced
        class Pickled:
            def __eq__(self, other): return type(self) is type(other)
        print(pickle.loads(pickle.dumps(Pickled())) == Pickled(), copy.deepcopy(Pickled()) == Pickled())
    """,
    "callables_that_are_no_functions": """
        class Callable:
            def __init__(self): self.state = 1
            def __call__(self, x): return x + self.state
            def other(self): return "other"
        class Dispatcher:  # as of numba: no code, not a function
            def __init__(self, function): functools.update_wrapper(self, function)
            def __get__(self, instance, owner): return types.MethodType(self, instance)
            def __call__(self, *args): return self.__wrapped__(*args)
            def inspect_types(self): return "types"
        class Descriptor:
            def __set_name__(self, owner, name): self.name = name
            def __get__(self, instance, owner): return self.name
        for decorate in (traced, hot):
            called = decorate(Callable())
            called.state = 5
            print(called(1), called.other(), type(called).__name__)
            jitted = decorate(Dispatcher(lambda *args: len(args)))
            class A:
                d = decorate(Descriptor())
                j = jitted
                up = decorate(str.upper)
                get = decorate(operator.itemgetter(0))
            print(jitted(1, 2), jitted.inspect_types(), A().j(1), A().d, A.up("a"), A().get([4]))
            builtin = decorate(len)
            print(builtin([1]), builtin is len, inspect.isbuiltin(builtin), pickle.loads(pickle.dumps(builtin)))
            print(decorate(int)("7"), decorate(dict.fromkeys)("ab"), decorate([].append).__name__)
            class O:
                def m(self, x=1): "Doc."; return (type(self).__name__, x)
                def __getattr__(self, name): raise AttributeError(name)
            o = O()
            bound = o.m = decorate(o.m)
            print(o.m(2), bound.__self__ is o, bound.__func__.__name__, bound.__name__, bound.__doc__)
            print(inspect.ismethod(bound), inspect.signature(bound), weakref.WeakMethod(bound)() == bound)
            callbacks = {bound: 1}
            print(callbacks[bound], bound == o.m, attempt(bound, 1, 2))
            print(decorate(O.m)(o, 3), decorate(types.MethodType(len, [1, 2]))())
    """,
    "refused": """
        for decorate in (traced, hot, traced(name="x")):
            for strange in (3, "name", [1], {}, object(), 1.5, NotImplemented):
                try:
                    decorate(strange)
                except TypeError as error:
                    print(type(error).__name__, str(error).partition(" at 0x")[0])
        def generator(): yield
        async def coroutine(): pass
        async def asynchronous(): yield
        for function in (generator, coroutine, asynchronous, types.coroutine(generator)):
            for wrap in (lambda f: f, staticmethod, classmethod, property, functools.cached_property):
                print(attempt(hot, wrap(function)))
    """,
    "coroutines": """
        @traced
        async def f(x, *, y=2):
            "Doc."
            await asyncio.sleep(0)
            return x + y
        @traced
        @types.coroutine
        def old(x):
            got = yield from asyncio.sleep(0).__await__()
            return x
        @traced
        @inspect.markcoroutinefunction
        def marked(x):
            print("called at once")
            return asyncio.sleep(0, x)
        class A:
            @traced
            async def m(self): return type(self).__name__
            @traced
            @property
            async def p(self): return 3
            @traced
            @staticmethod
            async def s(): return 4
        for function in (f, old, marked, A.m):
            print(inspect.iscoroutinefunction(function), inspect.isgeneratorfunction(function),
                  asyncio.iscoroutinefunction(function), inspect.isawaitable(function))
        print(attempt(f), attempt(f, 1, 2), attempt(f, 1, z=3), attempt(A().m, 5))
        async def main():
            print(await f(1), await f(1, y=5), await old(3), await marked(4), await A().m())
            print(await A().p, await A.s())
            made = f(1)
            print(inspect.iscoroutine(made), made.__name__, made.__qualname__)
            print(inspect.getcoroutinestate(made))
            made.close()
            task = asyncio.create_task(asyncio.wait_for(f(1), 5))
            await asyncio.sleep(0)
            task.cancel()
            try: await task
            except asyncio.CancelledError: print("cancelled")
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(f(n)) for n in range(3)]
            print([each.result() for each in tasks])
        asyncio.run(main())
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            f(1)
        print([str(each.message) for each in caught])
    """,
    "generators": """
        @traced
        def g(n, fail=False):
            "Doc."
            got = []
            try:
                for i in range(n):
                    try: got.append((yield i))
                    except KeyError as error: got.append(repr(error))
                if fail: raise ValueError("fail")
                return got
            finally:
                print("finally", got)
        print(attempt(g), attempt(g, 1, 2, 3), inspect.isgeneratorfunction(g))
        made = g(3)
        print(made.__name__, made.__qualname__, inspect.isgenerator(made), inspect.getgeneratorstate(made))
        print(next(made), made.send("a"), made.throw(KeyError("k")), attempt(made.send, "end"))
        print(inspect.getgeneratorstate(made), attempt(next, made))
        print(attempt(g(1).send, "not yet"), list(g(2)), attempt(list, g(1, fail=True)))
        def delegating(): return (yield from g(2))
        print(list(delegating()))
        made = g(3); next(made); print(made.close(), attempt(next, made))
        made = g(3); next(made); del made
        made = g(3); print(attempt(made.throw, OSError("early")))
        @traced
        def stubborn():
            while True:
                try: yield 1
                except GeneratorExit: print("ignored"); yield 2; return
        made = stubborn(); next(made); print(attempt(made.close))
        made = stubborn(); next(made); print(made.throw(GeneratorExit()))
        @traced
        def exits():
            yield 1
            raise GeneratorExit
        made = exits(); next(made)
        try: next(made)
        except GeneratorExit: print("exit")
        @traced
        def closing():
            try: yield
            except GeneratorExit: return 5
        made = closing(); next(made); print(made.close())
        @traced
        def reenters():
            yield attempt(next, me)
        me = reenters(); print(next(me))
        class A:
            @traced
            def __iter__(self): yield from (1, 2)
        print(list(A()), dict(zip("ab", A())))
    """,
    "async_generators": """
        @traced
        async def g(n, fail=False):
            try:
                for i in range(n):
                    try: got = yield i
                    except KeyError: print("caught")
                    await asyncio.sleep(0)
                if fail: raise ValueError("fail")
            finally:
                await asyncio.sleep(0)
                print("finally")
        print(attempt(g), attempt(g, 1, 2, 3), inspect.isasyncgenfunction(g))
        async def main():
            print([i async for i in g(2)])
            made = g(3)
            print(made.__name__, made.__qualname__, inspect.isasyncgen(made))
            print(await anext(made), await made.asend("x"), await made.athrow(KeyError()))
            await made.aclose()
            print(await anext(made, "default"))
            try: [i async for i in g(1, fail=True)]
            except ValueError as error: print(error)
            async for i in g(3): break
            del i
            left = g(3)
            await anext(left)
            lost = g(2)
            await anext(lost)
            del lost
            await asyncio.sleep(0); await asyncio.sleep(0); await asyncio.sleep(0)
            global kept; kept = left
        asyncio.run(main(), debug=False)
        print("over")
    """,
    "what_inspect_sees": """
        def original(a: int, /, b: str = "x", *rest: float, c: bool = False, **more) -> str:
            "Doc of it."
            return f"{a}{b}{rest}{c}{more}"
        def generic[T](x: T) -> T: return x
        original.note = [1]
        for decorate in (traced, hot):
            f, g = decorate(original), decorate(generic)
            f.own = 2
            print(inspect.signature(f), f.__doc__, f.__name__, f.__qualname__, f.__module__, f.note, f.own)
            print(f.__annotations__, f.__type_params__, g.__type_params__, f.__defaults__, f.__kwdefaults__)
            print(typing.get_type_hints(f), f.__globals__ is globals(), inspect.isfunction(f), callable(f))
            print(inspect.getsource(f) == inspect.getsource(original), inspect.unwrap(f) is original)
            print(copy.copy(f) is f, copy.deepcopy(f) is f, weakref.ref(f)() is f, {f: 1}[f], f == f)
            print(inspect.getdoc(f), pydoc.render_doc(f)[-60:])
            f.__signature__ = inspect.Signature()
            print(inspect.signature(f))
            del f.__signature__
            @decorate
            @functools.wraps(original)
            def wrapping(*args): return original(*args)
            print(wrapping(1), wrapping.__wrapped__.__name__, inspect.signature(wrapping), wrapping.note)
            class A:
                @typing.overload
                @decorate
                def m(self, x: int) -> int: ...
                @decorate
                @typing.overload
                def m(self, x: str) -> str: ...
                @decorate
                def m(self, x): return x
            print(A().m(3), len(typing.get_overloads(A.m)), A.m.__qualname__)
            typing.clear_overloads()
        @traced
        def tested():
            '''
            >>> tested()
            4
            '''
            return 4
        print(doctest.testmod(sys.modules["__main__"]))
        named = traced(types.FunctionType(original.__code__, globals(), "named"))
        named.__qualname__ = "named"
        print(pickle.loads(pickle.dumps(named)) is named)
    """,
    "defaults_changed_afterwards": """
        for decorate in (traced, hot, lambda f: traced(traced(f))):
            def f(a, b=1, *, c=2): return (a, b, c)
            f = decorate(f)
            print(f(0), f.__defaults__, f.__kwdefaults__)
            f.__defaults__ = (7, 8)
            f.__kwdefaults__ = {"c": 9}
            print(f(), f.__defaults__, inspect.signature(f))
            f.__defaults__ = None
            f.__kwdefaults__["c"] = 10
            print(attempt(f), f(1, 2))
            del f.__kwdefaults__
            print(attempt(f, 1, 2))
        @traced
        async def g(a): return a
        g.__defaults__ = (3,)
        print(asyncio.run(g()), asyncio.run(g(4)))
        @traced
        def h(a, b=2): yield a, b
        h.__defaults__ = (5, 6)
        print(list(h()), list(h(1)))
        def untouched(a=1): return a
        untouched.__wrapped__ = f
        untouched.__defaults__ = (2,)
        print(untouched(), f.__defaults__)
    """,
    "errors": """
        @traced
        def f(a, b): return a / b
        @hot
        def h(a, b): return f(a, b)
        for function in (f, h):
            print(attempt(function), attempt(function, 1, 2, 3), attempt(function, 1, 0), attempt(function, 1, b=2, c=3))
        try:
            try: h(1, 0)
            except ZeroDivisionError as inner: raise KeyError from inner
        except KeyError as error:
            print(repr(error.__cause__), error.__cause__.__context__)
        @traced
        def exiting(): sys.exit(3)
        try: exiting()
        except SystemExit as leaving: print(leaving.code)
        print(sys.exc_info())
        @traced
        def raises(): raise LookupError
        @traced
        def from_generator(): yield raises()
        @traced
        async def from_coroutine(): return next(from_generator())
        @traced
        async def from_asynchronous(): yield await from_coroutine()
        async def first(): return await anext(from_asynchronous())
        for _ in range(3):
            for call in (lambda: h(1, 0), lambda: f(1, 0), raises, lambda: asyncio.run(first())):
                try: call()
                except Exception as error:
                    frames = traceback.extract_tb(error.__traceback__)
                    print([frame.name for frame in frames if "asyncio" not in frame.filename])
    """,
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_prints_the_same_off_and_on(program, run_script):
    code = _PRELUDE + textwrap.dedent(PROGRAMS[program])
    off = run_script(code, launcher=["-W", "error"])
    assert off.printed
    for detail in ("summary", "calls"):
        on = run_script(code, launcher=["-W", "error"], RBTRACE_ENABLED="1", RBTRACE_DETAIL=detail)
        assert on.printed == off.printed
        assert not on.complaints or all(
            line.startswith("rbtrace: warning: ") and "is not traced: it is a" in line
            for line in on.complaints.splitlines()
        ), on.complaints
        if program != "refused":
            assert on.spans


@pytest.mark.parametrize("on", [False, True])
def test_what_makes_no_sense_is_refused_off_and_on(on):
    async def coroutine():
        pass

    with capture() if on else contextlib.nullcontext():
        for strange in (3, "name", object()):
            with pytest.raises(UntraceableError, match="is no function") as caught:
                rbtrace.traced(strange)
            assert isinstance(caught.value, RbtraceError)
            assert isinstance(caught.value, TypeError)
        for target in (coroutine, staticmethod(coroutine), property(coroutine)):
            with pytest.raises(HotCallError, match="hot=True"):
                rbtrace.traced(hot=True)(target)


def test_the_functions_in_descriptors_are_recorded():
    with capture() as captured:

        class A:
            @rbtrace.traced
            @property
            def v(self):
                return 1

            @rbtrace.traced
            @v.setter
            def v(self, value):
                pass

            @rbtrace.traced(name="gone")
            @v.deleter
            def v(self):
                pass

            @rbtrace.traced(hot=True)
            @functools.cached_property
            def c(self):
                return self.v

            @rbtrace.traced
            def m(self, *args):
                pass

            p = rbtrace.traced(functools.partialmethod(m.__wrapped__, 1))
            b = rbtrace.traced(name="bound")([].append)

        a = A()
        assert (a.v, a.c, a.c) == (1, 1, 1)
        a.v = 2
        del a.v
        a.p(2)
        a.m = rbtrace.traced(name="other")(a.m)
        a.m(3)
        A.b(4)
    calls = captured.calls()
    assert {name: calls.get(name) for name in calls if not name.startswith("rbtrace")} == {
        "A.v": 2,
        "A.v.setter": 1,
        "gone.deleter": 1,
        "A.c": 1,
        "A.m": 2,
        "other": 1,
    }


def test_what_stays_as_it_is_is_said_once(capsys):
    with capture() as captured:
        for _ in range(2):
            assert rbtrace.traced(len) is len
            assert rbtrace.traced(dict) is dict
            cached = functools.lru_cache(test_what_stays_as_it_is_is_said_once)
            assert rbtrace.traced(cached) is cached
            partial = functools.partial(int, "1")
            assert rbtrace.traced(partial) is partial
    complaints = capsys.readouterr().err.splitlines()
    assert [line.partition(" is not traced")[0].split()[-1] for line in complaints] == [
        "len",
        "dict",
        "test_what_stays_as_it_is_is_said_once",
        "object",
    ]
    assert not captured.spans
