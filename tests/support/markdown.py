"""Tables in Markdown, as the tests write them into the documents."""

from __future__ import annotations


def line(cells: tuple[object, ...]) -> str:
    """A row of a table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
