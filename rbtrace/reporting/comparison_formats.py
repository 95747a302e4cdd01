"""A comparison in each of the output formats."""

from __future__ import annotations

import msgspec

from rbtrace.comparison.results import ComparisonResults
from rbtrace.reporting.comparison import compose_comparison
from rbtrace.reporting.model import Options


def render_comparison(results: ComparisonResults, name: str, options: Options) -> str:
    """Render a comparison in one of `rbtrace.reporting.formats.FORMATS`."""
    if name == "json":
        return msgspec.json.format(msgspec.json.encode(results), indent=1).decode() + "\n"
    report = compose_comparison(results, full=options.full)
    if name == "markdown":
        from rbtrace.reporting import markdown  # noqa: PLC0415 - only what is asked for is loaded

        return markdown.render_report(report)
    if name == "html":
        from rbtrace.reporting import html  # noqa: PLC0415 - as above

        return html.render_report(report)
    from rbtrace.reporting import terminal  # noqa: PLC0415 - as above

    return terminal.render_report(report, options)
