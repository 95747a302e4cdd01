"""Send kept span files to a collector."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

import click

from rbtrace.analysis.sources import expand
from rbtrace.commands.replay.collector import connect
from rbtrace.commands.replay.endpoint import (
    PROTOCOLS,
    BusyError,
    RefusedError,
    Sender,
    endpoint_of,
)
from rbtrace.commands.replay.kept_file import KeptFile, Line
from rbtrace.errors import EXIT_GATE_FAILED, EXIT_GOOD, DeliveryError

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

_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0


@dataclass(slots=True)
class Replayed:
    """What became of the kept spans.

    Attributes:
        spans: spans the receiver took.
        rejected: of these, spans it took and did not keep, by its own account.
        refused: spans of requests it will not take, and why.
        invalid: lines that are no requests.
        running: files of processes that still run, and send by themselves.
    """

    spans: int = 0
    rejected: int = 0
    refused: int = 0
    reason: str = ""
    invalid: int = 0
    running: list[str] = field(default_factory=list)


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
    with (
        closing(connect(endpoint_of(endpoint, protocol, os.environ))) as sender,
        _progress(files) as bar,
    ):
        sent = replay(files, sender, patience_s=patience, again=again, advance=bar.update)
    for sentence in _account(sent):
        click.echo(sentence)
    return EXIT_GATE_FAILED if sent.refused or sent.rejected else EXIT_GOOD


def _progress(files: list[KeptFile]) -> Any:
    """A progress bar on standard error, when there is somebody to see it."""
    return click.progressbar(
        length=sum(file.source.size for file in files),
        label="sending",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    )


def _account(sent: Replayed) -> list[str]:
    lines = [f"{sent.spans:,} spans sent."]
    if sent.rejected:
        lines.append(f"{sent.rejected:,} of them were rejected by the collector.")
    if sent.refused:
        lines.append(f"{sent.refused:,} spans were refused: {sent.reason}.")
    if sent.invalid:
        lines.append(f"{sent.invalid:,} lines are damaged or no spans, and were left out.")
    lines += [f"{name} is still being written, and was left out." for name in sent.running]
    return lines


def replay(
    files: Iterable[KeptFile],
    sender: Sender,
    *,
    patience_s: float,
    again: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Send what is kept in files and was not sent before.

    Args:
        files: what to send.
        sender: where to.
        patience_s: how long one request may be refused as untimely before it is given up.
        again: whether to send also what was sent before.
        advance: is told the bytes of each line dealt with.

    Raises:
        DeliveryError: the receiver could not be reached for so long.
        EndpointError: the receiver takes nothing from us.
    """
    sent = Replayed()
    for file in files:
        if file.is_being_written():
            sent.running.append(file.name)
            continue
        for line in file.unsent(again=again):
            _send(line, file, sender, patience_s, sent)
            advance(line.end - line.start)
        sent.invalid += file.invalid
    return sent


def _send(line: Line, file: KeptFile, sender: Sender, patience_s: float, sent: Replayed) -> None:
    started, pause_s = time.monotonic(), _FIRST_PAUSE_S
    while True:
        try:
            sent.rejected += sender.send(line.content)
        except RefusedError as problem:
            sent.refused += line.spans
            sent.reason = str(problem)
            return
        except BusyError as problem:
            if time.monotonic() + pause_s - started > patience_s:
                raise DeliveryError(
                    f"the collector does not take spans ({problem}); {sent.spans:,} were sent, "
                    "run the same command again to send the rest"
                ) from None
            time.sleep(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
        else:
            sent.spans += line.spans
            file.note(line)
            return
