"""The performance report: results, their evaluation by thresholds, and the decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from rbtrace.evaluation import validation
from rbtrace.evaluation.results import BenchmarkResult
from rbtrace.evaluation.sequence import SequentialEvaluation
from rbtrace.evaluation.thresholds import ThresholdEvaluation
from rbtrace.evaluation.validation import InvalidFieldError
from rbtrace.reporting.markdown import render_report
from rbtrace.reporting.model import Column, Report, Row, Table
from rbtrace.reporting.numbers import duration, percent, ratio
from rbtrace.statistics import Decision


@dataclass(frozen=True)
class PerformanceReport:
    """The decisions about optimizations and what they rest on.

    Attributes:
        timestamp: when it was made; a text in ISO 8601 becomes a datetime.
        results: what was measured.
        threshold_evaluations: how it compares with what is asked.
        accept_reject_decisions: optimization → decision.

    Raises:
        InvalidFieldError: a field has a value that it may not have.
    """

    timestamp: datetime
    results: Sequence[BenchmarkResult]
    threshold_evaluations: Sequence[ThresholdEvaluation]
    accept_reject_decisions: Mapping[str, Decision]

    def __post_init__(self) -> None:
        object.__setattr__(self, "timestamp", _moment(self.timestamp))
        validation.sequence(self, "results", BenchmarkResult)
        validation.sequence(self, "threshold_evaluations", ThresholdEvaluation)
        object.__setattr__(self, "accept_reject_decisions", _decided(self.accept_reject_decisions))

    @classmethod
    def of(
        cls, results: Sequence[BenchmarkResult], evaluations: Sequence[ThresholdEvaluation]
    ) -> Self:
        """A report of now, with the decisions of the evaluations."""
        decisions = {evaluation.name: evaluation.verdict.decision for evaluation in evaluations}
        return cls(datetime.now(UTC), results, evaluations, decisions)

    @classmethod
    def of_sequence(
        cls, results: Sequence[BenchmarkResult], sequence: SequentialEvaluation
    ) -> Self:
        """A report of now about optimizations evaluated one after another."""
        evaluations = [step.evaluation for step in sequence.steps if step.evaluation is not None]
        decisions = {step.component.name: step.decision for step in sequence.steps}
        return cls(datetime.now(UTC), results, evaluations, decisions)

    def to_markdown(self) -> str:
        """The report as Markdown: the decisions, what they rest on, and every result."""
        decisions = list(self.accept_reject_decisions.values())
        counts = [(str(kind), str(decisions.count(kind))) for kind in Decision]
        tables = [_decisions(self), _evaluations(self), _results(self)]
        return render_report(
            Report(
                title="Performance report",
                complete=None,
                integrity=[f"made {self.timestamp.isoformat(timespec='seconds')}"],
                figures=counts,
                tables=[table for table in tables if table.rows],
            )
        )


def _moment(given: object) -> datetime:
    if isinstance(given, datetime):
        return given
    try:
        return datetime.fromisoformat(given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InvalidFieldError(
            f"PerformanceReport.timestamp must be a datetime or ISO 8601, not {given!r}"
        ) from None


def _decided(given: Mapping[str, Decision]) -> dict[str, Decision]:
    try:
        return {str(name): Decision(made) for name, made in given.items()}
    except (AttributeError, ValueError):
        raise InvalidFieldError(
            "PerformanceReport.accept_reject_decisions must map names to "
            f"{', '.join(Decision)}, not {given!r}"
        ) from None


def _decisions(report: PerformanceReport) -> Table:
    rows = [Row([name, str(made)]) for name, made in report.accept_reject_decisions.items()]
    return Table("Decisions", _columns("optimization", "decision"), rows)


def _evaluations(report: PerformanceReport) -> Table:
    rows = []
    for evaluation in report.threshold_evaluations:
        confirmed = " (confirmed)" if evaluation.verdict.confirmed else ""
        warnings = "; ".join(warning.message for warning in evaluation.comparison.warnings) or "–"
        rows.append(
            Row(
                [
                    evaluation.name,
                    f"{evaluation.verdict.decision}{confirmed}",
                    evaluation.reason,
                    warnings,
                ]
            )
        )
    return Table("Evaluations", _columns("optimization", "verdict", "why", "warnings"), rows)


def _results(report: PerformanceReport) -> Table:
    rows = [
        Row(
            [
                result.name,
                duration(1e9 * float(result.baseline_time)),
                duration(1e9 * float(result.optimized_time)),
                percent(float(result.improvement_pct) / 100),
                ratio(float(result.speedup_ratio)),
                f"{result.memory_usage:,}",
            ]
        )
        for result in report.results
    ]
    figures = ("baseline", "candidate", "improvement", "speed-up", "peak memory, bytes")
    return Table("Results", [Column("result", right=False), *map(Column, figures)], rows)


def _columns(*titles: str) -> list[Column[object]]:
    return [Column(title, right=False) for title in titles]
