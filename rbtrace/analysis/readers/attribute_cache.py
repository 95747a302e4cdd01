"""A cache of decoded attributes: the spans of an operation have the same, byte by byte."""

from __future__ import annotations

import re
from collections.abc import Buffer, Callable, Sequence
from itertools import repeat
from typing import Any, Final

import numpy as np

from rbtrace.analysis.arrays import Codes
from rbtrace.analysis.attributes import (
    OwnAttributes,
    SharedAttributes,
    origin_of,
    own_attributes_of,
    shared_attributes_of,
)
from rbtrace.analysis.columns import Builder
from rbtrace.analysis.sources import ReadFaults

_CACHED: Final = 1 << 10
_UNKNOWN: Final = -1
type DecodedAttributes = tuple[dict[str, Any], tuple[str, str] | None] | None
"""Attributes, and the parent that a link names, if one does; None: they make no sense."""

_MARKS: Final = re.compile(rb"rbtrace\.|aggregation\.|rustybt\.|thread\.id")
"""Attributes in which none of these stands say nothing to the analyses."""


class AttributeCache:
    """Turns raw attributes into codes of shared attributes; own ones are decoded each time.

    Args:
        into: whose interners give the codes.
        faults: where attributes that make no sense are counted.
        decode: from the raw bytes of attributes.

    Attributes:
        recent: codes of attributes met not long ago; a new dictionary at times.
    """

    def __init__(
        self, into: Builder, faults: ReadFaults, decode: Callable[[bytes], DecodedAttributes]
    ) -> None:
        self._into = into
        self._faults = faults
        self._decode = decode
        self._plain = into.shared[SharedAttributes()]
        self.recent: dict[bytes, int] = {}
        self._before: dict[bytes, int] = {}
        self._origins: dict[bytes, int] = {}

    def codes_of(self, attributes: Sequence[Buffer]) -> tuple[Codes, dict[int, OwnAttributes]]:
        """Codes of the spans' shared attributes, and by position what spans have for themselves."""
        known = map(self.recent.get, map(bytes, attributes), repeat(_UNKNOWN))
        codes = np.fromiter(known, np.int32, len(attributes))
        own_attributes: dict[int, OwnAttributes] = {}
        for row in np.flatnonzero(codes == _UNKNOWN).tolist():
            codes[row], own = self.code_of(bytes(attributes[row]))
            if own is not None:
                own_attributes[row] = own
        return codes, own_attributes

    def origin(self, resource: bytes, decode: Callable[[bytes], dict[str, Any]]) -> int:
        """Code of where the spans of a resource come from."""
        code = self._origins.get(resource)
        if code is None:
            code = self._origins[resource] = self._into.origins[origin_of(decode(resource))]
        return code

    def code_of(self, raw: bytes) -> tuple[int, OwnAttributes | None]:
        """Code of the shared attributes of a span, and what it has for itself."""
        code, own = self.recent.get(raw, self._before.get(raw)), None
        if code is None:
            code = self._plain
            if _MARKS.search(raw):
                code, own = self._decoded(raw)
        if own is None:
            if len(self.recent) >= _CACHED:  # what is still in use comes back from `_before`
                self.recent, self._before = {}, self.recent
            self.recent[raw] = code
        return code, own

    def _decoded(self, raw: bytes) -> tuple[int, OwnAttributes | None]:
        decoded = self._decode(raw)
        if decoded is None:
            self._faults.invalid_lines += 1
            return self._plain, None
        attributes, link = decoded
        own = own_attributes_of(attributes)
        if link is not None:
            own = (own or OwnAttributes())._replace(parent_link=link)
        return self._into.shared[shared_attributes_of(attributes)], own
