"""Names both halves share: attribute keys, span names, categories, file names.

The recording half writes them, the analysis half reads them, and this module is the only place
where the two meet. `ATTRIBUTES` lists every key, once, where the key is defined;
`docs/conventions.md` is tested against it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.37.0"
SCOPE_NAME: Final = "rbtrace.rustybt"
USER_SCOPE_NAME: Final = "rbtrace"
DEFAULT_SERVICE_NAME: Final = "rbtrace"

SPANS_SUFFIX: Final = ".otlp.jsonl"
TALLY_SUFFIX: Final = ".tally"
OPEN_SUFFIX: Final = ".open"
SENT_SUFFIX: Final = ".sent"
PROFILE_SUFFIX: Final = ".profile.jsonl"
SIDE_SUFFIXES: Final = (TALLY_SUFFIX, OPEN_SUFFIX, SENT_SUFFIX, PROFILE_SUFFIX)
"""Files that stand beside a spans file and hold no ended spans."""

PROFILE_VERSION: Final = 1
NO_PYTHON: Final = "[no Python]"
"""Frame of the time in which an extension held the interpreter, and nothing says for whom."""
DEEPER: Final = "[deeper]"
"""Frame that stands for the outer part of a stack too deep to keep."""

UNATTACHED: Final = "rbtrace.unattached"
"""Implicit root of hot calls that no span encloses. Its own self time enters no share, no wall."""
THREAD: Final = "thread"
"""Implicit span of a thread whose hot calls no span of its own encloses; as `UNATTACHED`."""
IMPLICIT_SPANS: Final = frozenset({UNATTACHED, THREAD})

CALLS_METRIC: Final = "rbtrace.calls.duration"
"""The metric of hot calls: a histogram of their durations, s."""

TRIALS_PER_TRACE: Final = 200
"""Trials of a sweep in the sweep's own trace; each later one is a trace of its own, linked to it.

