"""OTLP profiles through the real collector, there and back without loss."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from rbtrace.profiling.flamegraph.otlp_profiles import PATH, to_otlp
from tests.support.profiles import profile_of

ROOT = Path(__file__).parents[3]
MS = 1_000_000
CONFIGURATION = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{file: {{path: {file}, flush_interval: 100ms}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{profiles: {{receivers: [otlp], exporters: [file]}}}}
"""

pytestmark = pytest.mark.collector


@pytest.fixture
def collector(tmp_path):
    """Port and file of a collector that takes profiles."""
    if shutil.which("go") is None:
        pytest.skip("needs Go: the collector is built from source")
    built = subprocess.run(
        [ROOT / "collector" / "build", "otelcol"], capture_output=True, text=True, check=True
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = tmp_path / "profiles.json"
    settings = tmp_path / "collector.yaml"
    settings.write_text(CONFIGURATION.format(port=port, file=file))
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [built.stdout.splitlines()[-1], "--config", settings,
             "--feature-gates=service.profilesSupport"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield port, file
    finally:
        process.terminate()
        process.wait(30)


def post(port, content):
    deadline = time.monotonic() + 60
    while True:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{PATH}",
            content,
            {"Content-Type": "application/x-protobuf"},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert time.monotonic() < deadline, "the collector does not listen"
            time.sleep(0.1)


def stacks_in(document):
    """(path, trace, span) → [(time, weight), …] of what the collector wrote."""
    tables = document["dictionary"]
    found = {}
    for resource in document["resourceProfiles"]:
        for sample in resource["scopeProfiles"][0]["profiles"][0]["samples"]:
            stack = tables["stackTable"][sample.get("stackIndex", 0)]
            path = tuple(
                tables["stringTable"][
                    tables["functionTable"][
                        tables["locationTable"][at]["lines"][0]["functionIndex"]
                    ]["nameStrindex"]
                ]
                for at in reversed(stack.get("locationIndices", []))
            )
            link = tables["linkTable"][sample.get("linkIndex", 0)]
            found[path, link.get("traceId", ""), link.get("spanId", "")] = [
                (int(at), int(weight))
                for at, weight in zip(sample["timestampsUnixNano"], sample["values"], strict=True)
            ]
    return found


def test_every_sample_its_time_and_its_span_come_back(collector):
    port, file = collector
    weights = {
        ("main", f"f{number % 50}", f"g{number}"): number * MS + 1 for number in range(1, 400)
    }
    profile = profile_of(weights)
    profile.time[:] += 10**18
    profile.span[:] = range(2**62, 2**62 + len(weights))
    profile.traces.update((int(span), 2**127 + int(span)) for span in profile.span)
    assert post(port, to_otlp(profile)) == 200
    deadline = time.monotonic() + 30
    while not file.exists() or not file.read_text().endswith("\n"):
        assert time.monotonic() < deadline, "the collector wrote nothing"
        time.sleep(0.1)
    expected = {
        (path, f"{2**127 + int(span):032x}", f"{int(span):016x}"): [(int(at), weight)]
        for (path, weight), span, at in zip(
            weights.items(), profile.span, profile.time, strict=True
        )
    }
    assert stacks_in(json.loads(file.read_text())) == expected
