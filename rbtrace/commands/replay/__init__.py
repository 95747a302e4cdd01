"""Send kept span files to a collector."""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from rbtrace.analysis.sources import expand
from rbtrace.commands.replay.endpoint import PROTOCOLS, connect, endpoint_of, environment
from rbtrace.commands.replay.kept import KeptFile
from rbtrace.commands.replay.replaying import Replayed, replay
from rbtrace.errors import EXIT_GATE_FAILED, EXIT_GOOD

_EXAMPLES: Final = """\b
Examples:
  rbtrace replay rbtrace-out --endpoint http://localhost:4318
  rbtrace replay rbtrace-out --endpoint http://localhost:4317 --protocol grpc
  OTEL_EXPORTER_OTLP_HEADERS='authorization=Bearer%20TOKEN' \\
    rbtrace replay 'rbtrace-out/2026*' --endpoint https://collector.example:4318

\b
Exit status: 0 everything was sent; 1 something was not, run it again; 2 usage, or the
collector takes nothing from us.
"""


@click.command("replay", epilog=_EXAMPLES)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--endpoint",
    metavar="URL",
    help="Where to. Default: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT.",
)
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    help="Default: OTEL_EXPORTER_OTLP_PROTOCOL; else grpc on port 4317, http elsewhere.",
)
@click.option(
    "--patience",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="How long to wait for a collector that is away or busy.",
)
@click.option("--again", is_flag=True, help="Send also what was sent before.")
def command(
    paths: tuple[str, ...],
    endpoint: str | None,
    protocol: str | None,
    patience: float,
    again: bool,  # noqa: FBT001 - an option's value
) -> int:
    """Send to a collector what could not be sent while the program ran.

    PATH is a spans file, a folder of them or a glob. What was taken is noted in a .sent file beside
    each file, so the command can be stopped at any time and run again. A collector may get a span
    twice when it was stopped in between; analyses count it once.
    """
    files = [KeptFile(source) for source in expand(paths).sources]
    receiver = connect(endpoint_of(endpoint, protocol, environment()))
    try:
        with _progress(files) as bar:
            done = replay(files, receiver, patience_s=patience, again=again, advance=bar.update)
    finally:
        receiver.close()
    for sentence in _account(done):
        click.echo(sentence)
    return EXIT_GATE_FAILED if done.refused or done.rejected else EXIT_GOOD


def _progress(files: list[KeptFile]) -> Any:
    """A progress bar on standard error, when there is somebody to see it."""
    return click.progressbar(
        length=sum(file.source.size for file in files),
        label="sending",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    )


def _account(done: Replayed) -> list[str]:
    lines = [f"{done.spans:,} spans sent."]
    if done.rejected:
        lines.append(f"{done.rejected:,} of them were rejected by the collector.")
    if done.refused:
        lines.append(f"{done.refused:,} spans were refused: {done.reason}.")
    if done.invalid:
        lines.append(f"{done.invalid:,} lines are damaged or no spans, and were left out.")
    lines += [f"{name} is still being written, and was left out." for name in done.running]
    return lines
