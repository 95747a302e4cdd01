"""Markdown, for issues, pull requests and files kept beside the traces."""

from __future__ import annotations

from typing import Final

from rbtrace.reporting.model import Options, Picture, Report, Row, Table
from rbtrace.reporting.numbers import printable

_SPECIAL: Final = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#|~$"})


def render(report: Report, options: Options) -> str:  # noqa: ARG001 - as every renderer
    """Render as Markdown with pipe tables."""
    return render_report(report)


def render_report(report: Report, level: int = 1) -> str:
    """Render any report as Markdown; its title is a heading of `level`, those of tables below."""
    below = "#" * (level + 1)
    blocks = [f"{'#' * level} {report.title}"]
    blocks.append(_listed(report.integrity))
    if report.scope:
        blocks.append(_escaped(report.scope))
    if report.findings:
        blocks += [f"{below} Findings", _listed(report.findings)]
    blocks.append(
        "\n".join(
            ["| | |", "|:--|--:|", *(f"| {name} | {text} |" for name, text in report.figures)]
        )
    )
    blocks += [
        f"{below} {_escaped(picture.title)}\n\n{_picture(picture)}" for picture in report.pictures
    ]
    blocks += [_table(table, below) for table in report.tables]
    if report.warnings:
        blocks += [f"{below} Warnings", _listed(report.warnings)]
    return "\n\n".join(blocks) + "\n"


def _listed(lines: list[str]) -> str:
    return "\n".join(f"- {_escaped(line)}" for line in lines)


def _picture(picture: Picture) -> str:
    shown = f"![{_escaped(picture.title)}]({picture.file})"
    return f"[{shown}]({picture.file})" if picture.interactive else shown


def _table(table: Table, heading: str) -> str:
    head = " | ".join(column.title for column in table.columns)
    rule = "|".join("--:" if column.right else ":--" for column in table.columns)
    lines = [f"{heading} {_escaped(table.title)}", "", f"| {head} |", f"|{rule}|"]
    lines += [f"| {' | '.join(_cells(row))} |" for row in table.rows]
    if table.note:
        lines += ["", _escaped(table.note)]
    return "\n".join(lines)


def _cells(row: Row) -> list[str]:
    label, *others = (_escaped(cell) for cell in row.cells)
    return ["&nbsp;&nbsp;" * row.depth + label, *others]


def _escaped(text: str) -> str:
    return printable(text).translate(_SPECIAL)
