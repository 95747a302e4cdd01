"""A traced recursion ends where it would untraced, with the same error, and all is counted."""

from __future__ import annotations

import pickle
from collections import Counter

import pytest

from rbtrace.recording import recursion
from rbtrace.recording.hot.compiled import COMPILED

needs_compiled = pytest.mark.skipif(COMPILED is None, reason="runs in Python here")

_PROGRAM = """
import functools, sys, threading, traceback
import rbtrace
from rbtrace import traced

LIMIT, STACK, HOT = {limit}, {stack}, {hot}
decorate = traced(hot=True) if HOT else traced
deepest = 0

def reached(n):
    global deepest
    deepest = n

@decorate
def plain(n):
    reached(n)
    plain(n + 1)

@decorate
def ping(n):
    reached(n)
    pong(n + 1)

@decorate
def pong(n):
    reached(n)
    ping(n + 1)

class A:
    @decorate
    def method(self, n):
        reached(n)
        self.method(n + 1)

    @decorate
    @property
    def endless(self):
        global deepest
        deepest += 1
        return self.endless

@traced
def generator(n):
    reached(n)
    yield from generator(n + 1)

def blocks(n):
    reached(n)
    with rbtrace.span("block"):
        blocks(n + 1)

@decorate
def from_c(n):
    reached(n)
    max([n + 1], key=from_c)

CALLS = [
    lambda: plain(1), lambda: ping(1), lambda: A().method(1), lambda: next(generator(1)),
    lambda: from_c(1), lambda: A().endless,
]

def main():
    for call in CALLS[:CASES]:
        for _ in range(2):
            reached(0)
            try:
                call()
            except RecursionError as error:
                print(deepest, error)
            else:
                print("no error")
    with rbtrace.span("after"):
        plain_depth(1)

def plain_depth(n):
    reached(n)
    try:
        plain_depth(n + 1)
    except RecursionError:
        if n == 1:
            print("untraced", deepest)
        else:
            raise

sys.setrecursionlimit(LIMIT)
CASES = {cases}
if STACK:
    threading.stack_size(STACK)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
else:
    main()
"""


def _depths(printed):
    lines = [line.split(" ", 1) for line in printed.splitlines()]
    return [int(line[0]) for line in lines if line[0].isdigit()], [line[1] for line in lines]


# A built-in function that calls back takes C stack: leave it out where there is little.
@needs_compiled
@pytest.mark.parametrize("hot", [False, True])
@pytest.mark.parametrize(
    ("limit", "stack", "cases"),
    [(1000, 0, 5), (5000, 0, 3), (1000, 32 * 1024, 4), (1000, 64 * 1024, 4), (1000, 2**20, 4)],
)
def test_it_goes_as_deep_as_untraced(hot, limit, stack, cases, run_script):
    code = _PROGRAM.format(limit=limit, stack=stack, hot=hot, cases=cases)
    off = run_script(code, covered=False)
    on = run_script(code, covered=False, RBTRACE_ENABLED="1")
    (without, errors), (within, same_errors) = _depths(off.printed), _depths(on.printed)
    assert len(without) == 2 * cases
    assert same_errors[:-1] == errors[:-1]
    differences = [a - b for a, b in zip(within, without, strict=True)]
    assert max(map(abs, differences)) <= 4, differences
    if stack > 32 * 1024 or not stack:
        _all_are_counted(on.spans, within)
    else:
        assert "too little stack left" in on.complaints
        assert not on.spans


def _all_are_counted(spans, depths):
    calls = Counter()
    for span in spans:
        if not span.is_exemplar:
            calls[span.name] += span.calls
    # The last call of each may not have got as far as saying so.
    assert 0 <= calls["plain"] - sum(depths[:2]) <= 2
    assert 0 <= calls["ping"] + calls["pong"] - sum(depths[2:4]) <= 2
    assert 0 <= calls["A.method"] - sum(depths[4:6]) <= 2
    assert calls["after"] == 1


