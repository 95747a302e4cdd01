"""`jaeger://` URLs, and what is said when nobody answers. Real answers: tests/stack."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbtrace.analysis.jaeger import JaegerQuery, Window, open_jaeger
from rbtrace.analysis.sources import is_jaeger
from rbtrace.errors import InputError

TIMES = st.integers(0, 2**62)


def test_what_is_left_out_has_defaults():
    assert JaegerQuery.parse("jaeger://host") == JaegerQuery(
        "http://host:16686", "rbtrace", None, "2h", 200
    )
    asked = JaegerQuery.parse("jaegers://[::1]:443/base/?service=a&run=b&lookback=7d&num_traces=9")
    assert asked == JaegerQuery("https://[::1]:443/base", "a", "b", "7d", 9)
    assert JaegerQuery.parse("jaeger://host?run=b").lookback == "30d"


def test_a_lookback_ends_now():
    assert JaegerQuery.parse("jaeger://h?lookback=90s").window(10**12) == Window(
        10**12 - 90 * 10**9, 10**12
    )


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("jaeger://host?servce=a", "servce is not a parameter"),
        ("jaeger://host?lookback=soon", "write it as 30s, 15m, 2h or 7d"),
        ("jaeger://host?num_traces=1", "2 or more"),
        ("jaeger://host:99999", "the port is no number"),
        ("jaeger://?service=a", "write it as jaeger://"),
        ("jaeger://user:secret@host", "write it as jaeger://"),
        ("jaeger://127.0.0.1:1", "cannot read traces from Jaeger at http://127.0.0.1:1"),
    ],
)
def test_what_cannot_be_asked_is_one_line(url, says):
    with pytest.raises(InputError, match=says) as caught:
        open_jaeger(url)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@given(TIMES, TIMES)
def test_halves_are_the_whole_window_and_share_nothing(one, other):
    window = Window(min(one, other), max(one, other) + 1)
    earlier, later = window.halves()
    assert (earlier.start, later.end) == window
    assert earlier.start <= earlier.end < later.start <= later.end
    assert later.start == earlier.end + 1


def test_files_are_no_jaeger():
    assert is_jaeger("jaeger://h")
    assert not any(map(is_jaeger, ("jaeger", "jaeger.otlp.jsonl", "http://h", "./jaeger://h", "")))
