"""`rbtrace.compare`: a comparison as one object, with frames and reports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rbtrace.comparison.compare import compare_paths
from rbtrace.comparison.decisions import make_policy
from rbtrace.comparison.results import Change, ComparisonResults, OperationChange, Outcome
from rbtrace.comparison.work import PathWork
from rbtrace.reporting.comparison_formats import render_comparison
from rbtrace.reporting.frames import frame
from rbtrace.reporting.model import Options

if TYPE_CHECKING:
    import pandas as pd


class Comparison:
    """How a candidate compares with a baseline.

    The frames have one column per field of a row, as in the JSON report; times are ns, ratios
    candidate ÷ baseline.
    """

    def __init__(self, results: ComparisonResults) -> None:
        self.results = results

    @property
    def outcome(self) -> Outcome:
        """The decision, the gate, what failed, and the exit status of the command."""
        return self.results.outcome

    @property
    def overall(self) -> pd.DataFrame:
        """One measure of a run per row; the gate is made of the first."""
        return frame(self.results.overall, Change)

    @property
    def operations(self) -> pd.DataFrame:
        """One operation per row, the greatest part in the change first."""
        return frame(self.results.operations, OperationChange)

    @property
    def work(self) -> pd.DataFrame:
        """One call path whose number of calls differs per row."""
        work = self.results.work
        return frame([] if work is None else work.differences, PathWork)

    def to_markdown(self, **options: Any) -> str:
        """The report as Markdown; options are fields of `rbtrace.reporting.model.Options`."""
        return render_comparison(self.results, "markdown", replace(Options(), **options))

    def to_html(self, **options: Any) -> str:
        """The report as a page of its own; options as in `to_markdown`."""
        return render_comparison(self.results, "html", replace(Options(), **options))

    def to_json(self) -> str:
        """Everything, as the JSON document of `rbtrace compare --format json`."""
        return render_comparison(self.results, "json", Options())

    def _repr_html_(self) -> str:
        from rbtrace.reporting.comparison import compose_comparison  # noqa: PLC0415 - notebooks
        from rbtrace.reporting.html import render_report  # noqa: PLC0415 - as above

        return render_report(compose_comparison(self.results), part=True)

    def __repr__(self) -> str:
        return f"<Comparison: {self.outcome.decision}, gate {self.outcome.gate}>"


def compare(baseline: str | Path, candidate: str | Path | None = None, **policy: Any) -> Comparison:
    """Compare two arms.

    Args:
        baseline: traces, a result of `rbtrace bench`, or a file of pyperf or pytest-benchmark.
        candidate: the same of the other arm; by default the other arm of what `baseline` names.
        **policy: as for `rbtrace.comparison.decisions.make_policy`: `threshold`, `max_regression`,
            `require_improvement`, `work`.

    Raises:
        InputError: an arm cannot be read, or the two have nothing in common.
        RbtraceError: a threshold is not a number of per cent.
    """
    other = baseline if candidate is None else candidate
    return Comparison(compare_paths(baseline, other, make_policy(**policy)))
