"""`@traced` and `span`: what is recorded, and that the callable stays what it was."""

from __future__ import annotations

import asyncio
import inspect
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rbtrace
from rbtrace.conventions import CATEGORY, CODE_FUNCTION_NAME, ERROR_TYPE, THREAD_ID
from rbtrace.recording.traceable import HotCallError
from rbtrace.testing import capture

OK, ERROR = 0, 2


def test_off_gives_the_very_function_back():
    def work():
        return 1

    assert rbtrace.traced(work) is work
    assert rbtrace.traced(name="other", hot=True)(work) is work
    method = staticmethod(work)
    assert rbtrace.traced(method) is method


def test_off_span_is_shared_and_accepts_what_a_span_accepts():
    first, second = rbtrace.span("a", x=1), rbtrace.span("b")
    assert first is second
    with first as inner:
        assert not inner.is_recording()
        inner.set_attribute("k", 1)
        inner.set_attributes({"k": 1})
        inner.add_event("e")
        inner.record_exception(ValueError())
        inner.set_status(1)
        inner.update_name("n")


def test_function_becomes_a_span_with_its_qualified_name():
    with capture() as captured:

        @rbtrace.traced
        def work(a, *, b=2):
            return a + b

        assert work(1, b=3) == 4
    span = captured.one("work")
    assert span.attributes[CATEGORY] == "user"
    assert span.attributes[CODE_FUNCTION_NAME].endswith(
        "test_function_becomes_a_span_with_its_qualified_name.<locals>.work"
    )
    assert isinstance(span.attributes[THREAD_ID], int)
    assert span.parent_id is None
    assert span.duration_ns > 0
    assert span.status == OK


def test_methods_of_every_kind():
    with capture() as captured:

        class A:
            @rbtrace.traced
            def m(self):
                return "m"

            @rbtrace.traced
            @staticmethod
            def s(x):
                return x

            @staticmethod
            @rbtrace.traced
            def s2(x):
                return x

            @rbtrace.traced
            @classmethod
            def c(cls):
                return cls

            @rbtrace.traced(name="renamed", category="io")
            def n(self):
                return "n"

        a = A()
        assert (a.m(), a.s(1), A.s2(2), A.c(), a.n()) == ("m", 1, 2, A, "n")
        assert isinstance(vars(A)["s"], staticmethod)
        assert isinstance(vars(A)["c"], classmethod)
    assert set(captured.calls()) == {"A.m", "A.s", "A.s2", "A.c", "renamed"}
    assert captured.one("renamed").attributes[CATEGORY] == "io"


def test_spans_nest():
    with capture() as captured:

        @rbtrace.traced
        def inner():
            pass

        @rbtrace.traced
        def outer():
            inner()
            with rbtrace.span("block", symbols=10, category="io"):
                inner()

        outer()
    outer_span, block = captured.one("outer"), captured.one("block")
    first, second = captured.named("inner")
    assert first.parent_id == outer_span.span_id
    assert block.parent_id == outer_span.span_id
    assert second.parent_id == block.span_id
    assert block.attributes["symbols"] == 10
    assert block.attributes[CATEGORY] == "io"
    assert len({span.trace_id for span in captured.spans}) == 1


def test_coroutines_keep_their_own_parent():
    with capture() as captured:

        @rbtrace.traced
        async def child(delay):
            await asyncio.sleep(delay)
            return delay

        @rbtrace.traced
        async def parent(number):
            async with rbtrace.span(f"block {number}"):
                return await child(0)

        assert inspect.iscoroutinefunction(parent)

        async def main():
            return await asyncio.gather(*(parent(number) for number in range(3)))

        assert asyncio.run(main()) == [0, 0, 0]
    by_id = {span.span_id: span for span in captured.spans}
    blocks = {by_id[span.parent_id].name for span in captured.named("child")}
    assert blocks == {"block 0", "block 1", "block 2"}


def test_generator_span_is_current_only_while_the_generator_runs():
    with capture() as captured:

        @rbtrace.traced
        def step():
            pass

        @rbtrace.traced
        def numbers(n):
            received = []
            for i in range(n):
                step()
                received.append((yield i))
            return received

        assert inspect.isgeneratorfunction(numbers)
        generator = numbers(2)
        assert next(generator) == 0
        with rbtrace.span("consumer"):
            pass
        assert generator.send("a") == 1
        with pytest.raises(StopIteration) as stop:
            generator.send("b")
        assert stop.value.value == ["a", "b"]
    span = captured.one("numbers")
    assert {step.parent_id for step in captured.named("step")} == {span.span_id}
    assert captured.one("consumer").parent_id is None