Trace viewers choke on tens of thousands of spans, and a span takes 128 links at most: so the trial
links to its sweep, not the sweep to its trials. Analyses join them again.
"""


class Category(StrEnum):
    """What kind of work an operation is (the values of `rbtrace.category`)."""

    DATA_ACCESS = "data_access"
    DATA_WRANGLING = "data_wrangling"
    COMPUTATION = "computation"
    COORDINATION = "coordination"
    ORDERS = "orders"
    METRICS = "metrics"
    SEARCH = "search"
    IO = "io"
    USER = "user"


class Attribute(NamedTuple):
    """One attribute key: where it stands and what it says."""

    key: str
    on: str
    meaning: str


ATTRIBUTES: list[Attribute] = []


def _attribute(key: str, on: str, meaning: str) -> str:
    ATTRIBUTES.append(Attribute(key, on, meaning))
    return key


_OTEL = "as OpenTelemetry defines it"

SERVICE_NAME: Final = _attribute("service.name", "resource", f"{_OTEL}; default `rbtrace`")
SERVICE_INSTANCE_ID: Final = _attribute("service.instance.id", "resource", f"{_OTEL}; a process")
PROCESS_PID: Final = _attribute("process.pid", "resource", f"{_OTEL} (span, as `rbtrace.run.id`)")
HOST_NAME: Final = _attribute("host.name", "resource", _OTEL)
RUN_ID: Final = _attribute(
    "rbtrace.run.id",
    "resource",
    "one id per enabled parent process, inherited by its workers "
    "(on the span, under a provider of the program's own)",
)
ARM: Final = _attribute("rbtrace.arm", "resource", "configuration: `baseline`, `candidate`")
PAIR: Final = _attribute("rbtrace.pair", "resource", "number of the pair of runs")
ORDER: Final = _attribute("rbtrace.order", "resource", "order within the pair")

CATEGORY: Final = _attribute("rbtrace.category", "span", "kind of work: " + ", ".join(Category))
THREAD_ID: Final = _attribute("thread.id", "span", _OTEL)
CODE_FUNCTION_NAME: Final = _attribute("code.function.name", "span", _OTEL)
ERROR_TYPE: Final = _attribute("error.type", "span", _OTEL)

IS_SUMMARY: Final = _attribute(
    "aggregation.is_summary", "summary span", "true: this span stands for many calls"
)
SPAN_COUNT: Final = _attribute(
    "aggregation.span_count", "summary span", "number of calls it stands for (int)"
)
DURATION_TOTAL: Final = _attribute(
    "aggregation.duration_total_ns",
    "summary span",
    "sum of the calls' durations, the outermost of a recursion only, ns (int)",
)
DURATION_MIN: Final = _attribute(
    "aggregation.duration_min_ns", "summary span", "shortest call, ns (int)"
)
DURATION_MAX: Final = _attribute(
    "aggregation.duration_max_ns", "summary span", "longest call, ns (int)"
)
DURATION_AVG: Final = _attribute(
    "aggregation.duration_avg_ns", "summary span", "total divided by calls, ns (int)"
)
HISTOGRAM_BOUNDS: Final = _attribute(
    "aggregation.histogram_bucket_bounds_s",
    "summary span",
    "upper bounds of the buckets, inclusive, s (double array)",
)
HISTOGRAM_COUNTS: Final = _attribute(
    "aggregation.histogram_bucket_counts",
    "summary span",
    "cumulative counts, one more than bounds: +Inf last (int array)",
)
SELF_NS: Final = _attribute(
    "rbtrace.summary.self_ns", "summary span", "total minus time in traced children, ns (int)"
)
P95_NS: Final = _attribute(
    "rbtrace.summary.p95_ns",
    "summary span",
    "95 % of the calls took no longer, ns (int; from the histogram, at most an eighth too long)",
)
FIRST_START_NS: Final = _attribute(
    "rbtrace.summary.first_start_ns", "summary span", "start of the first call, epoch ns (int)"
)
LAST_END_NS: Final = _attribute(
    "rbtrace.summary.last_end_ns", "summary span", "end of the last call, epoch ns (int)"
)
SUMMARY_ERRORS: Final = _attribute(
    "rbtrace.summary.errors", "summary span", "calls that raised; absent when none (int)"
)
EXEMPLAR: Final = _attribute("rbtrace.exemplar", "span", "true: also counted in its summary")

SPANS_ENDED: Final = _attribute(
    "rbtrace.process.spans_ended",
    "local-root span",
    "spans this process has ended so far, this one included (int)",
)
SPANS_EXPORTED: Final = _attribute(
    "rbtrace.process.spans_exported",
    "local-root span",
    "of these, exported as of the last flush (int)",
)
SPANS_DROPPED: Final = _attribute(
    "rbtrace.process.spans_dropped",
    "local-root span",
    "of these, dropped as of the last flush (int)",
)
LINK: Final = _attribute("rbtrace.link", "link", "`parent`: the linked span is the parent")
CPU_NS: Final = _attribute("rbtrace.cpu_ns", "task and backtest span", "CPU time, ns (int)")
RUNQUEUE_NS: Final = _attribute(
    "rbtrace.runqueue_ns",
    "task and backtest span",
    "time runnable but waiting for a core, ns (int; Linux)",
)

OPERATION: Final = _attribute(
    "rbtrace.operation", "metric", "the operation whose calls a series counts: a span name"
)

BUNDLE_NAME: Final = _attribute("rustybt.bundle.name", "span", "name of the data bundle")
ASSETS_COUNT: Final = _attribute("rustybt.assets.count", "span", "number of assets asked for (int)")
BAR_COUNT: Final = _attribute("rustybt.bar_count", "span", "length of the history window (int)")
FIELD: Final = _attribute("rustybt.field", "span", "field asked for: `close`, `volume`")
FREQUENCY: Final = _attribute("rustybt.frequency", "span", "data frequency: `1d`, `daily`")
TRIAL_NUMBER: Final = _attribute("rustybt.trial.number", "span", "number of the trial (int)")
TRIAL_SCORE: Final = _attribute("rustybt.trial.score", "span", "score of the trial (double)")
TRIAL_PARAMS: Final = _attribute(
    "rustybt.trial.params", "span", "names of the trial's parameters (string array)"
)
TRIAL_PARAMS_HMAC: Final = _attribute(
    "rustybt.trial.params.hmac",
    "span",
    "HMAC-SHA-256 of the parameters under a key of this run that is never exported",
)
TRIAL_PARAM_VALUES: Final = _attribute(
    "rustybt.trial.params.values", "span", "the parameters as JSON, only with `RBTRACE_PARAMS`"
)
SEARCH_ALGORITHM: Final = _attribute(
    "rustybt.search.algorithm", "span", "class of the search algorithm"
)
WORKERS: Final = _attribute("rustybt.workers", "span", "number of worker processes (int)")
WINDOW_ID: Final = _attribute("rustybt.window.id", "span", "walk-forward window (int)")
FINGERPRINT: Final = _attribute(
    "rustybt.result.fingerprint", "span", "digest of the backtest's portfolio values"
)
