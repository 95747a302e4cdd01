"""Any value as attribute, key, name, exception or parameter: bounded, and the span is kept."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import http
import pathlib
import subprocess
import sys
import threading
import time
import uuid

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rbtrace
from rbtrace import conventions as key
from rbtrace.recording.export.exceptions import message_of
from rbtrace.recording.export.scalars import CUT_MARK, LONGEST_TEXT
from rbtrace.recording.export.values import LONGEST_NAME, attribute_value, name, number, text
from rbtrace.recording.parameters import parameter_attributes
from rbtrace.testing import capture
from tests.support.environment import uncovered

IS_COVERED = "coverage" in sys.modules and sys.modules["coverage"].Coverage.current() is not None
LIMIT_S = 1.0 if IS_COVERED else 0.001  # coverage multiplies what every line takes
SCALARS = {type(None), bool, int, float, str, bytes}


def hang(*_args, **_kwargs):
    raise AssertionError("code of the program was run")


METHODS = (
    "__str__", "__repr__", "__eq__", "__len__", "__bool__", "__iter__", "__getattribute__",
    "__getitem__", "__int__", "__index__", "__float__", "__format__", "__contains__", "items",
    "__lt__", "__iadd__", "__reduce__", "isoformat", "__neg__", "__ge__", "__le__",
)  # fmt: skip


class EvilMeta(type):
    """A metaclass whose classes cannot be asked for anything."""

    armed = False

    def __hash__(cls):
        return hang() if EvilMeta.armed else 1

    def __getattribute__(cls, attribute):
        return hang() if EvilMeta.armed else type.__getattribute__(cls, attribute)


def evil(base):
    """A class derived from `base` all of whose methods say that they were called."""
    namespace = dict.fromkeys(METHODS, hang)
    namespace["__hash__"] = hang
    namespace["__class__"] = property(hang)
    return type(f"Evil{base.__name__}", (base,), namespace)


Evil = {
    base: evil(base)
    for base in (
        object, int, float, str, bytes, list, tuple, set, frozenset, dict, complex, Exception,
        KeyError, OSError, dt.datetime, decimal.Decimal,
    )
}  # fmt: skip
EvilOfMeta = EvilMeta("EvilOfMeta", (), {})


class Colour(enum.Enum):
    RED = object()


class Way(enum.IntFlag):
    LONG = 1
    SHORT = 2


class Kind(enum.StrEnum):
    SPOT = "spot"


class Both(enum.Flag):
    A = 1
    B = 2


def endless():
    while True:
        yield 1


def in_itself():
    mine: list = [1]
    mine.append({"self": mine})
    return mine


def deep(levels=20_000):
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


ADVERSARIAL = {
    "huge int": 10**5000,
    "int enum": http.HTTPStatus.OK,
    "int flag": Way.LONG | Way.SHORT,
    "flag": Both.A | Both.B,
    "no flag": Both(0),
    "enum": Colour.RED,
    "str enum": Kind.SPOT,
    "numpy str": np.str_("AAPL"),
    "numpy int": np.int64(5),
    "numpy unsigned": np.uint64(2**64 - 1),
    "numpy float": np.float32(0.5),
    "numpy long": np.longdouble(0.5),
    "numpy bool": np.bool_(True),
    "numpy time": np.datetime64("2024-01-02"),
    "numpy record": np.zeros(1, dtype=[("a", "i4")])[0],
    "small array": np.array([1, 2]),
    "objects": np.array([object(), None], dtype=object),
    "large array": np.zeros((1000, 1000)),
    "frame": pd.DataFrame({"a": range(10_000)}),
    "timestamp": pd.Timestamp("2024-01-02", tz="America/New_York"),
    "no time": pd.NaT,
    "decimal": decimal.Decimal("1.50"),
    "digits": decimal.Decimal("1" * 100_000),
    "fraction": fractions.Fraction(10**5000, 3),
    "path": pathlib.Path("/a/b"),
    "long path": pathlib.Path("a/" * 100_000),
    "uuid": uuid.UUID(int=1),
    "range": range(10**12),
    "huge range": range(10**5000),
    "generator": endless(),
    "deep": deep(),
    "in itself": in_itself(),
    "wide": list(range(1_000_000)),
    "wide dict": {number: str(number) for number in range(100_000)},
    "wide tree": [[[0] * 100] * 100] * 100,
    "wide set": set(range(100_000)),
    "long text": "x" * 1_000_000,
    "long wide text": "é" * 1_000_000,
    "texts": ["é" * 5000] * 5000,
    "half": "x\ud800",
    "bytes": b"x" * 100_000,
    "buffer": bytearray(100_000),
    "view": memoryview(b"x"),
    "class": EvilOfMeta,
    "function": endless,
    "of evil class": EvilOfMeta(),
    "evil items": [Evil[object](), Evil[int](5), Evil[str]("a"), Evil[dict]({1: 2})] * 1000,
    "alternating": [Way.LONG, Kind.SPOT, Colour.RED, 1.5, EvilOfMeta()] * 1000,
    "dates": [dt.datetime.now(dt.UTC), dt.date(2024, 1, 2)] * 1000,
    "decimals": [decimal.Decimal(number) for number in range(1000)],
    "numbers": [np.float32(1), np.int8(2)] * 1000,
    "evil int": Evil[int](5),
    "evil float": Evil[float](0.5),
    "evil str": Evil[str]("text"),
    "evil bytes": Evil[bytes](b"x"),
    "evil list": Evil[list]([1]),
    "evil tuple": Evil[tuple]([1]),
    "evil set": Evil[set]([1]),
    "evil frozenset": Evil[frozenset]([1]),
    "evil dict": Evil[dict]({"a": 1}),
    "evil complex": Evil[complex](1j),
    "evil moment": Evil[dt.datetime](2024, 1, 2),
    "evil decimal": Evil[decimal.Decimal]("1.5"),
    "evil object": Evil[object](),
    "evil error": Evil[Exception](Evil[object]()),
    "error": KeyError("a"),
    "lock": threading.Lock(),
    "module": enum,
}


class Hidden:
    """A value that Hypothesis neither prints nor looks at: both would run its code."""

    def __init__(self, which):
        self.which = which


def revealed(made):
    """What was made, with the values in the place of what hides them."""
    kind = type(made)
    if kind is Hidden:
        return ADVERSARIAL[made.which]
    if kind is dict:
        return {name: revealed(item) for name, item in made.items()}
    return kind(map(revealed, made)) if kind in {list, tuple} else made


made_by_hypothesis = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.complex_numbers()
    | st.decimals()
    | st.fractions()
    | st.datetimes()
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.characters(categories=["Cs"])
    | st.sampled_from(sorted(ADVERSARIAL)).map(Hidden),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=15,
)


def in_time(convert, value):
    """What it gives, if the quickest of some tries takes no longer than it may, by CPU time."""
    EvilMeta.armed = True
    try:
        for _ in range(8):
            started = time.thread_time()
            result = convert(value)
            if time.thread_time() - started <= LIMIT_S:
                return result
    finally:
        EvilMeta.armed = False
    raise AssertionError("a conversion takes longer than a millisecond")


def is_attribute(value):
    if type(value) is list:
        kinds = set(map(type, value))
        return len(kinds) <= 1 and kinds <= SCALARS - {bytes, type(None)}
    return type(value) in SCALARS and (type(value) is not int or -(2**63) <= value < 2**63)


@settings(max_examples=1000)
@given(made_by_hypothesis)
def test_any_value_is_an_attribute_within_a_millisecond(made):
    value = revealed(made)
    assert is_attribute(in_time(attribute_value, value))
    assert len(in_time(text, value)) <= LONGEST_TEXT
    assert 0 < len(in_time(name, value)) <= LONGEST_NAME
    assert type(in_time(number, value)) in {float, type(None)}
    text(value).encode()


@pytest.mark.skipif(not IS_COVERED, reason="the tests above have measured")
def test_the_same_within_a_millisecond_without_coverage():
    chosen = "test_any_value_is_an_attribute or test_no_value_runs"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        chosen,
        __file__,
    ]
    done = subprocess.run(command, env=uncovered(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.parametrize("which", ADVERSARIAL)
def test_no_value_runs_code_of_the_program(which):
    value = ADVERSARIAL[which]
    assert is_attribute(in_time(attribute_value, value))
    assert in_time(name, value).encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (http.HTTPStatus.OK, 200),
        (Way.LONG | Way.SHORT, 3),
        (Kind.SPOT, "spot"),
        (Colour.RED, "Colour.RED"),
        (Both.A | Both.B, "Both.A|B"),
        (np.str_("AAPL"), "AAPL"),
        (np.bool_(True), True),
        (np.int32(7), 7),
        (np.float64(0.25), 0.25),
        (np.longdouble(0.25), 0.25),
        (np.array(["A", "B"]), ["A", "B"]),
        (np.zeros((1000, 3)), "<ndarray (1000, 3)>"),
        (pd.DataFrame({"a": [1]}), "<DataFrame (1, 1)>"),
        (pd.Timestamp("2024-01-02T03:04"), "2024-01-02T03:04:00"),
        (pd.NaT, "NaT"),
        (decimal.Decimal("1.50"), "1.50"),
        (10**30, "1" + "0" * 30),
        (range(10**12), "range(0, 1000000000000)"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (dt.date(2024, 1, 2), "2024-01-02"),
        ("x\ud800", "x?"),
        ("x" * 5000, "x" * (LONGEST_TEXT - len(CUT_MARK)) + CUT_MARK),
        ([1, 2.5], [1.0, 2.5]),
        ([1, "a", None], ["1", "a", "None"]),
        ([[1, 2], []], ["[1, 2]", "[]"]),
        ({"a": {"b": [1, "x"]}}, "{'a': {'b': [1, 'x']}}"),
        (ValueError("broken"), "ValueError: broken"),
        (dict, "<class 'dict'>"),
        (object(), "<object>"),
        (np.array([1, None], dtype=object), ["1", "None"]),
    ],
)
def test_what_values_become(value, expected):
    result = attribute_value(value)
    assert result == expected
    assert type(result) is type(expected)


def test_of_a_huge_number_there_is_its_length():
    assert attribute_value([10**5000]) == ["<int of 16610 bits>"]


def test_a_list_that_is_cut_says_how_much_is_missing():
    kept = attribute_value(list(range(5000)))
    assert kept[:3] == ["0", "1", "2"]
    assert kept[-1] == f"... ({5000 - len(kept) + 1} more)"


def test_a_generator_is_not_consumed():
    numbers = iter([1, 2])
    with capture(), rbtrace.span("x", numbers=numbers):
        pass
    assert list(numbers) == [1, 2]


@settings(max_examples=50)
@given(st.lists(st.tuples(made_by_hypothesis, made_by_hypothesis), max_size=3))
def test_every_span_is_kept_whatever_is_set_on_it(pairs):
    with capture() as captured:
        for given_name, value in map(revealed, pairs):
            with rbtrace.span(given_name, value=value) as span:
                span.set_attribute(given_name, value)
                span.set_attributes({"again": value})
                span.set_attributes(value)
                span.add_event(given_name, {"value": value}, timestamp=value)
                span.add_event("no attributes", value)
                span.record_exception(value)
                span.record_exception(ValueError(value), {"value": value})
                span.add_link(value)
                span.add_link(span.get_span_context(), {"value": value})
                span.set_status(value)
                span.set_status(rbtrace_error(), value)
                span.update_name("kept")
    assert len(captured.named("kept")) == len(pairs)


def rbtrace_error():
    from opentelemetry.trace import StatusCode

    return StatusCode.ERROR


@pytest.mark.parametrize("which", ADVERSARIAL)
def test_adversarial_values_reach_the_file(which):
    value = ADVERSARIAL[which]
    with capture() as captured:
        with rbtrace.span("block", value=value) as span:
            span.set_attribute("set", value)
            span.update_name(value)
        with rbtrace.span(value):
            pass
    first, second = captured.spans
    assert {"value", "set"} <= set(first.attributes)
    assert first.name == second.name == name(value)


@given(made_by_hypothesis)
def test_parameters_of_any_kind_have_names_and_a_digest(made):
    value = revealed(made)
    attributes = parameter_attributes({"fast": value, 7: value})
    assert attributes[key.TRIAL_PARAMS] == ["7", "fast"]
    assert parameter_attributes({"fast": value, 7: value}) == attributes
    assert parameter_attributes([value]) == {}


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a"), ValueError(), ValueError("a", 2), KeyError("a"), OSError(2, "gone", "f"),
        FileNotFoundError(2, "gone"), StopIteration(3), ZeroDivisionError("x"),
    ],
)  # fmt: skip
def test_the_message_of_an_ordinary_exception_is_its_text(error):
    assert message_of(error) == str(error)


def test_the_span_is_an_ordinary_span_of_opentelemetry():
    from opentelemetry import trace

    with capture(), rbtrace.span("x") as span:
        assert isinstance(span, trace.Span)
        assert trace.get_current_span() is span
        assert span.is_recording()
        assert span.get_span_context().is_valid
        span.set_attribute("a", 1)
        assert span.attributes["a"] == 1


def test_the_programs_own_spans_are_kept_with_values_of_any_kind():
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider(shutdown_on_exit=False)
    with capture() as captured:
        original = trace._TRACER_PROVIDER
        trace._TRACER_PROVIDER = provider
        try:
            with rbtrace.span("ours"):
                pass
            for value in (Way.LONG, np.str_("a"), 2**80, [np.str_("a"), 2**80]):
                span = provider.get_tracer(np.str_("theirs")).start_span(np.str_("kept"))
                span.set_attribute("value", value)
                span.end(float(time.time_ns()))
            provider.get_tracer("x").start_span("odd kind", kind=5, start_time="now").end()
        finally:
            trace._TRACER_PROVIDER = original
    assert len(captured.named("kept")) == 4
    assert captured.named("odd kind")
