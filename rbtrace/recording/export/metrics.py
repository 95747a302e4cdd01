"""Hot calls as metrics: one cumulative histogram for each operation of this process.

Summaries bring the counts when they end, so metrics and trace count the same calls. A bucket is an
octave of nanoseconds: its upper bound is 2^k − 1 ns, so a call is in bucket k when its duration has
k bits. The summaries' buckets are parts of octaves, hence nothing is rounded.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry.sdk.resources import Resource

from rbtrace import conventions as key
from rbtrace.recording.export.exporters import GuardedExporter, metric_exporter_name
from rbtrace.recording.export.sender import ExportBatch, Sender
from rbtrace.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.sdk.metrics.export import HistogramDataPoint, MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

FEWEST_BITS: Final = 8
MOST_BITS: Final = 40
BOUNDS_S: Final = tuple(((1 << bits) - 1) / 1e9 for bits in range(FEWEST_BITS, MOST_BITS + 1))
"""Upper bounds of the buckets, s, inclusive: from 255 ns to 18 minutes."""
_OVERFLOW: Final = len(BOUNDS_S)


class Series(NamedTuple):
    """What one histogram counts."""

    operation: str
    category: str
    scope: str


@dataclass
class Histogram:
    """Calls of one operation so far; durations in ns, a recursion's counted once in the total."""

    total: int = 0
    shortest: int = 0
    longest: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (_OVERFLOW + 1))

    @property
    def calls(self) -> int:
        """Calls so far."""
        return sum(self.buckets)

    def add(self, summary: Mapping[str, Any]) -> None:
        """Add the calls of a summary span, given by its attributes."""
        shortest, longest = summary[key.DURATION_MIN], summary[key.DURATION_MAX]
        self.shortest = min(self.shortest, shortest) if self.calls else shortest
        self.longest = max(self.longest, longest)
        self.total += summary[key.DURATION_TOTAL]
        reached = 0
        counts = summary[key.HISTOGRAM_COUNTS]
        for bound_s, cumulative in zip(summary[key.HISTOGRAM_BOUNDS], counts, strict=False):
            self.buckets[bucket_of(round(bound_s * 1e9))] += cumulative - reached
            reached = cumulative
        self.buckets[_OVERFLOW] += counts[-1] - reached


def bucket_of(duration_ns: int) -> int:
    """The index of a duration's bucket."""
    bits = duration_ns.bit_length()
    return _OVERFLOW if bits > MOST_BITS else max(0, bits - FEWEST_BITS)


class GuardedMetricExporter(GuardedExporter["CallMetrics"]):
    """Where metrics go. What is sent is the state at the time of sending."""

    group = "opentelemetry_metrics_exporter"
    subject = "metrics"
    otherwise = "metrics stay behind the trace, which has every call"

    def _import_more(self) -> None:
        import_module("opentelemetry.sdk.metrics.export")

    def _give(self, batch: Sequence[CallMetrics]) -> bool:
        from opentelemetry.sdk.metrics.export import MetricExportResult  # noqa: PLC0415 - heavy

        (metrics,) = batch
        if self._exporter.export(metrics.state()) is not MetricExportResult.SUCCESS:
            return False
        metrics.was_taken()
        return True


class CallMetrics:
    """The histograms of one process, and the thread that sends them."""

    def __init__(self, sender: Sender, instance: str, resource: Callable[[], Resource]) -> None:
        """Make metrics that are sent when `flush` is called.

        Args:
            sender: sends to a `GuardedMetricExporter`.
            instance: `service.instance.id` of this process: its series are its own, although it
                may be a fork of one with the same resource.
            resource: gives the resource of the process's spans.
        """
        self.sender = sender
        self._resource = resource
        self._instance = instance
        self._started = time.time_ns()
        self._histograms: dict[Series, Histogram] = {}
        self._changing = threading.Lock()
        self._is_offered = False
        self._has_news = False

    def note(self, span: ReadableSpan) -> None:
        """Count the calls of a summary; nothing for other spans."""
        attributes = span.attributes or {}
        if not attributes.get(key.IS_SUMMARY):
            return
        scope = span.instrumentation_scope
        series = Series(
            span.name,
            str(attributes.get(key.CATEGORY, key.Category.USER)),
            scope.name if scope else key.USER_SCOPE_NAME,
        )
        with self._changing:
            self._histograms.setdefault(series, Histogram()).add(attributes)
            self._has_news = True

    def flush(self) -> None:
        """Have the state sent if it is new and none is under way; never waits."""
        with self._changing:
            is_due = self._has_news and not self._is_offered
            self._is_offered |= is_due
        if is_due:
            self.sender.offer(ExportBatch([self], 0, 0))

    def was_taken(self) -> None:
        """A state was sent; what came meanwhile is sent next."""
        with self._changing:
            self._is_offered = False
        self.flush()

    def finish(self, wait_s: float) -> None:
        """Send the last state, waiting so long at most."""
        self.flush()
        self.sender.finish(wait_s)

    def state(self) -> MetricsData:
        """All histograms as they stand."""
        from opentelemetry.sdk.metrics.export import (  # noqa: PLC0415 - heavy
            MetricsData,
            ResourceMetrics,
        )

        resource = self._resource().merge(Resource({key.SERVICE_INSTANCE_ID: self._instance}))
        now = time.time_ns()
        with self._changing:
            self._has_news = False
            points: dict[str, list[HistogramDataPoint]] = {}
            for series, histogram in self._histograms.items():
                point = _point(series, histogram, self._started, now)
                points.setdefault(series.scope, []).append(point)
        scopes = [_scope_metrics(scope, data_points) for scope, data_points in points.items()]
        return MetricsData([ResourceMetrics(resource, scopes, key.SCHEMA_URL)])


def _point(series: Series, histogram: Histogram, started: int, now: int) -> HistogramDataPoint:
    from opentelemetry.sdk.metrics.export import HistogramDataPoint  # noqa: PLC0415 - heavy

    return HistogramDataPoint(
        attributes={key.OPERATION: series.operation, key.CATEGORY: series.category},
        start_time_unix_nano=started,
        time_unix_nano=now,
        count=histogram.calls,
        sum=histogram.total / 1e9,
        bucket_counts=list(histogram.buckets),
        explicit_bounds=BOUNDS_S,
        min=histogram.shortest / 1e9,
        max=histogram.longest / 1e9,
    )


def _scope_metrics(scope: str, points: list[HistogramDataPoint]) -> Any:
    from opentelemetry.sdk.metrics.export import (  # noqa: PLC0415 - heavy
        AggregationTemporality,
        Metric,
        ScopeMetrics,
    )
    from opentelemetry.sdk.metrics.export import Histogram as HistogramData  # noqa: PLC0415
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415

    data = HistogramData(points, AggregationTemporality.CUMULATIVE)
    metric = Metric(key.CALLS_METRIC, "durations of hot calls", "s", data)
    named = InstrumentationScope(scope, __version__, key.SCHEMA_URL)
    return ScopeMetrics(named, [metric], key.SCHEMA_URL)


def metrics_of_environment(instance: str, resource: Callable[[], Resource]) -> CallMetrics | None:
    """Metrics, if the environment names an endpoint for them."""
    name = metric_exporter_name()
    if name is None:
        return None
    return CallMetrics(Sender(GuardedMetricExporter(name)), instance, resource)
