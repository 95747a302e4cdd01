"""The SVG: valid, exact, harmless whatever functions are called."""

from __future__ import annotations

from collections import defaultdict
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rbtrace.profiling.flamegraph.calltree import call_tree, compared
from rbtrace.profiling.flamegraph.svg import WIDTH, boxes, to_svg
from tests.support.profiles import NASTY, profile_of

paths = st.lists(st.sampled_from("abcd"), min_size=1, max_size=5).map(tuple)
profiles = st.dictionaries(paths, st.integers(1, 10**13), min_size=1, max_size=20)


def drawn(weights, title="title", note="note"):
    text = to_svg(call_tree(profile_of(weights), "all"), title, note)
    return [box for box in ET.fromstring(text).iter() if "data-ns" in box.attrib]


@settings(max_examples=1000)
@given(profiles)
@example({("a", "a", "a", "a", "b"): 1, ("a", "a", "a", "b", "b"): 1})
def test_widths_and_times_add_up_on_every_level(weights):
    tree = call_tree(profile_of(weights), "all")
    laid = list(boxes(tree, 0))
    assert tree.total_ns == sum(weights.values())
    children = defaultdict(list)
    for box in laid[1:]:
        inside = [
            above for above in laid if any(box.call is one for one in above.call.children.values())
        ]
        assert len(inside) == 1
        children[id(inside[0].call)].append(box)
    for box in laid:
        mine = children[id(box.call)]
        assert sum(one.call.total_ns for one in mine) + box.call.self_ns == box.call.total_ns
        at = box.left
        for one in mine:
            assert one.left == at
            at += one.width
        exact = box.width * (box.call.total_ns - box.call.self_ns) / box.call.total_ns
        assert at <= box.left + box.width
        assert at - box.left == pytest.approx(exact, abs=1 + 1e-9 * WIDTH)


def test_percentages_are_the_exact_millionths():
    for box in drawn({("a", "b"): 1, ("a", "c"): 2, ("d",): 4}):
        for attribute, millionths in (("x", "data-left"), ("width", "data-width")):
            whole, _, rest = box.get(attribute).removesuffix("%").partition(".")
            assert int(whole + rest) == int(box.get(millionths))


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_any_name_is_harmless_and_kept(name):
    found = drawn({("a", name): 5}, title=name, note=name)
    expected = name.replace("\x00", "\ufffd").replace("\x1b", "\ufffd").replace("\ud800", "?")
    assert expected in {box.get("data-name") for box in found}
    text = to_svg(call_tree(profile_of({("a", name): 5}), name), name, name)
    assert text.count("</script>") == 1
    assert max(len(line) for line in text.splitlines()) < 20_000


@given(st.text(max_size=50))
@settings(max_examples=1000)
def test_any_text_gives_valid_xml(name):
    assert len(drawn({(name, "b"): 5}, title=name)) == 3


def test_a_difference_is_scaled_and_has_what_is_gone():
    before = call_tree(profile_of({("a", "x"): 30, ("a", "y"): 10}), "all")
    after = call_tree(profile_of({("a", "x"): 100, ("b",): 300}), "all")
    tree = compared(before, after)
    by_name = {}
    pending = [tree]
    while pending:
        call = pending.pop()
        by_name[call.frame.name] = (call.before_ns, call.total_ns)
        pending.extend(call.children.values())
    assert by_name == {
        "all": (400, 400),
        "a": (400, 100),
        "x": (300, 100),
        "y": (100, 0),
        "b": (0, 300),
    }
    svg = to_svg(tree, "t", "n")
    assert "hsl(0," in svg
    assert "hsl(220," in svg
