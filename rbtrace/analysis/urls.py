"""URLs of servers that store spans: `scheme://host:port/…?lookback=2h`."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from rbtrace.errors import InputError

JAEGER_SCHEMES: Final = {"jaeger": "http", "jaegers": "https"}
CLICKHOUSE_SCHEMES: Final = {"clickhouse": "http", "clickhouses": "https"}
_UNITS_NS: Final = {"s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}


def parameters(text: str, known: Collection[str]) -> dict[str, str]:
    """The parameters in the query of a URL.

    Raises:
        InputError: a parameter is not known.
    """
    values = dict(parse_qsl(urlsplit(text).query))
    unknown = sorted(values.keys() - set(known))
    if unknown:
        allowed = ", ".join(known)
        raise InputError(f"{text}: {unknown[0]} is not a parameter; these are: {allowed}")
    return values


def port_of(text: str, default: int) -> int:
    """The port of a URL, or a default.

    Raises:
        InputError: it is no valid port.
    """
    try:
        return urlsplit(text).port or default
    except ValueError:
        raise InputError(f"{text}: the port is no number from 0 to 65535") from None


def host_of(text: str) -> str:
    """The host of a URL, as written in a URL."""
    host = urlsplit(text).hostname or ""
    return f"[{host}]" if ":" in host else host


def lookback_ns(text: str) -> int:
    """The duration `30s`, `15m`, `2h` or `7d`, ns.

    Raises:
        InputError: it is not of that form.
    """
    match = re.fullmatch(r"(\d+)([smhd])", text)
    if match is None:
        raise InputError(f"lookback={text}: write it as 30s, 15m, 2h or 7d")
    return int(match[1]) * _UNITS_NS[match[2]]
