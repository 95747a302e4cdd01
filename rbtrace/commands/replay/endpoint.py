"""The OTLP endpoint that spans are sent to, as options and `OTEL_EXPORTER_OTLP_*` say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol
from urllib.parse import urlsplit

from rbtrace.errors import RbtraceError

TRACES_PATH: Final = "/v1/traces"
GRPC: Final = "grpc"
HTTP: Final = "http"
PROTOCOLS: Final = (HTTP, GRPC)
PROTOCOL_OF_EXPORTER: Final = {"otlp_proto_grpc": GRPC, "otlp_proto_http": HTTP}
"""By the names that OpenTelemetry gives its exporters."""
_GRPC_PORT: Final = 4317
_DEFAULTS: Final = {GRPC: "http://localhost:4317", HTTP: "http://localhost:4318"}
_PROBE_TIMEOUT_S: Final = 5.0
_PREFIXES: Final = ("OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_")


class EndpointError(RbtraceError):
    """The endpoint cannot be used: its address, its certificate or what it answers says so."""


class BusyError(Exception):
    """The receiver cannot take the request now; another attempt may succeed."""


class RefusedError(Exception):
    """The receiver will never take this request."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of a receiver, and how to talk to it.

    Attributes:
        url: with scheme; for HTTP with the path of traces.
        protocol: one of `PROTOCOLS`.
        headers: sent with each request. Never shown.
        certificate: file of the certificates to trust, instead of the system's.
        client_key: file of the private key of `client_certificate`.
        client_certificate: file of the certificate to show.
        gzip: whether requests are compressed.
        timeout_s: how long a request may take.
    """

    url: str
    protocol: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificate: str | None = None
    client_key: str | None = None
    client_certificate: str | None = None
    gzip: bool = False
    timeout_s: float = 10.0

    @property
    def public_url(self) -> str:
        """The address without user name, password and query, which nobody is to see."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


class Sender(Protocol):
    """An open connection to an endpoint, whatever its protocol."""

    def send(self, request: bytes) -> int:
        """Send one OTLP/JSON request; return how many of its spans were rejected.

        Raises:
            BusyError: not now.
            RefusedError: never.
            EndpointError: no request will be taken here.
        """
        ...

    def close(self) -> None:
        """Let the connection go."""
        ...


def endpoint_of(url: str | None, protocol: str | None, environ: Mapping[str, str]) -> Endpoint:
    """The endpoint that options and environment name.

    Raises:
        EndpointError: there is none, or it cannot be understood.
    """
    url = url or _setting(environ, "ENDPOINT")
    if not url:
        raise EndpointError("name a collector: --endpoint http://localhost:4318")
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise EndpointError(f"{url} is no address; write it as http://localhost:4318")
    try:
        port = parts.port
    except ValueError:
        raise EndpointError(f"{url}: the port is no number from 0 to 65535") from None
    protocol = protocol or _protocol(environ, port)
    address = parts.geturl().rstrip("/")
    if protocol == HTTP and not parts.path.endswith(TRACES_PATH):
        address += TRACES_PATH
    return Endpoint(
        address,
        protocol,
        _headers(environ),
        _setting(environ, "CERTIFICATE"),
        _setting(environ, "CLIENT_KEY"),
        _setting(environ, "CLIENT_CERTIFICATE"),
        _setting(environ, "COMPRESSION") == "gzip",
        _timeout(environ),
    )


def endpoint_of_exporter(exporter: str, environ: Mapping[str, str]) -> Endpoint:
    """The endpoint that a recorded program of this environment sends to, with a short timeout.

    Args:
        exporter: one of `PROTOCOL_OF_EXPORTER`.
        environ: the environment.

    Raises:
        EndpointError: it cannot be understood.
    """
    protocol = PROTOCOL_OF_EXPORTER[exporter]
    url = _setting(environ, "ENDPOINT") or _DEFAULTS[protocol]
    endpoint = endpoint_of(url, protocol, environ)
    return replace(endpoint, timeout_s=min(endpoint.timeout_s, _PROBE_TIMEOUT_S))


def _setting(environ: Mapping[str, str], name: str) -> str | None:
    return next((environ[p + name] for p in _PREFIXES if environ.get(p + name)), None)


def _protocol(environ: Mapping[str, str], port: int | None) -> str:
    if protocol := _setting(environ, "PROTOCOL"):
        return GRPC if protocol == GRPC else HTTP
    return GRPC if port == _GRPC_PORT else HTTP


def _headers(environ: Mapping[str, str]) -> dict[str, str]:
    from opentelemetry.util.re import parse_env_headers  # noqa: PLC0415 - only when needed

    return dict(parse_env_headers(_setting(environ, "HEADERS") or "", liberal=True))


def _timeout(environ: Mapping[str, str]) -> float:
    text = _setting(environ, "TIMEOUT") or "10"
    try:
        return max(0.001, float(text))
    except ValueError:
        raise EndpointError(f"OTEL_EXPORTER_OTLP_TIMEOUT={text}: use seconds") from None
