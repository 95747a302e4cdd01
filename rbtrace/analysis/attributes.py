"""The meaning of the attributes of spans and resources for the analyses.

Readers convert the attributes of their format into a dictionary; this module extracts those that
rbtrace knows. Most spans of an operation have the same attributes, which are stored once, as
`SharedAttributes`; the attributes that few spans have for themselves are `OwnAttributes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from rbtrace import conventions as names

REAL: Final = 0
SUMMARY: Final = 1
EXEMPLAR: Final = 2


class Origin(NamedTuple):
    """Where spans come from: a process, and the run it belongs to."""

    host: str = ""
    pid: int | None = None
    instance: str = ""
    service: str = ""
    run_id: str = ""
    arm: str | None = None
    pair: int | None = None
    order: int | None = None

    @property
    def process(self) -> str:
        """The process as reports show it: host/pid, or what is known instead."""
        if self.pid is not None:
            return f"{self.host}/{self.pid}" if self.host else str(self.pid)
        return self.instance or self.service or self.host or "unknown"


class SharedAttributes(NamedTuple):
    """Attributes that many spans share. `moved` holds origin fields set on the span."""

    kind: int = REAL
    category: str = ""
    thread: str = ""
    moved: tuple[tuple[str, Any], ...] = ()


class Summary(NamedTuple):
    """The figures of a summary span; times in ns. Counts are cumulative, bounds upper, in s."""

    calls: int
    total: int
    shortest: int
    longest: int
    self_ns: int
    last_end: int
    bounds: list[float]
    counts: list[int]


class OwnAttributes(NamedTuple):
    """Attributes and links that are a span's own; None where it has no such attribute."""

    summary: Summary | None = None
    trial: int | None = None
    score: float | None = None
    cpu_ns: int | None = None
    runqueue_ns: int | None = None
    workers: int | None = None
    spans_ended: int | None = None
    fingerprint: str | None = None
    parent_link: tuple[str, str] | None = None


def as_int(value: object) -> int | None:
    """A whole number that fits 64 bits, from a number or its decimal text; None otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | str | float):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    return number if -(2**63) <= number < 2**63 else None


def as_float(value: object) -> float | None:
    """A number, from a number or its text; None otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | str | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _as_text(value: object) -> str:
    return "" if value is None else str(value)


_ORIGIN_FIELDS: Final = (
    ("host", names.HOST_NAME, _as_text),
    ("pid", names.PROCESS_PID, as_int),
    ("instance", names.SERVICE_INSTANCE_ID, _as_text),
    ("service", names.SERVICE_NAME, _as_text),
    ("run_id", names.RUN_ID, _as_text),
    ("arm", names.ARM, _as_text),
    ("pair", names.PAIR, as_int),
    ("order", names.ORDER, as_int),
)

_OWN: Final = (
    ("trial", names.TRIAL_NUMBER, as_int),
    ("score", names.TRIAL_SCORE, as_float),
    ("cpu_ns", names.CPU_NS, as_int),
    ("runqueue_ns", names.RUNQUEUE_NS, as_int),
    ("workers", names.WORKERS, as_int),
    ("spans_ended", names.SPANS_ENDED, as_int),
    ("fingerprint", names.FINGERPRINT, _as_text),
)
_OWN_KEYS: Final = frozenset(key for _, key, _ in _OWN)


KNOWN_ATTRIBUTES: Final = _OWN_KEYS.union(
    (key for _, key, _ in _ORIGIN_FIELDS),
    (names.CATEGORY, names.THREAD_ID, names.EXEMPLAR, names.LINK, names.IS_SUMMARY),
    (names.SPAN_COUNT, names.DURATION_TOTAL, names.DURATION_MIN, names.DURATION_MAX),
    (names.SELF_NS, names.LAST_END_NS, names.HISTOGRAM_BOUNDS, names.HISTOGRAM_COUNTS),
)
"""Keys of the attributes that the analyses use: no others need to be converted."""


def _origin_values(attributes: Mapping[str, object]) -> dict[str, Any]:
    return {
        field: convert(attributes[key])
        for field, key, convert in _ORIGIN_FIELDS
        if key in attributes
    }


def origin_of(attributes: Mapping[str, object]) -> Origin:
    """The origin of the spans of a resource, from its attributes."""
    return Origin(**_origin_values(attributes))


def shared_attributes_of(attributes: Mapping[str, object]) -> SharedAttributes:
    """The attributes of a span that other spans may share."""
    kind = REAL
    if attributes.get(names.IS_SUMMARY) is True:
        kind = SUMMARY
    elif attributes.get(names.EXEMPLAR) is True:
        kind = EXEMPLAR
    return SharedAttributes(
        kind,
        _as_text(attributes.get(names.CATEGORY)),
        _as_text(attributes.get(names.THREAD_ID)),
        # Without our run id, `host.name` on a span may well be the host it talks to.
        tuple(_origin_values(attributes).items()) if names.RUN_ID in attributes else (),
    )


def own_attributes_of(attributes: Mapping[str, object]) -> OwnAttributes | None:
    """The attributes of a span that are its own, or None."""
    values: dict[str, Any] = {}
    if not _OWN_KEYS.isdisjoint(attributes):
        values = {
            field: convert(attributes[key]) for field, key, convert in _OWN if key in attributes
        }
    if attributes.get(names.IS_SUMMARY) is True:
        values["summary"] = _summary_of(attributes)
    return OwnAttributes(**values) if values else None


def _summary_of(attributes: Mapping[str, object]) -> Summary:
    def number(key: str, otherwise: int) -> int:
        number = as_int(attributes.get(key))
        return otherwise if number is None else max(0, number)

    def numbers(key: str) -> list[Any]:
        items = attributes.get(key)
        return items if isinstance(items, list) else []

    calls = number(names.SPAN_COUNT, 1)
    total = number(names.DURATION_TOTAL, 0)
    mean = total // max(1, calls)
    bounds = [as_float(bound) for bound in numbers(names.HISTOGRAM_BOUNDS)]
    counts = [as_int(count) for count in numbers(names.HISTOGRAM_COUNTS)]
    usable = len(counts) == len(bounds) + 1 and None not in bounds and None not in counts
    return Summary(
        calls,
        total,
        number(names.DURATION_MIN, mean),
        number(names.DURATION_MAX, mean),
        # A span that a collector has summarized has no self time: all of its time counts as such.
        number(names.SELF_NS, total),
        number(names.LAST_END_NS, 0),
        [bound for bound in bounds if bound is not None] if usable else [],
        [count for count in counts if count is not None] if usable else [],
    )
