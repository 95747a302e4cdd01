"""Say what is installed, whether tracing is on, and where data goes."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, NamedTuple

import click

from rbtrace.errors import EXIT_GOOD, EXIT_USAGE, RbtraceError
from rbtrace.recording.engines.startup import start_up_file
from rbtrace.settings import SETTINGS, Settings
from rbtrace.system import SYSTEM

_PACKAGES: Final = (
    ("rbtrace", "rbtrace"),
    ("opentelemetry-sdk", "opentelemetry-sdk"),
    ("opentelemetry-exporter-otlp", "pip install 'rbtrace[otlp]' to export to a collector"),
    ("rustybt", "pip install 'rbtrace[rustybt]' to trace it"),
    ("pyinstrument", "pyinstrument"),
)
_SUPPORTED_RUSTYBT: Final = "0.3."


class Finding(NamedTuple):
    """One line of the examination. A bad one makes the exit status 2."""

    is_good: bool
    subject: str
    text: str


def _good(subject: str, text: str) -> Finding:
    return Finding(is_good=True, subject=subject, text=text)


def _bad(subject: str, text: str) -> Finding:
    return Finding(is_good=False, subject=subject, text=text)


_EXAMPLES: Final = """\b
Examples:
  rbtrace doctor
  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317 rbtrace doctor --send-span
"""


@click.command("doctor", epilog=_EXAMPLES)
@click.option("--send-span", is_flag=True, help="Send a test span to the collector.")
def command(send_span: bool) -> int:  # noqa: FBT001 - an option's value
    """Examine this environment. The exit status is 2 if tracing cannot work as it is set.

    A collector named in the environment is asked whether it answers, with a request of no spans.
    """
    settings, problems = Settings.read()
    findings = [
        *_installation(),
        *_activation(settings),
        *(_bad("setting", problem) for problem in problems),
        *_destination(settings),
        *_collector(send_span=send_span),
    ]
    for finding in findings:
        mark = "ok " if finding.is_good else "!! "
        click.echo(f"{mark} {finding.subject:<28} {finding.text}")
    click.echo("\nSettings in force:")
    for row in SETTINGS:
        origin = "environment" if row.variable in os.environ else "default"
        value = getattr(settings, row.field)
        click.echo(f"    {row.variable:<28} {_text(value):<20} {origin}")
    return EXIT_GOOD if all(finding.is_good for finding in findings) else EXIT_USAGE


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "–" if value is None else str(value)


def _installation() -> list[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    findings = [_good("python", f"{python} ({sys.executable})")]
    for package, remedy in _PACKAGES:
        try:
            findings.append(_installed(package, version(package)))
        except PackageNotFoundError:
            findings.append(_good(package, f"not installed: {remedy}"))
    from rbtrace.analysis.readers import fast_path as reading  # noqa: PLC0415 - imports numpy
    from rbtrace.recording.hot import compiled as hot  # noqa: PLC0415 - imports OpenTelemetry

    parts = (
        ("hot calls", hot.COMPILED),
        ("signals", SYSTEM),
        ("reading spans", reading.COMPILED),
    )
    for what, part in parts:
        absent = "not held up: they end the process at once" if what == "signals" else "Python"
        findings.append(_good(what, absent if part is None else "compiled"))
    return findings


def _installed(package: str, installed: str) -> Finding:
    if package == "rustybt" and not installed.startswith(_SUPPORTED_RUSTYBT):
        return _bad(package, f"{installed}; the traced methods are those of 0.3.3")
    return _good(package, installed)


def _activation(settings: Settings) -> list[Finding]:
    path = start_up_file()
    if path is None:
        reason = "not found in site-packages: a program must import rbtrace to be traced"
        if sys.flags.no_site:
            reason = "not read, because Python runs with -S"
        start_up = _bad("start-up file", reason)
    else:
        start_up = _good("start-up file", str(path))
    state = "on" if settings.enabled else "off: set RBTRACE_ENABLED=1, or use rbtrace run"
    return [start_up, _good("tracing", state)]


def _destination(settings: Settings) -> list[Finding]:
    from rbtrace.recording.export.exporters import exporter_name  # noqa: PLC0415 - with the SDK

    exporter = exporter_name()
    where = f"{exporter}; what it does not take goes to files" if exporter else "files"
    return [_good("spans go to", where), _folder(settings.directory.absolute())]


def _collector(*, send_span: bool) -> list[Finding]:
    """Whether the collector answers. Headers are sent, and never shown."""
    from rbtrace.commands.replay import collector, endpoint  # noqa: PLC0415 - with a collector
    from rbtrace.recording.export.exporters import exporter_name  # noqa: PLC0415 - with the SDK

    exporter = exporter_name()
    if exporter not in endpoint.PROTOCOL_OF_EXPORTER:
        no_collector = "not sent: no collector is named; set OTEL_EXPORTER_OTLP_ENDPOINT"
        return [_bad("test span", no_collector)] if send_span else []
    try:
        target = endpoint.endpoint_of_exporter(exporter, os.environ)
        collector.probe(target)
        findings = [_good("collector", f"{target.public_url} answers")]
        if send_span:
            trace_id = collector.send_test_span(target, os.environ)
            findings.append(_good("test span", f"taken; its trace is {trace_id}"))
    except RbtraceError as problem:
        return [_bad("collector", f"{problem}; spans are kept in files")]
    return findings


def _folder(directory: Path) -> Finding:
    existing = next(path for path in [directory, *directory.parents] if path.exists())
    if not existing.is_dir():
        return _bad("folder", f"{directory} cannot be made: {existing} is a file")
    if not os.access(existing, os.W_OK | os.X_OK):
        return _bad("folder", f"{directory} cannot be written; set RBTRACE_DIR")
    return _good("folder", str(directory))
