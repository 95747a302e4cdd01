"""ClickHouse, queried over HTTP: `clickhouse://host:8123/database?run=…&lookback=2h`.

All statements run in the server, in one session with temporary tables; only the rows of the report
are transferred. User and password come from the environment, so that neither the list of processes
nor the history of a shell shows them.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import quote, unquote, urlencode, urlsplit
from uuid import uuid4

import msgspec

from rbtrace.analysis.loading import ReadReport
from rbtrace.analysis.results import Results
from rbtrace.analysis.sources import ReadFaults, Sidecars
from rbtrace.analysis.sql import otel_traces
from rbtrace.analysis.sql.engine import number
from rbtrace.analysis.sql.results import evaluate_in
from rbtrace.analysis.urls import CLICKHOUSE_SCHEMES, host_of, lookback_ns, parameters, port_of
from rbtrace.errors import InputError

_PORTS: Final = {"http": 8123, "https": 8443}
_PARAMETERS: Final = ("run", "lookback", "table")
_TIMEOUT_S: Final = 3600.0
_SETTINGS: Final = {
    "default_format": "JSONCompactEachRow",
    "join_use_nulls": "1",
    "max_query_size": "100000000",  # a filter may name many processes
    "output_format_json_quote_64bit_integers": "0",
    "session_timeout": "3600",
    "wait_end_of_query": "1",  # so that a statement that fails later is an error, too
}


@dataclass(frozen=True, slots=True)
class ClickHouseQuery:
    """A server, and which of its spans to analyze.

    Attributes:
        base: its address.
        database: the database.
        table: the table the collector writes traces to.
        run: analyze the traces of this run alone.
        lookback: how far back, ns; None for everything.
    """

    base: str
    database: str
    table: str
    run: str | None
    lookback: int | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `clickhouse://host[:port][/database][?table=…&run=…&lookback=2h]`.

        Raises:
            InputError: it is not of that form.
        """
        parts = urlsplit(text)
        scheme = CLICKHOUSE_SCHEMES[parts.scheme]
        if not parts.hostname or parts.username is not None:
            # The URL is not shown: it may hold a password.
            raise InputError(
                "not a ClickHouse: write it as clickhouse://localhost:8123/default, with user and "
                "password in CLICKHOUSE_USER and CLICKHOUSE_PASSWORD"
            )
        options = parameters(text, _PARAMETERS)
        lookback = options.get("lookback")
        return cls(
            f"{scheme}://{host_of(text)}:{port_of(text, _PORTS[scheme])}",
            unquote(parts.path.strip("/")) or "default",
            options.get("table", "otel_traces"),
            options.get("run"),
            None if lookback is None else lookback_ns(lookback),
        )

    @property
    def source(self) -> str:
        """The table as in a statement."""
        return f"{otel_traces.identifier(self.database)}.{otel_traces.identifier(self.table)}"

    @property
    def where(self) -> str:
        """The condition on its rows."""
        since = None if self.lookback is None else time.time_ns() - self.lookback
        return otel_traces.conditions(self.run, since, self.source)


class ClickHouse:
    """A session of a server; see `rbtrace.analysis.sql.engine.Engine`.

    Args:
        query: which spans of which server.

    Raises:
        InputError: it does not answer, or refuses a statement; from every method.
    """

    name = "ClickHouse"

    def __init__(self, query: ClickHouseQuery) -> None:
        self._base = query.base
        parameters = _SETTINGS | {"database": query.database, "session_id": f"rbtrace-{uuid4()}"}
        self._url = f"{query.base}/?{urlencode(parameters, quote_via=quote)}"
        self._tables: set[str] = set()

    def load(self, query: ClickHouseQuery) -> int:
        """Make the tables `records` and `buckets`.

        Returns:
            How many rows have no usable ids.

        Raises:
            InputError: also where the table is none of the collector's, or its attributes are JSON.
        """
        source, where = query.source, query.where
        ((kind,),) = self.ask(otel_traces.ATTRIBUTES_TYPE.replace("TABLE", source))
        if kind and not kind.startswith("Map("):
            raise InputError(
                f"{source} at {self._base} has attributes of type {kind}; only tables with maps, "
                "the exporter's default, can be analyzed"
            )
        self.make("records", otel_traces.records(source, where))
        self.make("buckets", otel_traces.BUCKETS)
        unusable = otel_traces.UNUSABLE.replace("TABLE", source).replace("WHERE", where)
        return number(self, unusable)

    def make(self, table: str, query: str) -> None:
        """See `Engine`; temporary tables cannot be renamed, so a table made of itself is copied."""
        if table in self._tables and re.search(rf"\b{table}\b", query):
            self._create(f"next_{table}", query)
            query = f"select * from next_{table}"
        if table in self._tables:
            self._drop(table)
        self._create(table, query)
        self._drop(f"next_{table}")

    def add(self, table: str, query: str) -> None:
        """See `Engine`."""
        self._run(f"insert into {table} {query}")

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """See `Engine`."""
        return [tuple(msgspec.json.decode(line)) for line in self._run(query).splitlines()]

    def quotient(self, of: str, by: str) -> str:
        """See `Engine`."""
        return f"intDiv({of}, {by})"

    def close(self) -> None:
        """Drop the tables at once, rather than when the session ends."""
        with suppress(InputError):  # a server that no longer answers has dropped them
            for table in sorted(self._tables):
                self._drop(table)

    def _create(self, table: str, query: str) -> None:
        self._run(f"create temporary table {table} engine = MergeTree order by tuple() as {query}")
        self._tables.add(table)

    def _drop(self, table: str) -> None:
        if table in self._tables:
            self._run(f"drop temporary table {table}")
            self._tables.discard(table)

    def _run(self, statement: str) -> bytes:
        import urllib.error  # noqa: PLC0415 - slow to import, and few ask a ClickHouse
        import urllib.request  # noqa: PLC0415

        headers = {
            "X-ClickHouse-User": os.environ.get("CLICKHOUSE_USER", "default"),
            "X-ClickHouse-Key": os.environ.get("CLICKHOUSE_PASSWORD", ""),
        }
        request = urllib.request.Request(  # noqa: S310 - http(s)
            self._url, statement.encode(), headers
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                content: bytes = answer.read()
        except urllib.error.HTTPError as problem:
            answer_text = problem.read(500).decode(errors="replace").strip().partition("\n")[0]
            raise InputError(
                f"ClickHouse at {self._base} answers {problem.code}: {answer_text}"
            ) from None
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "reason", problem)
            raise InputError(f"cannot ask ClickHouse at {self._base}: {reason}") from None
        return content


def evaluate_clickhouse(text: str, *, full: bool = False, only: str | None = None) -> Results:
    """Analyze spans in the ClickHouse that stores them.

    Args:
        text: its URL; see `ClickHouseQuery.parse`.
        full: make the timeline and histograms as well.
        only: a filter: which spans count in breakdowns and trials.

    Raises:
        InputError: there is no span, or the ClickHouse does not answer.
    """
    query = ClickHouseQuery.parse(text)
    with closing(ClickHouse(query)) as engine:
        faults = ReadFaults(invalid_lines=engine.load(query))
        if not number(engine, "select count(*) from records"):
            of_run = f" of run {query.run}" if query.run else ""
            raise InputError(f"no spans{of_run} in {query.source} at {query.base}")
        read = ReadReport([text], 1, faults, Sidecars([], [], [], [], []))
        how = f"by {engine.name} at {query.base}"
        return evaluate_in(engine, read, how, full=full, only=only)
