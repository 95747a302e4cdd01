"""OTLP receivers that fail in the ways networks and collectors do."""

from __future__ import annotations

import gzip
import http.server
import json
import threading
from contextlib import contextmanager


class Received:
    """What arrived, and what the next answers are (200 when there are none)."""

    def __init__(self):
        self.spans = []
        self.headers = []
        self.answers = []

    @property
    def ids(self):
        return [span["spanId"] for span in self.spans]


@contextmanager
def http_receiver():
    """A receiver on a port of its own. An answer of `drop` stores, then hangs up unanswered."""
    received = Received()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = received.answers.pop(0) if received.answers else 200
            received.headers.append(dict(self.headers))
            if isinstance(answer, dict) or answer in {200, "drop"}:
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                for group in json.loads(body)["resourceSpans"]:
                    for scope in group["scopeSpans"]:
                        received.spans += scope["spans"]
            if answer == "drop":
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(answer if isinstance(answer, int) else 200)
            content = b"{}" if isinstance(answer, int) else json.dumps(answer).encode()
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

        def handle_one_request(self):
            try:
                super().handle_one_request()
            except (ValueError, OSError):
                self.close_connection = True  # hung up on purpose

    with _serving(Handler) as address:
        yield address, received


@contextmanager
def protobuf_receiver():
    """A receiver of OTLP/HTTP protobuf; gives its address and the list of the span ids it took."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    taken = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            request = ExportTraceServiceRequest()
            request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
            for group in request.resource_spans:
                for scope in group.scope_spans:
                    taken.extend(span.span_id.hex() for span in scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with _serving(Handler) as address:
        yield address, taken


@contextmanager
def _serving(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
