"""Comparisons, shares and verdicts as JSON, and back."""

from __future__ import annotations

from typing import Any, Final

from rbtrace.statistics.comparison import Comparison
from rbtrace.statistics.compounding import Compounded
from rbtrace.statistics.decomposition import Decomposition
from rbtrace.statistics.documents import Family
from rbtrace.statistics.findings import Finding
from rbtrace.statistics.looks import Look
from rbtrace.statistics.shares import ShareInterval
from rbtrace.statistics.tost import Equivalence
from rbtrace.statistics.verdicts import Verdict


def encode_finding(value: Any) -> Any:
    """What msgspec writes for a finding.

    Raises:
        NotImplementedError: it is something else.
    """
    if isinstance(value, Finding):
        return {"code": str(value), "message": value.message}
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


def decode_finding(kind: type, value: Any) -> Any:
    """The finding that `encode_finding` wrote.

    Raises:
        NotImplementedError: something else is wanted.
        ValueError: it is none.
    """
    if kind is not Finding:
        raise NotImplementedError(f"{kind} has no JSON form")
    if not isinstance(value, dict) or not {"code", "message"} <= value.keys():
        raise ValueError("a warning needs a code and a message")
    return Finding(value["code"], value["message"])


_FAMILY: Final = Family(
    "rbtrace.statistics",
    (Comparison, Compounded, Decomposition, Equivalence, Look, ShareInterval, Verdict),
    encode_finding,
    decode_finding,
)

dumps = _FAMILY.dumps
loads = _FAMILY.loads
