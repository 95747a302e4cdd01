"""The meaning of the attributes of spans and resources for the analyses.

Readers convert the attributes of their format into a dictionary; this module extracts those that
rbtrace knows. Most spans of an operation have the same attributes, which are stored once, as
`SharedAttributes`; the attributes that few spans have for themselves are `OwnAttributes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from rbtrace import conventions as key

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
    ("host", key.HOST_NAME, _as_text),
    ("pid", key.PROCESS_PID, as_int),
    ("instance", key.SERVICE_INSTANCE_ID, _as_text),
    ("service", key.SERVICE_NAME, _as_text),
    ("run_id", key.RUN_ID, _as_text),
    ("arm", key.ARM, _as_text),
    ("pair", key.PAIR, as_int),
    ("order", key.ORDER, as_int),
)

_OWN: Final = (
    ("trial", key.TRIAL_NUMBER, as_int),
    ("score", key.TRIAL_SCORE, as_float),
    ("cpu_ns", key.CPU_NS, as_int),
    ("runqueue_ns", key.RUNQUEUE_NS, as_int),
    ("workers", key.WORKERS, as_int),
    ("spans_ended", key.SPANS_ENDED, as_int),
    ("fingerprint", key.FINGERPRINT, _as_text),
)
_OWN_KEYS: Final = frozenset(attribute for _, attribute, _ in _OWN)


KNOWN_ATTRIBUTES: Final = _OWN_KEYS.union(
    (attribute for _, attribute, _ in _ORIGIN_FIELDS),
    (key.CATEGORY, key.THREAD_ID, key.EXEMPLAR, key.LINK, key.IS_SUMMARY),
    (key.SPAN_COUNT, key.DURATION_TOTAL, key.DURATION_MIN, key.DURATION_MAX),
    (key.SELF_NS, key.LAST_END_NS, key.HISTOGRAM_BOUNDS, key.HISTOGRAM_COUNTS),
)
"""Keys of the attributes that the analyses use: no others need to be converted."""


def _origin_values(attributes: Mapping[str, object]) -> dict[str, Any]:
    return {
        field: convert(attributes[attribute])
        for field, attribute, convert in _ORIGIN_FIELDS
        if attribute in attributes
    }


def origin_of(attributes: Mapping[str, object]) -> Origin:
    """The origin of the spans of a resource, from its attributes."""
    return Origin(**_origin_values(attributes))


def shared_attributes_of(attributes: Mapping[str, object]) -> SharedAttributes:
    """The attributes of a span that other spans may share."""
    kind = REAL
    if attributes.get(key.IS_SUMMARY) is True:
        kind = SUMMARY
    elif attributes.get(key.EXEMPLAR) is True:
        kind = EXEMPLAR
    return SharedAttributes(
        kind,
        _as_text(attributes.get(key.CATEGORY)),
        _as_text(attributes.get(key.THREAD_ID)),
        # Without our run id, `host.name` on a span may well be the host it talks to.
        tuple(_origin_values(attributes).items()) if key.RUN_ID in attributes else (),
    )


def own_attributes_of(attributes: Mapping[str, object]) -> OwnAttributes | None:
    """The attributes of a span that are its own, or None."""
    values: dict[str, Any] = {}
    if not _OWN_KEYS.isdisjoint(attributes):
        values = {
            field: convert(attributes[attribute])
            for field, attribute, convert in _OWN
            if attribute in attributes
        }
    if attributes.get(key.IS_SUMMARY) is True:
        values["summary"] = _summary_of(attributes)
    return OwnAttributes(**values) if values else None


def _summary_of(attributes: Mapping[str, object]) -> Summary:
    def number(attribute: str, otherwise: int) -> int:
        number = as_int(attributes.get(attribute))
        return otherwise if number is None else max(0, number)

    def numbers(attribute: str) -> list[Any]:
        items = attributes.get(attribute)
        return items if isinstance(items, list) else []

    calls = number(key.SPAN_COUNT, 1)
    total = number(key.DURATION_TOTAL, 0)
    mean = total // max(1, calls)
    bounds = [as_float(bound) for bound in numbers(key.HISTOGRAM_BOUNDS)]
    counts = [as_int(count) for count in numbers(key.HISTOGRAM_COUNTS)]
    usable = len(counts) == len(bounds) + 1 and None not in bounds and None not in counts
    return Summary(
        calls,
        total,
        number(key.DURATION_MIN, mean),
        number(key.DURATION_MAX, mean),
        # A span that a collector has summarized has no self time: all of its time counts as such.
        number(key.SELF_NS, total),
        number(key.LAST_END_NS, 0),
        [bound for bound in bounds if bound is not None] if usable else [],
        [count for count in counts if count is not None] if usable else [],
    )
