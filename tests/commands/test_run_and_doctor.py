"""`rbtrace run` and `rbtrace doctor`, as a user calls them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rbtrace.testing import read_spans
from tests.support.receivers import http_receiver


@pytest.fixture
def rbtrace(tmp_path):
    def call(*arguments, **variables):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("RBTRACE_", "OTEL_"))}
        return subprocess.run(
            [sys.executable, "-m", "rbtrace", *arguments],
            env={**inherited, **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return call


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        "import sys, rbtrace\n"
        "with rbtrace.span('run', arguments=' '.join(sys.argv[1:])): pass\n"
        "sys.exit(7)\n",
        encoding="utf-8",
    )
    return path


def test_run_traces_a_program_and_keeps_its_arguments_and_status(rbtrace, program, tmp_path):
    done = rbtrace("run", "--dir", "out", "--arm", "baseline", "program.py", "--fast", "-x", "1")
    assert done.returncode == 7, done.stderr
    (span,) = read_spans((tmp_path / "out").rglob("*.otlp.jsonl"))
    assert span.attributes["arguments"] == "--fast -x 1"
    assert span.resource["rbtrace.arm"] == "baseline"


def test_run_a_module(rbtrace, program, tmp_path):
    done = rbtrace("run", "-m", "program", "a")
    assert done.returncode == 7, done.stderr
    (span,) = read_spans((tmp_path / "rbtrace-out").rglob("*.otlp.jsonl"))
    assert span.attributes["arguments"] == "a"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "missing.py"), "missing.py does not exist"),
        (("run", "--detail", "everything", "program.py"), "summary or calls"),
        (("run",), "Missing argument"),
    ],
)
def test_run_refuses_in_one_line(rbtrace, program, arguments, said):
    done = rbtrace(*arguments)
    assert done.returncode == 2
    assert said in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_run_refuses_an_unusable_variable(rbtrace, program):
    done = rbtrace("run", "program.py", RBTRACE_DETAIL="everything")
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "RBTRACE_DETAIL='everything'" in line


def test_doctor_is_content_with_a_sound_environment(rbtrace):
    done = rbtrace("doctor")
    assert done.returncode == 0, done.stdout
    for said in ("python", "start-up file", "tracing", "off: set RBTRACE_ENABLED=1", "files"):
        assert said in done.stdout
    assert "!!" not in done.stdout


def test_doctor_says_what_is_on_and_where_data_goes(rbtrace, tmp_path):
    with http_receiver() as (url, received):
        done = rbtrace(
            "doctor",
            RBTRACE_ENABLED="1",
            RBTRACE_DIR="here",
            OTEL_EXPORTER_OTLP_ENDPOINT=url,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        )
    assert done.returncode == 0, done.stdout
    assert str(tmp_path / "here") in done.stdout
    assert "otlp_proto_http" in done.stdout
    assert f"{url}/v1/traces answers" in done.stdout
    assert "RBTRACE_DIR" in done.stdout
    assert received.spans == []


def test_doctor_sends_a_span_when_asked_and_shows_no_token(rbtrace):
    with http_receiver() as (url, received):
        done = rbtrace(
            "doctor",
            "--send-span",
            OTEL_EXPORTER_OTLP_ENDPOINT=url,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20secret",
            OTEL_SERVICE_NAME="mine",
        )
    assert done.returncode == 0, done.stdout
    (span,) = received.spans
    assert span["name"] == "rbtrace doctor"
    assert span["traceId"] in done.stdout
    assert received.headers[-1]["authorization"] == "Bearer secret"
    assert "secret" not in done.stdout + done.stderr


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_doctor_says_that_a_collector_does_not_answer(rbtrace, protocol):
    done = rbtrace(
        "doctor",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://me:secret@127.0.0.1:1",
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
    )
    assert done.returncode == 2
    (bad,) = [line for line in done.stdout.splitlines() if line.startswith("!!")]
    assert "127.0.0.1:1" in bad
    assert "does not answer" in bad
    assert "secret" not in done.stdout + done.stderr


def test_doctor_has_nowhere_to_send_a_span_to(rbtrace):
    done = rbtrace("doctor", "--send-span")
    assert done.returncode == 2
    assert "set OTEL_EXPORTER_OTLP_ENDPOINT" in done.stdout


def test_doctor_finds_what_is_wrong(rbtrace, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = rbtrace("doctor", RBTRACE_DETAIL="everything", RBTRACE_DIR="file/traces")
    assert done.returncode == 2
    bad = [line for line in done.stdout.splitlines() if line.startswith("!!")]
    assert len(bad) == 2
    assert "summary or calls" in bad[0]
    assert "is a file" in bad[1]
