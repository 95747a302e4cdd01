"""`rbtrace replay`: every kept span arrives, whatever happens in between."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import typing
from concurrent import futures

import pytest

from rbtrace.commands.main import run
from rbtrace.testing import read_spans
from tests.support.receivers import Received, http_receiver, protobuf_receiver

PROGRAM = """
import rbtrace

@rbtrace.traced(hot=True)
def hot():
    pass

for number in range(1200):
    with rbtrace.span("step", number=number):
        hot()
"""


UNTIL_TAKEN = """
import time
from rbtrace.recording.recorder import RECORDER

RECORDER.pipeline().flush()
deadline = time.monotonic() + 60
while RECORDER.pipeline().writer.sender.delivered().spans < 3600:
    assert time.monotonic() < deadline
    time.sleep(0.01)
"""


@pytest.fixture(autouse=True)
def no_otlp_settings(monkeypatch):
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def kept_once(tmp_path_factory):
    """The folder of a program whose collector was down all the time."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    subprocess.run(
        [sys.executable, str(folder / "program.py")],
        env={
            **{name: value for name, value in os.environ.items() if "OTEL_" not in name},
            "RBTRACE_ENABLED": "1",
            "RBTRACE_DIR": str(folder / "traces"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        },
        check=True,
        capture_output=True,
    )
    return folder / "traces"


@pytest.fixture
def kept(kept_once, tmp_path):
    copied = tmp_path / "traces"
    shutil.copytree(kept_once, copied)
    assert len(ids_in(copied)) == 3600
    return copied


def ids_in(folder):
    return sorted(span.span_id for span in read_spans(folder.rglob("*.otlp.jsonl")))


def in_second_line(folder):
    """How many spans the second request has; where lines end depends on when they were flushed."""
    (path,) = folder.rglob("*.otlp.jsonl")
    return path.read_text().splitlines()[1].count('"spanId"')


def test_every_kept_span_is_sent_once(kept, capsys):
    with http_receiver() as (url, received):
        assert run(["replay", str(kept), "--endpoint", url]) == 0
        assert "3,600 spans sent" in capsys.readouterr().out
        assert sorted(received.ids) == ids_in(kept)
        assert run(["replay", str(kept), "--endpoint", url]) == 0
        assert "0 spans sent" in capsys.readouterr().out
        assert run(["replay", str(kept), "--endpoint", url, "--again"]) == 0
        assert len(received.spans) == 7200


def test_a_collector_that_comes_back_gets_the_rest(kept, capsys):
    with http_receiver() as (url, received):
        received.answers = [200, 503, 429, "drop", 200]
        assert run(["replay", str(kept), "--endpoint", url]) == 0
    assert "3,600 spans sent" in capsys.readouterr().out
    assert sorted(set(received.ids)) == ids_in(kept)
    assert len(received.ids) > 3600  # the dropped answer was stored, and was sent again


def test_a_stopped_replay_goes_on_where_it_was(kept, capsys):
    with http_receiver() as (url, received):
        received.answers = [200, 200, *[503] * 1000]
        assert run(["replay", str(kept), "--endpoint", url, "--patience", "0"]) == 1
        problem = capsys.readouterr().err
        assert "503" in problem
        assert "run the same command again" in problem
        received.answers = []
        assert run(["replay", str(kept), "--endpoint", url]) == 0
    assert sorted(received.ids) == ids_in(kept)


def test_a_replay_killed_at_any_time_loses_nothing(kept, tmp_path, run_script):
    killed = """
        import os, sys
        from rbtrace.commands.main import run
        from rbtrace.commands.replay.kept_file import KeptFile
        note = KeptFile.note
        def noted(self, line):
            if line.start:
                os._exit(9)  # the second request was taken, and nobody remembers
            note(self, line)
        KeptFile.note = noted
        run(["replay", FOLDER, "--endpoint", URL])
    """
    with http_receiver() as (url, received):
        code = killed.replace("FOLDER", repr(str(kept))).replace("URL", repr(url))
        run_script(code, expect=9)
        assert run(["replay", str(kept), "--endpoint", url]) == 0
    assert sorted(set(received.ids)) == ids_in(kept)
    assert len(received.ids) == 3600 + in_second_line(kept)


def test_rejected_and_refused_spans_are_said(kept, capsys):
    with http_receiver() as (url, received):
        received.answers = [{"partialSuccess": {"rejectedSpans": "7"}}, 400]
        assert run(["replay", str(kept), "--endpoint", url]) == 1
    said = capsys.readouterr().out
    assert "7 of them were rejected" in said
    assert f"{in_second_line(kept)} spans were refused: 400" in said