@needs_compiled
@pytest.mark.parametrize("hot", [False, True])
@pytest.mark.parametrize("stack", [0, 64 * 1024])
def test_a_property_is_called_from_c_and_never_crashes(hot, stack, run_script):
    code = _PROGRAM.format(limit=1000, stack=stack, hot=hot, cases=0)
    code = code.replace("CALLS[:CASES]", "CALLS[-1:]")
    on = run_script(code, covered=False, RBTRACE_ENABLED="1")
    depths, errors = _depths(on.printed)
    assert min(depths) > (50 if stack else 700)
    assert all(error.startswith("maximum recursion depth exceeded") for error in errors[:-1])
    assert ("stack of the thread" in errors[0]) == bool(stack)
    assert any(span.name == "after" for span in on.spans)


@needs_compiled
def test_a_block_in_a_recursion_ends_like_the_others(run_script):
    code = _PROGRAM.format(limit=1000, stack=0, hot=False, cases=0)
    code = code.replace("CALLS[:CASES]", "[lambda: blocks(1)]")
    off = run_script(code, covered=False)
    on = run_script(code, covered=False, RBTRACE_ENABLED="1")
    (without, _), (within, _) = _depths(off.printed), _depths(on.printed)
    assert min(within) >= min(without)
    assert sum(span.name == "block" for span in on.spans) >= sum(within) - 2
    assert not on.complaints


@needs_compiled
def test_the_limit_may_change_within(run_script):
    code = """
        import sys
        import rbtrace

        @rbtrace.traced
        def deep(n):
            if n == 100:
                sys.setrecursionlimit(1500)
            return deep(n + 1)

        def depth(n=1):
            try:
                return depth(n + 1)
            except RecursionError:
                return n

        before = depth()
        try:
            deep(1)
        except RecursionError as error:
            print(len(set(map(id, []))), error)
        print(depth() - before)
    """
    off = run_script(code, covered=False)
    on = run_script(code, covered=False, RBTRACE_ENABLED="1")
    assert on.printed == off.printed


@needs_compiled
def test_a_coroutine_says_that_it_takes_part_of_the_depth(run_script):
    on = run_script(
        """
        import rbtrace

        @rbtrace.traced
        async def endless():
            await endless()

        for _ in range(2):
            try:
                endless().send(None)
            except RecursionError:
                print("caught")
        """,
        covered=False,
        RBTRACE_ENABLED="1",
    )
    assert on.printed == "caught\ncaught\n"
    assert on.complaints.count("of which tracing takes a part") == 1
    assert len(on.spans) > 100


def test_without_the_compiled_part_the_depth_is_shared_which_is_said(run_script):
    on = run_script(
        """
        import sys
        sys.modules["rbtrace.recording.hot._fasthot"] = None
        import rbtrace

        @rbtrace.traced(hot=True)
        def hot():
            hot()

        @rbtrace.traced
        def endless():
            endless()

        for function in (hot, endless, hot):
            try:
                function()
            except RecursionError:
                print("caught")
        """,
        RBTRACE_ENABLED="1",
    )
    assert on.printed == "caught\n" * 3
    assert on.complaints.count("of which tracing takes a part") == 1


@needs_compiled
def test_depth_is_given_and_taken_exactly():
    def depth(n=1):
        try:
            return depth(n + 1)
        except RecursionError:
            return n

    before = depth()
    mark = recursion.give()
    assert depth() == before + 1
    recursion.take(mark)
    assert depth() == before
    assert recursion.with_headroom(depth) > before + 400
    assert recursion.inward(depth) == before + 1
    with pytest.raises(ZeroDivisionError):
        recursion.with_headroom(divmod, 1, 0)
    for strange in ((), (1.5,), (1, 2)):
        with pytest.raises(TypeError):
            recursion.take(*strange)
    with pytest.raises(TypeError):
        recursion.with_headroom()
    assert depth() == before
    assert recursion.has_stack()
    assert recursion.may_step()
    for each in (recursion.give, recursion.take, recursion.with_headroom, recursion.may_step):
        assert pickle.loads(pickle.dumps(each)) is each
