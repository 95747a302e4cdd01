"""Comparisons, shares and verdicts as JSON, and back."""

from __future__ import annotations

from typing import Any, Final

from rbtrace.statistics.comparison import Comparison
from rbtrace.statistics.compounding import Compounded
from rbtrace.statistics.decomposition import Decomposition
from rbtrace.statistics.documents import Family
from rbtrace.statistics.equivalence import Equivalence
from rbtrace.statistics.findings import Finding
from rbtrace.statistics.looks import Look
from rbtrace.statistics.shares import ShareInterval
from rbtrace.statistics.verdicts import Verdict


def _encode(value: Any) -> Any:
    if isinstance(value, Finding):
        return {"code": str(value), "message": value.message}
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


def _decode(kind: type, value: Any) -> Any:
    if kind is Finding:
        return Finding(value["code"], value["message"])
    raise NotImplementedError(f"{kind.__name__} has no JSON form")


_FAMILY: Final = Family(
    "rbtrace.statistics",
    (Comparison, Compounded, Decomposition, Equivalence, Look, ShareInterval, Verdict),
    _encode,
    _decode,
)

dumps = _FAMILY.dumps
loads = _FAMILY.loads
