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
from rbtrace.reporting.model import Column, Report, Table
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
    columns: list[Column[tuple[str, Decision]]] = [
        Column("optimization", lambda row: row[0], right=False),
        Column("decision", lambda row: str(row[1]), right=False),
    ]
    return Table.of("Decisions", columns, report.accept_reject_decisions.items())


def _evaluations(report: PerformanceReport) -> Table:
    columns: list[Column[ThresholdEvaluation]] = [
        Column("optimization", lambda row: row.name, right=False),
        Column("verdict", _verdict, right=False),
        Column("why", lambda row: row.reason, right=False),
        Column("warnings", _warnings, right=False),
    ]
    return Table.of("Evaluations", columns, report.threshold_evaluations)


def _verdict(evaluation: ThresholdEvaluation) -> str:
    verdict = evaluation.verdict
    return f"{verdict.decision}{' (confirmed)' if verdict.confirmed else ''}"


def _warnings(evaluation: ThresholdEvaluation) -> str:
    return "; ".join(warning.message for warning in evaluation.comparison.warnings) or "–"


def _results(report: PerformanceReport) -> Table:
    columns: list[Column[BenchmarkResult]] = [
        Column("result", lambda row: row.name, right=False),
        Column("baseline", lambda row: duration(1e9 * float(row.baseline_time))),
        Column("candidate", lambda row: duration(1e9 * float(row.optimized_time))),
        Column("improvement", lambda row: percent(float(row.improvement_pct) / 100)),
        Column("speed-up", lambda row: ratio(float(row.speedup_ratio))),
        Column("peak memory, bytes", lambda row: f"{row.memory_usage:,}"),
    ]
    return Table.of("Results", columns, report.results)
