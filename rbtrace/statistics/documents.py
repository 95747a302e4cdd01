"""Results to JSON and back; every document names its format, version and kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from rbtrace.errors import InputError
from rbtrace.statistics.changes import Compounded, Decomposition
from rbtrace.statistics.comparison import Comparison
from rbtrace.statistics.findings import Finding
from rbtrace.statistics.multiple_testing import Look
from rbtrace.statistics.shares import ShareInterval
from rbtrace.statistics.verdicts import Equivalence, Verdict

VERSION: Final = 1


class DocumentError(InputError, ValueError):
    """A JSON document is damaged, of another kind, or of a version this rbtrace cannot read."""


class Family:
    """Kinds of documents that are written and read in one way.

    Args:
        name: the documents' `format`.
        kinds: the classes, dataclasses of plain fields, by their own names.
        encode: turns what JSON does not know into what it knows.
        decode: turns that back into an instance of the type it is given.
    """

    def __init__(
        self,
        name: str,
        kinds: tuple[type, ...],
        encode: Callable[[Any], Any],
        decode: Callable[[type, Any], Any],
    ) -> None:
        self._name = name
        self._kinds: Mapping[str, type] = {kind.__name__: kind for kind in kinds}
        self._encode = encode
        self._decode = decode

    def dumps(self, value: object) -> str:
        """The document of a value, indented.

        Raises:
            TypeError: the value is of no kind of this family.
        """
        kind = type(value).__name__
        if self._kinds.get(kind) is not type(value):
            raise TypeError(f"{kind} is none of {', '.join(self._kinds)}")
        document = {
            "format": self._name,
            "version": VERSION,
            "kind": kind,
            "value": msgspec.to_builtins(value, enc_hook=self._encode),
        }
        return msgspec.json.format(msgspec.json.encode(document)).decode()

    def loads(self, text: str | bytes) -> Any:
        """The value of a document, checked field by field.

        Raises:
            DocumentError: it is not one, of another format or version, or a field is wrong.
        """
        document = self._envelope(text)
        kind = self._kinds.get(str(document.get("kind")))
        if kind is None:
            raise DocumentError(
                f"kind is {document.get('kind')!r}; {self._name} has {', '.join(self._kinds)}"
            )
        try:
            return msgspec.convert(document.get("value"), kind, dec_hook=self._decode)
        except (msgspec.ValidationError, ValueError) as problem:
            raise DocumentError(f"{kind.__name__} cannot be read: {problem}") from problem

    def _envelope(self, text: str | bytes) -> dict[str, Any]:
        try:
            document = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError) as problem:
            raise DocumentError(f"this is not JSON: {problem}") from problem
        if not isinstance(document, dict) or document.get("format") != self._name:
            raise DocumentError(f'this is no {self._name} document: "format" is not "{self._name}"')
        if document.get("version") != VERSION:
            raise DocumentError(
                f"{self._name}: version {document.get('version')!r} cannot be read, "
                f"only {VERSION}; read it with the rbtrace that wrote it"
            )
        return document


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
