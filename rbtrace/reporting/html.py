"""One HTML page that needs nothing but itself: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from rbtrace.reporting.model import Options, Report
from rbtrace.reporting.numbers import printable


def render(report: Report, options: Options) -> str:  # noqa: ARG001 - as every renderer
    """Render as a page; every text from the trace is escaped."""
    return render_report(report)


def render_report(report: Report, *, part: bool = False) -> str:
    """Render as a page; or as the part in its body, for a notebook's page with its own style."""
    if part:
        return _environment().get_template("part.html.j2").render(report=report)
    return render_page(report.title, [report])


def render_page(title: str, reports: Sequence[Report]) -> str:
    """Render several reports as one page, one below the other."""
    return _environment().get_template("report.html.j2").render(title=title, reports=reports)


def _as_image(svg: str) -> str:
    """The address of an image that the page itself holds."""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("rbtrace.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = printable
    environment.filters["as_image"] = _as_image
    return environment
