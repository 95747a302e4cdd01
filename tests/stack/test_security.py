"""Strangers are refused, what they sent is stored nowhere, and the refused spans are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.stack.tools import (
    ROOT,
    TOKEN,
    certificates,
    prepared,
    rbtrace,
    running,
    trace,
    wait_until,
)

SECURED = str(ROOT / "collector" / "overlays" / "secured.yaml")
AGENT = str(ROOT / "collector" / "overlays" / "agent.yaml")
PROTOCOLS = ("grpc", "http/protobuf")


@pytest.fixture(scope="module")
def secured(otelcol, jaeger_binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("secured")
    with running(
        otelcol, jaeger_binary, folder / "data", (SECURED,), **certificates(folder)
    ) as stack:
        yield stack, folder / "ca.crt"


def client(stack, certificate, protocol, token=TOKEN, scheme="https"):
    """The variables of a client; `token` None sends none."""
    name = "COLLECTOR_GRPC" if protocol == "grpc" else "COLLECTOR_HTTP"
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{scheme}://{stack.address(name)}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificate),
        "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
    }
    if token is not None:
        variables["OTEL_EXPORTER_OTLP_HEADERS"] = f"authorization=Bearer%20{token}"
    return variables


def assert_refused(stack, variables, small_program, folder):
    """The program goes on, keeps every span and says nothing twice; the collector stores none."""
    traced = trace(small_program, "stranger", folder, **variables)
    doctor = rbtrace("doctor", expect=2, **variables)

    assert traced.counted == len(traced.in_files("stranger")) == 32
    (said,) = [line for line in traced.complaints.splitlines() if line.startswith("rbtrace: ")]
    assert "kept in files" in said
    assert "Traceback" not in traced.complaints
    assert not stack.in_files("stranger")
    assert not stack.in_jaeger("stranger")
    for text in (doctor.stdout, doctor.stderr, traced.complaints, traced.printed):
        assert TOKEN not in text


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("token", [None, "another"])
def test_without_the_token(secured, small_program, tmp_path, protocol, token):
    stack, certificate = secured
    variables = client(stack, certificate, protocol, token)
    assert_refused(stack, variables, small_program, tmp_path / "out")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_text_to_a_port_of_tls(secured, small_program, tmp_path, protocol):
    stack, certificate = secured
    variables = client(stack, certificate, protocol, scheme="http")
    assert_refused(stack, variables, small_program, tmp_path / "out")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_expired_certificate(otelcol, jaeger_binary, small_program, tmp_path, protocol):
    expired = certificates(tmp_path, not_after=datetime.now(UTC) - timedelta(days=1))
    with running(otelcol, jaeger_binary, tmp_path / "data", (SECURED,), **expired) as stack:
        variables = client(stack, tmp_path / "ca.crt", protocol)
        assert_refused(stack, variables, small_program, tmp_path / "out")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_with_certificate_and_token_everything_arrives(secured, small_program, tmp_path, protocol):
    stack, certificate = secured
    service = f"friend-{protocol[:4]}"
    variables = client(stack, certificate, protocol)

    doctor = rbtrace("doctor", "--send-span", OTEL_SERVICE_NAME="examined", **variables)
    traced = trace(small_program, service, tmp_path / "out", **variables)
    rbtrace("replay", str(traced.folder), **variables)
    stack.settle(service, traced.counted)

    assert len(stack.in_files(service)) == len(stack.in_jaeger(service)) == traced.counted == 32
    (trace_id, _), *_ = reversed(stack.in_files("examined"))
    assert trace_id in doctor.stdout
    assert TOKEN not in doctor.stdout + doctor.stderr + traced.complaints
    for program in (stack.collector, stack.jaeger):
        assert TOKEN not in program.log.read_text()


def test_an_agent_delivers_to_a_gateway(secured, otelcol, jaeger_binary, small_program, tmp_path):
    gateway, certificate = secured
    folder = certificate.parent
    variables = {
        "COLLECTOR_GATEWAY": gateway.address("COLLECTOR_GRPC"),
        "COLLECTOR_GATEWAY_CA": str(certificate),
        "COLLECTOR_GATEWAY_TOKEN_FILE": str(folder / "token"),
    }
    with prepared(otelcol, jaeger_binary, tmp_path / "agent", (AGENT,), **variables) as agent:
        agent.collector.start()
        traced = trace(
            small_program, "far", tmp_path / "out", OTEL_EXPORTER_OTLP_ENDPOINT=agent.grpc
        )
        rbtrace("replay", str(traced.folder), "--endpoint", agent.http)
        gateway.settle("far", traced.counted)

        # What was sent a second time, since an answer came late, may still be on its way.
        wait_until(
            lambda: agent.in_files("far") == gateway.in_files("far") == gateway.in_jaeger("far"),
            "the same spans everywhere",
        )
        assert len(gateway.in_files("far")) == traced.counted == 32
        assert TOKEN not in agent.collector.log.read_text()


@pytest.fixture(scope="module")
def mutual(otelcol, jaeger_binary, tmp_path_factory):
    """A collector that asks clients for a certificate, and the folder of one."""
    folder = tmp_path_factory.mktemp("mutual")
    variables = certificates(folder) | {"COLLECTOR_TLS_CLIENT_CA": str(folder / "ca.crt")}
    with running(otelcol, jaeger_binary, folder / "data", (SECURED,), **variables) as stack:
        yield stack, folder


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_with_key_and_certificate_of_the_client(mutual, small_program, tmp_path, protocol):
    stack, folder = mutual
    service = f"known-{protocol[:4]}"
    variables = client(stack, folder / "ca.crt", protocol) | {
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(folder / "client.key"),
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(folder / "client.crt"),
    }

    rbtrace("doctor", "--send-span", OTEL_SERVICE_NAME="examined", **variables)
    traced = trace(small_program, service, tmp_path / "out", **variables)
    rbtrace("replay", str(traced.folder), **variables)
    stack.settle(service, traced.counted)

    assert len(stack.in_files(service)) == len(stack.in_jaeger(service)) == traced.counted == 32


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_without_the_certificate_of_a_client(mutual, small_program, tmp_path, protocol):
    stack, folder = mutual
    variables = client(stack, folder / "ca.crt", protocol)
    assert_refused(stack, variables, small_program, tmp_path / "out")
