"""The language of filters: `rustybt.trial.number < 10 and duration > 1ms`.

    filter     = term {"or" term}
    term       = factor {"and" factor}
    factor     = "not" factor | "(" filter ")" | comparison
    comparison = field ("<" | "<=" | ">" | ">=" | "==" | "!=" | "~") value
    value      = number [unit] | 'text' | "text"

Units are ns, us, µs, ms, s, min and h; a duration needs one. `~` asks whether a text contains
another. Nothing is evaluated but this: a filter is data, never code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Final, NamedTuple

from rbtrace.errors import FilterError


class FieldKind(Enum):
    """The type of a field's values; a duration is in ns."""

    TEXT = "a text"
    NUMBER = "a number"
    DURATION = "a duration"


class FilterComparison(NamedTuple):
    """One comparison of a field with a value, which fits the field's kind."""

    field: str
    operator: str
    value: Decimal | str


class Not(NamedTuple):
    """The negation of a filter."""

    part: FilterNode


class AndOr(NamedTuple):
    """Two filters joined by `and` or `or`."""

    operator: str
    left: FilterNode
    right: FilterNode


type FilterNode = FilterComparison | Not | AndOr

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d{1,3})?)(?P<unit>[a-zµμ]*)
    |(?P<text>'[^']*'|"[^"]*")|(?P<word>[A-Za-z_][\w.]*)|(?P<sign><=|>=|==|!=|[<>~()]))""",
    re.VERBOSE,
)
_UNITS: Final = {
    "ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9,
    "min": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip
_ORDER: Final = ("<", "<=", ">", ">=")
_OPERATORS: Final = {
    FieldKind.TEXT: ("==", "!=", "~"),
    FieldKind.NUMBER: (*_ORDER, "==", "!="),
    FieldKind.DURATION: (*_ORDER, "==", "!="),
}
_EXAMPLES: Final = {
    FieldKind.TEXT: "'text'",
    FieldKind.NUMBER: "10",
    FieldKind.DURATION: "1.5ms",
}
_DEEPEST: Final = 100
_GREATEST: Final = Decimal(10) ** 30


class _Token(NamedTuple):
    kind: str
    text: str
    unit: str
    position: int


def parse(text: str, fields: Mapping[str, FieldKind]) -> FilterNode:
    """Parse a filter.

    Args:
        text: the filter.
        fields: the fields there are.

    Raises:
        FilterError: it is invalid; the message says where and what was expected.
    """
    return _Parser(text, fields).parse()


class _Parser:
    """One pass over the tokens of one filter."""

    def __init__(self, text: str, fields: Mapping[str, FieldKind]) -> None:
        self._text = text
        self._fields = fields
        self._tokens = self._split()
        self._next = 0
        self._depth = 0

    def parse(self) -> FilterNode:
        node = self._filter()
        if self._peek.kind != "end":
            raise self._error("expected `and`, `or` or the end")
        return node

    def _split(self) -> list[_Token]:
        tokens = []
        at = 0
        while self._text[at:].strip():
            match = _TOKEN.match(self._text, at)
            if match is None:
                at += len(self._text[at:]) - len(self._text[at:].lstrip())
                raise FilterError(self._text, at, f"{self._text[at]!r} means nothing here")
            kind = next(kind for kind in ("number", "text", "word", "sign") if match[kind])
            tokens.append(_Token(kind, match[kind], match["unit"] or "", match.start(kind)))
            at = match.end()
        return [*tokens, _Token("end", "", "", len(self._text))]

    @property
    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._peek
        self._next += token.kind != "end"
        return token

    def _takes(self, text: str) -> bool:
        if self._peek.kind in {"word", "sign"} and self._peek.text == text:
            self._next += 1
            return True
        return False

    def _error(self, what: str, token: _Token | None = None) -> FilterError:
        token = token or self._peek
        actual = "the end" if token.kind == "end" else f"`{token.text}{token.unit}`"
        return FilterError(self._text, token.position, f"{what}, found {actual}")

    def _filter(self) -> FilterNode:
        return self._chain("or", self._term)

    def _term(self) -> FilterNode:
        return self._chain("and", self._factor)

    def _chain(self, operator: str, part: Callable[[], FilterNode]) -> FilterNode:
        node = part()
        while self._takes(operator):
            node = AndOr(operator, node, part())
        return node

    def _factor(self) -> FilterNode:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error("expected no more than a hundred levels")
        if self._takes("not"):
            node: FilterNode = Not(self._factor())
        elif self._takes("("):
            node = self._filter()
            if not self._takes(")"):
                raise self._error("expected `)`")
        else:
            node = self._comparison()
        self._depth -= 1
        return node

    def _comparison(self) -> FilterComparison:
        field = self._take()
        if field.kind != "word":
            raise self._error("expected a field", field)
        if field.text not in self._fields:
            known = ", ".join(sorted(self._fields))
            raise self._error(f"expected a field (there are {known})", field)
        kind = self._fields[field.text]
        operator = self._take()
        if operator.text not in _OPERATORS[kind]:
            allowed = " ".join(_OPERATORS[kind])
            raise self._error(f"expected one of {allowed} after `{field.text}`", operator)
        return FilterComparison(field.text, operator.text, self._value(kind))

    def _value(self, kind: FieldKind) -> Decimal | str:
        token = self._take()
        if token.kind == "number" and abs(Decimal(token.text)) > _GREATEST:
            raise self._error(f"expected a number of at most {_GREATEST:.0e}", token)
        if kind is FieldKind.TEXT and token.kind == "text":
            return token.text[1:-1]
        if kind is FieldKind.NUMBER and token.kind == "number" and not token.unit:
            return Decimal(token.text)
        if kind is FieldKind.DURATION and token.kind == "number" and token.unit in _UNITS:
            return Decimal(token.text) * _UNITS[token.unit]
        raise self._error(f"expected {kind.value}, as {_EXAMPLES[kind]}", token)
