"""A flame graph as one SVG file: readable as it stands, searched and zoomed in a browser.

Callers are above callees. Boxes are nested `svg` elements with widths in per cent, so that texts
are clipped and never stretched. The children of a box share its width in proportion to their times,
the rest is its own time. Rounding goes by largest remainder, so boxes never overlap.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from importlib.resources import files
from typing import Final, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from rbtrace.analysis.arrays import apportion
from rbtrace.profiling.flamegraph.calltree import Call

WIDTH: Final = 1_000_000
"""Of the picture: boxes have whole millionths of it, exact on every level."""
_ROW: Final = 18
_TOP: Final = 58
_NARROWEST: Final = 100
"""Narrower boxes, in millionths of the width, are left out; so is all beneath them."""
_LONGEST: Final = 160
"""Signs of a name that are drawn; all of it is in the tooltip."""
_STYLE: Final = """
text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #1d1d1f; }
.title { font: 600 16px system-ui, sans-serif; } .note { font: 12px system-ui, sans-serif; }
.box { cursor: pointer; } .box rect { stroke: #fff; stroke-width: 0.5; }
.box:hover rect, .box:focus rect { stroke: #1d1d1f; } .box:focus { outline: none; }
.above { opacity: 0.5; } .hit rect { fill: #c026d3; } .hit text { fill: #fff; }
#reset { cursor: pointer; text-decoration: underline; visibility: hidden; }
.zoomed #reset { visibility: visible; }
input { font: 12px system-ui, sans-serif; width: 190px; box-sizing: border-box; }
"""


class Box(NamedTuple):
    """A call, its level (0 is the root), and its left edge and width in millionths."""

    call: Call
    level: int
    left: int
    width: int


def to_svg(top: Call, title: str, note: str) -> str:
    """Draw a tree.

    Args:
        top: the tree; its root is all there is.
        title: what it is of.
        note: a line beneath the title.
    """
    drawn = list(boxes(top, _NARROWEST))
    height = _TOP + _ROW * (1 + max(box.level for box in drawn)) + 8
    script = files(__package__).joinpath("flamegraph.js").read_text(encoding="utf-8")
    return "".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>\n',
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="{height}" '
                f'role="img" aria-label={_quoted(title)}>\n'
            ),
            f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n",
            '<rect width="100%" height="100%" fill="#fff"/>\n',
            f'<text class="title" x="8" y="22">{_text(title)}</text>\n',
            f'<text class="note" x="8" y="42">{_text(note)}</text>\n',
            (
                '<svg x="100%" overflow="visible">'
                '<text id="reset" class="note" x="-310" y="22">Reset zoom</text>'
                '<text id="found" class="note" x="-8" y="42" text-anchor="end"></text>'
                '<foreignObject x="-200" y="6" width="194" height="26">'
                '<input xmlns="http://www.w3.org/1999/xhtml" id="search" type="search" '
                'placeholder="Search" aria-label="Search"/></foreignObject></svg>\n'
            ),
            *(_box(box, top) for box in drawn),
            f"<script><![CDATA[\n{script}]]></script>\n</svg>\n",
        ]
    )


def boxes(top: Call, narrowest: int) -> Iterator[Box]:
    """The boxes at least as wide as that, parents before children.

    A call with no time of its own (it is only in the profile compared with) has none.
    """
    pending = [Box(top, 0, 0, WIDTH)]
    while pending:
        box = pending.pop()
        yield box
        children = [child for child in box.call.ordered() if child.total_ns]
        left = box.left
        inside = []
        for child, width in zip(children, _widths(box, children), strict=True):
            if width >= narrowest:
                inside.append(Box(child, box.level + 1, left, width))
            left += width
        pending += reversed(inside)


def _widths(box: Box, children: list[Call]) -> list[int]:
    times = np.array([child.total_ns for child in children], np.int64)
    if not times.size:
        return []
    shared: list[int] = apportion(
        np.array([box.width], np.int64),
        np.array([box.call.self_ns], np.int64),
        times,
        np.zeros(1, np.int64),
    ).tolist()
    return shared


def _box(box: Box, top: Call) -> str:
    call = box.call
    label = call.frame.name
    drawn = label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"
    return (
        f'<svg class="box" tabindex="0" x="{_percent(box.left)}" y="{_TOP + _ROW * box.level}" '
        f'width="{_percent(box.width)}" height="{_ROW}" data-left="{box.left}" '
        f'data-width="{box.width}" data-level="{box.level}" data-ns="{call.total_ns}" '
        f'data-self-ns="{call.self_ns}" data-name={_quoted(label)}>'
        f"<title>{_text(_tooltip(call, top))}</title>"
        f'<rect width="100%" height="100%" fill="{_colour(call, top)}"/>'
        f'<text x="4" y="13">{_text(drawn)}</text></svg>\n'
    )


def _percent(millionths: int) -> str:
    whole, rest = divmod(millionths, WIDTH // 100)
    return f"{whole}.{rest:04d}%"


def _tooltip(call: Call, top: Call) -> str:
    whole = max(1, top.total_ns)
    lines = [
        call.frame.name,
        (
            f"{call.total_ns / 1e6:,.3f} ms, {call.total_ns / whole:.2%} of all; "
            f"itself {call.self_ns / 1e6:,.3f} ms, {call.self_ns / whole:.2%}"
        ),
    ]
    if call.frame.file:
        lines.append(f"{call.frame.file}:{call.frame.line}")
    if call.before_ns is not None:
        change = (call.total_ns - call.before_ns) / whole
        lines.append(f"before {call.before_ns / whole:.2%} of all, a change of {change:+.2%}")
    return "\n".join(lines)


def _colour(call: Call, top: Call) -> str:
    """By file, so that what belongs together looks alike; by the change, where there is one."""
    if call.before_ns is not None:
        change = (call.total_ns - call.before_ns) / max(1, call.total_ns, call.before_ns)
        light = 100 - round(40 * min(1.0, abs(change)))
        return f"hsl({0 if change > 0 else 220}, 85%, {light}%)" if light < 100 else "#f3f3f3"
    if call is top:
        return "#d9d9de"
    seed = zlib.crc32((call.frame.file or call.frame.name).encode("utf-8", "replace"))
    return f"hsl({20 + seed % 40}, {70 + seed // 64 % 20}%, {62 + seed // 4096 % 14}%)"


def _text(text: str) -> str:
    return escape(_printable(text))


def _quoted(text: str) -> str:
    return quoteattr(_printable(text))


def _printable(text: str) -> str:
    """XML has no place for most control signs and for halves of surrogate pairs."""
    return "".join(
        sign
        if sign in "\n\t"
        or (sign >= " " and not "\ud800" <= sign <= "\udfff" and sign < "\ufffe")
        or sign > "\uffff"
        else "\ufffd"
        for sign in text
    )
