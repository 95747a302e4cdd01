"""OTLP/HTTP with JSON bodies: a line of a spans file is such a body."""

from __future__ import annotations

import gzip
import http.client
import ssl
from typing import Final
from urllib.parse import urlsplit

import msgspec

from rbtrace.commands.replay.endpoint import BusyError, Endpoint, EndpointError, RefusedError

_BUSY: Final = frozenset({408, 429, 502, 503, 504})
_NOT_ALLOWED: Final = {
    401: "it wants credentials: set OTEL_EXPORTER_OTLP_HEADERS",
    403: "these credentials may not send: look at OTEL_EXPORTER_OTLP_HEADERS",
    404: "there is no OTLP receiver at this path",
    405: "there is no OTLP receiver at this path",
    415: "it takes no OTLP JSON: use --protocol grpc",
}


class _Rejected(msgspec.Struct, rename="camel"):
    rejected_spans: int | str = 0


class _Answer(msgspec.Struct, rename="camel"):
    partial_success: _Rejected | None = None


class HttpSender:
    """A connection that is kept open over many requests."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Read the certificates; connect with the first request.

        Raises:
            EndpointError: a certificate cannot be used.
        """
        parts = urlsplit(endpoint.url)
        assert parts.hostname is not None
        self._url = endpoint.url
        self._path = parts.path + (f"?{parts.query}" if parts.query else "")
        self._gzip = endpoint.gzip
        self._headers = {"Content-Type": "application/json", **endpoint.headers}
        if endpoint.gzip:
            self._headers["Content-Encoding"] = "gzip"
        if parts.scheme == "https":
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=endpoint.timeout_s, context=_tls(endpoint)
            )
        else:
            self._connection = http.client.HTTPConnection(
                parts.hostname, parts.port, timeout=endpoint.timeout_s
            )

    def send(self, request: bytes) -> int:
        """Send one request; return how many of its spans were rejected."""
        body = gzip.compress(request, 6) if self._gzip else request
        try:
            self._connection.request("POST", self._path, body, self._headers)
            response = self._connection.getresponse()
            answer = response.read()
        except ssl.SSLCertVerificationError as problem:
            raise EndpointError(f"{self._url}: {problem.verify_message}") from None
        except ssl.SSLError as problem:
            raise EndpointError(f"{self._url} does not speak TLS: {problem.reason}") from None
        except (OSError, http.client.HTTPException) as problem:
            self._connection.close()
            raise BusyError(str(problem) or type(problem).__name__) from None
        return self._judge(response.status, response.reason, answer)

    def _judge(self, status: int, reason: str, answer: bytes) -> int:
        if status in _BUSY:
            raise BusyError(f"{status} {reason}")
        if status in _NOT_ALLOWED:
            raise EndpointError(f"{self._url} answers {status} {reason}: {_NOT_ALLOWED[status]}")
        if not 200 <= status < 300:
            raise RefusedError(f"{status} {reason}")
        try:
            partial = msgspec.json.decode(answer or b"{}", type=_Answer).partial_success
        except (msgspec.MsgspecError, ValueError):
            return 0  # a proxy's empty or foreign answer to a request that was taken
        return int(partial.rejected_spans) if partial else 0

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _tls(endpoint: Endpoint) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=endpoint.certificate)
        if endpoint.client_certificate:
            context.load_cert_chain(endpoint.client_certificate, endpoint.client_key)
    except (OSError, ssl.SSLError) as problem:
        named = endpoint.certificate or endpoint.client_certificate
        raise EndpointError(f"cannot use the certificate {named}: {problem}") from None
    return context
