"""What the standard `OTEL_EXPORTER_OTLP_*` variables say is what the real collector sees."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from rbtrace.commands.replay.collector import connect
from rbtrace.commands.replay.endpoint import BusyError, endpoint_of
from tests.stack.tools import Stack, rbtrace, stopped, trace

PROTOCOLS = ("grpc", "http/protobuf")


class Wire:
    """What went through a forwarding port."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self.sent = bytearray()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.server.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.server.accept()
                collector = socket.create_connection(self._target)
                for source, sink, note in (
                    (client, collector, self.sent),
                    (collector, client, None),
                ):
                    threading.Thread(
                        target=self._forward, args=(source, sink, note), daemon=True
                    ).start()

    @staticmethod
    def _forward(source: socket.socket, sink: socket.socket, note: bytearray | None) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if note is not None:
                    note.extend(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def wire_to(target: str) -> Iterator[Wire]:
    wire = Wire(target)
    threading.Thread(target=wire.serve, daemon=True).start()
    try:
        yield wire
    finally:
        wire.server.close()


def variables_of(stack: Stack, protocol: str, address: str | None = None) -> dict[str, str]:
    name = "COLLECTOR_GRPC" if protocol == "grpc" else "COLLECTOR_HTTP"
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address or stack.address(name)}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
    }


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_compression(stack, small_program, tmp_path, protocol, compression):
    service = f"compression-{compression}-{protocol[:4]}"
    target = stack.address("COLLECTOR_GRPC" if protocol == "grpc" else "COLLECTOR_HTTP")
    with wire_to(target) as wire:
        variables = variables_of(stack, protocol, wire.address)
        variables["OTEL_EXPORTER_OTLP_COMPRESSION"] = compression
        traced = trace(small_program, service, tmp_path / "out", **variables)
        rbtrace("replay", str(traced.folder), "--again", **variables)
        stack.settle(service, traced.counted)

    assert len(stack.in_files(service)) == traced.counted == 32
    # Names of attributes stand in a request as they are, unless it is compressed.
    assert (b"service.instance.id" in wire.sent) is (compression == "none")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_timeout_is_how_long_a_collector_that_hangs_is_asked(stack, protocol):
    endpoint = variables_of(stack, protocol)["OTEL_EXPORTER_OTLP_ENDPOINT"]
    with stopped(stack.collector.process):
        seconds = [asking(endpoint, protocol, timeout) for timeout in (0.5, 4.0)]

    assert 0.5 <= seconds[0] < 4.0 <= seconds[1]


def asking(endpoint: str, protocol: str, timeout: float) -> float:
    """How long a request takes that is not answered, without what it takes to get ready."""
    spoken = "grpc" if protocol == "grpc" else "http"
    variables = {"OTEL_EXPORTER_OTLP_TIMEOUT": str(timeout)}
    receiver = connect(endpoint_of(endpoint, spoken, variables))
    started = time.monotonic()
    try:
        with pytest.raises(BusyError):
            receiver.send(b'{"resourceSpans": []}')
    finally:
        receiver.close()
    return time.monotonic() - started
