"""Hot calls and spans of greenlets that switch in the middle of calls are not mixed up."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rbtrace
from rbtrace import conventions as key
from rbtrace.recording.hot import wrapper as hot
from rbtrace.recording.hot.compiled import COMPILED
from rbtrace.recording.hot.cursor import CURSORS
from rbtrace.recording.operation import Operation
from rbtrace.recording.recorder import RECORDER
from rbtrace.testing import capture

greenlet = pytest.importorskip("greenlet")

NAMES = ("x", "y", "z")


def hot_call(name, step, *, attaches):
    RECORDER.get_ready()
    return hot.aggregated(step, Operation(name, key.SCOPE_NAME, attaches=attaches), RECORDER.trees)


class Walk:
    """A random tree of hot calls, which may switch to another greenlet anywhere in it."""

    def __init__(self, choices, switch, *, attaches):
        self._random = random.Random(choices)
        self._switch = switch
        self._path = ()
        self.calls = Counter()
        self._hot = {name: hot_call(name, self._step, attaches=attaches) for name in NAMES}

    def run(self, wide=4):
        for _ in range(wide):
            self._step(0, ())

    def _step(self, depth, path):
        if self._random.random() < 0.5:
            self._switch()
        if depth == 4:
            return
        for _ in range(self._random.randrange(3)):
            name = self._random.choice([name for name in NAMES if name not in path])
            self.calls[(*path, name)] += 1
            self._hot[name](depth + 1 if depth < 2 else 4, (*path, name))
            if self._random.random() < 0.5:
                self._switch()


def take_turns(order, runs):
    """Run functions in greenlets, in the order a list of numbers gives, until all are over."""
    greenlets = [greenlet.greenlet(run) for run in runs]
    turn = 0
    while waiting := [one for one in greenlets if not one.dead]:
        waiting[order[turn % len(order)] % len(waiting)].switch()
        turn += 1


def below(captured, span):
    """Calls and self times of the summaries beneath a span, by path."""
    calls, own, total = Counter(), [], 0

    def visit(parent, path):
        nonlocal total
        for child in captured.spans:
            if child.parent_id != parent.span_id or not child.is_summary:
                continue
            calls[(*path, child.name)] += child.calls
            own.append(child.attributes[key.SELF_NS])
            if not path:
                total += child.attributes[key.DURATION_TOTAL]
            visit(child, (*path, child.name))

    visit(span, ())
    return calls, own, total


@pytest.fixture(autouse=True)
def no_greenlets_afterwards():
    """Have the thread of the tests be as it was before there were greenlets in it."""
    yield
    CURSORS.running()
    CURSORS.has_greenlets = False


@pytest.fixture(params=["compiled", "python"])
def either(request, monkeypatch):
    if request.param == "python":
        monkeypatch.setattr(hot, "COMPILED", None)
    elif COMPILED is None:
        pytest.skip("hot calls are not compiled here")


def assert_exact(captured, span, walk):
    calls, own, total = below(captured, span)
    assert calls == walk.calls
    assert min(own, default=0) >= 0
    assert sum(own) == total


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("attaches", [False, True], ids=["inside", "around"])
@settings(max_examples=10)
@given(
    choices=st.lists(st.integers(0, 10**6), min_size=2, max_size=4),
    order=st.lists(st.integers(0, 3), min_size=1, max_size=40),
)
def test_each_greenlet_has_the_calls_it_made(attaches, choices, order):
    def switch():
        greenlet.getcurrent().parent.switch()

    def in_span(number, walk):
        with rbtrace.span(f"span {number}"):
            walk.run()

    with capture() as captured:
        walks = [Walk(seed, switch, attaches=attaches) for seed in choices]
        with rbtrace.span("run"):
            take_turns(order, [lambda n=n, w=w: in_span(n, w) for n, w in enumerate(walks)])
    run = captured.one("run")
    for number, walk in enumerate(walks):
        span = captured.one(f"span {number}")
        assert span.parent_id == run.span_id
        assert_exact(captured, span, walk)


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("enclosing", ["run", None], ids=["in a span", "outside"])
@settings(max_examples=10)
@given(
    choices=st.lists(st.integers(0, 10**6), min_size=2, max_size=4),
    order=st.lists(st.integers(0, 3), min_size=1, max_size=40),
)
def test_greenlets_without_a_span_of_their_own(enclosing, choices, order):
    def switch():
        greenlet.getcurrent().parent.switch()

    with capture() as captured:
        walks = [Walk(seed, switch, attaches=False) for seed in choices]
        runs = [walk.run for walk in walks]
        if enclosing is None:
            take_turns(order, runs)
        else:
            with rbtrace.span(enclosing):
                take_turns(order, runs)
    name = key.UNATTACHED if enclosing is None else key.THREAD
    roots = captured.named(name)
    expected = [walk.calls for walk in walks if walk.calls]
    assert len(roots) == len(expected)
    parent = None if enclosing is None else captured.one(enclosing).span_id
    assert {root.parent_id for root in roots} <= {parent}
    for root in roots:
        walk = next(one for one in walks if one.calls == below(captured, root)[0])
        assert_exact(captured, root, walk)
