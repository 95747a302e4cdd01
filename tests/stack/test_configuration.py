"""Every configuration is valid where it is used, and all of it is of the pinned versions."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
import yaml

from tests.stack.tools import ROOT, certificates, running

OVERLAYS = sorted(path.name for path in (ROOT / "collector" / "overlays").glob("*.yaml"))


def services(compose, **variables):
    done = subprocess.run(
        [compose, "-format", "json", "docker-compose.yml"],
        cwd=ROOT, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["services"]


def validate(otelcol, *configurations, **variables):
    command = [otelcol, "validate", *(f"--config={path}" for path in configurations)]
    return subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_collector_accepts_its_configuration_with_every_overlay(otelcol, overlay, tmp_path):
    done = validate(
        otelcol, "otel-collector.yaml", f"collector/overlays/{overlay}", **certificates(tmp_path)
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_validation_can_fail(otelcol, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("exporters: {file: {path_: x}}")

    assert validate(otelcol, "otel-collector.yaml", wrong).returncode != 0


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_start_warns_of_nothing_to_be_removed(otelcol, jaeger_binary, tmp_path, overlay):
    path = str(ROOT / "collector" / "overlays" / overlay)
    variables = {**certificates(tmp_path), "COLLECTOR_CLICKHOUSE_CREATE_SCHEMA": "false"}
    with running(otelcol, jaeger_binary, tmp_path / "data", (path,), **variables) as stack:
        logs = [program.log.read_text() for program in (stack.collector, stack.jaeger)]

    assert all(logs)
    assert not re.findall(r".*deprecat.*", "\n".join(logs), re.IGNORECASE)


def test_only_the_owner_can_read_what_the_stack_writes(stack):
    paths = [stack.folder, *stack.folder.rglob("*")]

    assert {oct(path.stat().st_mode & 0o077) for path in paths} == {"0o0"}


def test_compose_reads_the_file_and_publishes_on_this_machine_alone(compose):
    found = services(compose)

    assert set(found) == {"collector", "jaeger", "prometheus", "clickhouse"}
    assert {name: row.get("profiles") for name, row in found.items() if "profiles" in row} == {
        "prometheus": ["metrics"],
        "clickhouse": ["clickhouse"],
    }
    for service in found.values():
        assert {port["host_ip"] for port in service["ports"]} == {"127.0.0.1"}
        assert service["healthcheck"]["test"]


def test_the_parser_can_refuse(compose, tmp_path):
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text("services: {collector: {imag: x}}")

    done = subprocess.run([compose, str(wrong)], capture_output=True, check=False)

    assert done.returncode != 0


def test_files_that_compose_mounts_are_there(compose):
    mounted = [
        volume["source"]
        for service in services(compose).values()
        for volume in service["volumes"]
        if volume["type"] == "bind"
    ]

    assert len(mounted) >= 5
    for source in mounted:
        assert (ROOT / source).exists(), source


def test_images_are_of_the_versions_that_are_built_and_tested(compose, otelcol):
    found = services(compose)
    manifest = yaml.safe_load((ROOT / "collector/otelcol/builder.yaml").read_text())
    version = manifest["dist"]["version"]
    modules = {
        row["gomod"].split()[1].removeprefix("v")
        for part in ("receivers", "processors", "connectors", "exporters", "extensions")
        for row in manifest[part]
    }
    says = subprocess.run([otelcol, "--version"], capture_output=True, text=True, check=True)

    assert modules == {version}
    assert says.stdout.split()[-1] == version
    assert found["collector"]["image"] == f"rbtrace/otelcol:{version}"


def test_the_image_of_jaeger_is_the_version_of_its_module(compose):
    module = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", "github.com/jaegertracing/jaeger"],
        cwd=ROOT / "collector" / "jaeger", capture_output=True, text=True, check=True,
    )  # fmt: skip
    version, folder = module.stdout.split()
    # The changelog heads a release with both of its numbers: v1.76.0 / v2.13.0 (2025-12-03).
    changes = (ROOT / folder / "CHANGELOG.md").read_text(encoding="utf-8")
    release = re.search(rf"^{re.escape(version)} / v(\S+)", changes, re.MULTILINE)

    assert services(compose)["jaeger"]["image"] == f"jaegertracing/jaeger:{release[1]}"


def test_the_image_of_prometheus_is_the_version_of_its_module(compose):
    module = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Version}}", "github.com/prometheus/prometheus"],
        cwd=ROOT / "collector" / "prometheus", capture_output=True, text=True, check=True,
    )  # fmt: skip
    # v3.16.0 is v0.316.0 as a module.
    minor, patch = re.fullmatch(r"v0\.3(\d\d)\.(\d+)\s*", module.stdout).groups()

    image = f"prom/prometheus:v3.{int(minor)}.{patch}"
    assert services(compose)["prometheus"]["image"] == image
