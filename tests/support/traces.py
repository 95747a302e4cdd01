"""Traces of every shape, for Hypothesis."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from tests.support.spans import EXEMPLAR, REAL, SUMMARY, Span


@st.composite
def traces(draw: st.DrawFn) -> list[Span]:
    """Spans with overlaps, outliving and negative ones, missing ends, orphans, cycles, copies."""
    spans = []
    for identity in range(1, draw(st.integers(1, 12)) + 1):
        start = draw(st.integers(1, 40))
        spans.append(
            Span(
                id=identity,
                name=draw(st.sampled_from("abcde")),
                start=start,
                end=draw(
                    st.one_of(
                        st.integers(start, 50), st.integers(1, 50), st.sampled_from([0, start])
                    )
                ),
                # Mostly earlier spans; sometimes itself, a later one (a cycle) or none there is.
                parent=draw(st.integers(0, identity - 1) | st.integers(0, 14)),
                trace=draw(st.sampled_from([1, 1, 1, 2])),
                kind=draw(st.sampled_from([REAL, REAL, REAL, SUMMARY, EXEMPLAR])),
                thread=draw(st.sampled_from(["", "1", "2"])),
                process=draw(st.sampled_from([7, 7, 7, 8])),
                calls=draw(st.integers(1, 5)),
                total=draw(st.integers(0, 30)),
                self_ns=draw(st.integers(0, 12)),
            )
        )
    copies = draw(st.lists(st.sampled_from(spans), max_size=3))
    return spans + [replace(one, end=draw(st.sampled_from([one.end, 0, 45]))) for one in copies]


@st.composite
def forests(draw: st.DrawFn) -> list[Span]:
    """Several traces at once, each in processes of its own."""
    return [
        replace(span, trace=span.trace + 10 * at, process=span.process + 10 * at)
        for at, spans in enumerate(draw(st.lists(traces(), min_size=1, max_size=8)))
        for span in spans
    ]