@pytest.mark.parametrize(("status", "word"), [(401, "HEADERS"), (404, "no OTLP receiver")])
def test_a_collector_that_takes_nothing_is_one_clear_error(kept, capsys, status, word):
    with http_receiver() as (url, received):
        received.answers = [status]
        assert run(["replay", str(kept), "--endpoint", url]) == 2
    assert word in capsys.readouterr().err
    assert len(received.headers) == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "--endpoint"),
        (["--endpoint", "ftp://somewhere"], "no address"),
        (["--endpoint", "http://localhost:99999"], "port"),
    ],
)
def test_an_unusable_address_is_one_clear_error(kept, capsys, arguments, word):
    assert run(["replay", str(kept), *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert word in line


def test_headers_and_compression_of_the_environment(kept, monkeypatch, capsys):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20secret")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    with http_receiver() as (url, received):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        assert run(["replay", str(kept)]) == 0
    assert {headers["authorization"] for headers in received.headers} == {"Bearer secret"}
    assert sorted(received.ids) == ids_in(kept)
    assert "secret" not in "".join(capsys.readouterr())


def test_compressed_files_damaged_lines_and_notes(kept, tmp_path, capsys):
    (path,) = kept.rglob("*.otlp.jsonl")
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(b"nonsense\n\n" + path.read_bytes()[:-20]))
    with http_receiver() as (url, received):
        assert run(["replay", str(packed), "--endpoint", url]) == 0
        assert "2 lines are damaged" in capsys.readouterr().out
        sent = len(received.spans)
        assert 0 < sent < 3600
        assert run(["replay", str(packed), "--endpoint", url]) == 0
        assert len(received.spans) == sent
        note = tmp_path / "packed.jsonl.gz.sent"
        note.write_text("nonsense")
        capsys.readouterr()
        assert run(["replay", str(packed), "--endpoint", url]) == 2
        assert "remove it" in capsys.readouterr().err


def test_the_file_of_a_running_process_is_left_to_it(run_script, capsys):
    with http_receiver() as (url, received):
        done = run_script(
            """
            import os, subprocess, sys, rbtrace
            from rbtrace.recording.recorder import RECORDER
            with rbtrace.span("step"): pass
            RECORDER.pipeline().flush()
            subprocess.run([sys.executable, "-m", "rbtrace", "replay", os.environ["RBTRACE_DIR"],
                            "--endpoint", URL], check=True)
            """.replace("URL", repr(url)),
            RBTRACE_ENABLED="1",
        )
    assert "still being written" in done.printed
    assert received.spans == []


def test_grpc_takes_the_same_spans(kept, capsys):
    import grpc
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as services

    received, problems = Received(), [grpc.StatusCode.UNAVAILABLE]

    class Service(services.TraceServiceServicer):
        @typing.override
        def Export(self, request, context):
            if problems:
                context.abort(problems.pop(), "not now")
            for group in request.resource_spans:
                for scope in group.scope_spans:
                    received.spans += [{"spanId": span.span_id.hex()} for span in scope.spans]
            return messages.ExportTraceServiceResponse()

    server = grpc.server(futures.ThreadPoolExecutor(2))
    services.add_TraceServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        address = f"http://127.0.0.1:{port}"
        assert run(["replay", str(kept), "--endpoint", address, "--protocol", "grpc"]) == 0
        assert sorted(received.ids) == ids_in(kept)
        problems.append(grpc.StatusCode.UNAUTHENTICATED)
        again = ["replay", str(kept), "--endpoint", address, "--protocol", "grpc", "--again"]
        assert run(again) == 2
        assert "UNAUTHENTICATED" in capsys.readouterr().err
    finally:
        server.stop(None).wait()


def test_while_the_collector_takes_spans_the_file_stays_small(run_script):
    with protobuf_receiver() as (url, taken):
        done = run_script(
            PROGRAM + UNTIL_TAKEN,
            RBTRACE_ENABLED="1",
            OTEL_EXPORTER_OTLP_ENDPOINT=url,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        )
    assert len(taken) == 3600
    assert done.spans == []
    (tally,) = done.folder.rglob("*.tally")
    counted = json.loads(tally.read_bytes())
    assert (counted["ended"], counted["exported"], counted["spilled"]) == (3600, 3600, 0)
    assert not list(done.folder.rglob("*.sent"))


def test_what_no_exporter_can_encode_is_sent_as_it_is_written(run_script):
    with protobuf_receiver() as (url, taken):
        done = run_script(
            """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
import rbtrace
with rbtrace.span("half \\ud800"):
    pass
with trace.get_tracer("program").start_as_current_span("of \\ud800 the program") as span:
    span.set_attribute("beyond", 2**80)
"""
            + UNTIL_TAKEN.replace("3600", "2"),
            RBTRACE_ENABLED="1",
            OTEL_EXPORTER_OTLP_ENDPOINT=url,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        )
    assert len(taken) == 2
    assert done.spans == []