def test_generator_takes_throw_and_close():
    with capture() as captured:

        @rbtrace.traced
        def resilient():
            try:
                yield 1
            except KeyError:
                yield "caught"

        @rbtrace.traced(name="failing")
        def failing():
            yield 1
            raise OSError("broken")

        generator = resilient()
        next(generator)
        assert generator.throw(KeyError()) == "caught"
        generator.close()
        with pytest.raises(OSError, match="broken"):
            list(failing())
    assert captured.one("resilient").status == OK
    assert captured.one("failing").attributes[ERROR_TYPE] == "OSError"


def test_async_generator():
    with capture() as captured:

        @rbtrace.traced
        async def numbers(n):
            for i in range(n):
                try:
                    yield i
                except KeyError:
                    yield "caught"

        @rbtrace.traced(name="failing")
        async def failing():
            yield 1
            raise OSError("broken")

        assert inspect.isasyncgenfunction(numbers)

        async def main():
            items = [i async for i in numbers(2)]
            generator = numbers(2)
            await anext(generator)
            items.append(await generator.athrow(KeyError()))
            await generator.aclose()
            with pytest.raises(OSError, match="broken"):
                [i async for i in failing()]
            return items

        assert asyncio.run(main()) == [0, 1, "caught"]
    assert len(captured.named("numbers")) == 2
    assert captured.one("failing").status == ERROR


def test_an_exception_is_recorded_once_and_has_its_type_everywhere():
    with capture() as captured:

        @rbtrace.traced
        def inner():
            raise LookupError("secret 42")

        @rbtrace.traced
        def outer():
            inner()

        with pytest.raises(LookupError, match="secret 42"):
            outer()
    inner_span, outer_span = captured.one("inner"), captured.one("outer")
    assert [name for name, _ in inner_span.events] == ["exception"]
    assert inner_span.events[0][1] == {"exception.type": "LookupError"}
    assert outer_span.events == ()
    for span in (inner_span, outer_span):
        assert span.status == ERROR
        assert span.attributes[ERROR_TYPE] == "LookupError"
    assert "secret" not in str(captured.spans)


def test_messages_and_stack_traces_only_on_request():
    with capture(params=True) as captured:

        @rbtrace.traced
        def fail():
            raise LookupError("value 42")

        with pytest.raises(LookupError, match="42"):
            fail()
    _, attributes = captured.one("fail").events[0]
    assert attributes["exception.message"] == "value 42"
    assert "stacktrace" in " ".join(attributes)


def test_hot_is_refused_for_what_interleaves():
    async def coroutine():
        pass

    def generator():
        yield

    with capture():
        for target in (coroutine, generator):
            with pytest.raises(HotCallError, match="hot=True"):
                rbtrace.traced(hot=True)(target)


def module_level(a: int, b: str = "x", *rest: float, c: bool = False, **more: object) -> str:
    """Doc of it."""
    return f"{a}{b}{rest}{c}{sorted(more)}"


@pytest.mark.parametrize("hot", [False, True])
def test_what_inspect_and_pickle_see_stays(hot, monkeypatch):
    original = module_level
    with capture():
        wrapped = rbtrace.traced(hot=hot)(original)
        monkeypatch.setattr(f"{__name__}.module_level", wrapped, raising=False)
        assert inspect.signature(wrapped) == inspect.signature(original)
        assert wrapped.__doc__ == original.__doc__
        assert wrapped.__name__ == original.__name__
        assert wrapped.__qualname__ == original.__qualname__
        assert wrapped.__module__ == original.__module__
        assert inspect.unwrap(wrapped) is original
        assert inspect.isfunction(wrapped)
        assert inspect.getsource(wrapped) == inspect.getsource(original)
        monkeypatch.setitem(__import__("sys").modules, __name__, _module(wrapped))
        assert pickle.loads(pickle.dumps(wrapped)) is wrapped


def _module(function):
    import types

    module = types.ModuleType(__name__)
    module.module_level = function
    return module


_values = st.integers() | st.text(max_size=5)
_arguments = st.tuples(
    st.lists(_values, max_size=5),
    st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e"]), _values, max_size=5),
)


def none():
    return ()


def positional(a, b=1, /, c=2):
    return (a, b, c)


def keyword(*, a, b=2):
    return (a, b)


def everything(a, /, b, *rest, c=3, **more):
    return (a, b, rest, c, more)


def anything(*args, **kwargs):
    return (args, kwargs)


def test_any_signature_gives_the_same_result_or_the_same_error():
    functions = [none, positional, keyword, everything, anything]
    with capture():
        wrapped = {
            (function, hot): rbtrace.traced(hot=hot)(function)
            for function in functions
            for hot in (False, True)
        }

        @given(st.sampled_from(functions), st.booleans(), _arguments)
        def check(function, hot, arguments):
            expected = _outcome(function, *arguments)
            assert _outcome(wrapped[function, hot], *arguments) == expected

        check()


def _outcome(function, arguments, keywords):
    try:
        return function(*arguments, **keywords)
    except TypeError as error:
        return str(error)
