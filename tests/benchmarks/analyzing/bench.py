"""The cost of `rbtrace analyze`, beside a bare script and beside other analyzers.

All read the same generated traces. Fresh processes take turns; CPU time and peak memory are what
the kernel counted of each. The least CPU time of a program counts, because what else the machine
does can only add to it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import click

from rbtrace.errors import RbtraceError
from rbtrace.reporting.markdown import render_report
from tests.benchmarks.analyzing.forest import SPANS_PER_TRACE
from tests.benchmarks.analyzing.known import generated, known_trace
from tests.benchmarks.analyzing.peers.catalogue import FOLDER, PEERS
from tests.benchmarks.analyzing.programs import OURS, Arm, Format, Program
from tests.benchmarks.analyzing.report import Results, report
from tests.benchmarks.benchmarks import one_line_for_errors


def write_traces(
    folder: Path, sizes: Iterable[int], programs: list[Program], most_of_peers: int
) -> list[Arm]:
    """Write the traces, and name what is to be run on them; peers on those of up to some spans."""
    written = []
    for size in sizes:
        spans = -(-size // SPANS_PER_TRACE) * SPANS_PER_TRACE
        wanted = [program for program in programs if program in OURS or size <= most_of_peers]
        paths: dict[Format, Path] = {}
        for program in wanted:
            if program.input not in paths:
                paths[program.input] = folder / f"{size}.{program.input.suffix}"
                program.input.write(paths[program.input], generated(size))
            written.append(Arm(program, paths[program.input], spans))
    return written


def known(folder: Path, programs: list[Program], limit_s: float) -> dict[Program, Arm]:
    """Run every program once on the known trace."""
    done = {}
    for program in programs:
        path = folder / f"known.{program.input.suffix}"
        if not path.exists():
            program.input.write(path, [known_trace()])
        done[program] = arm = Arm(program, path, known_trace().span_id.size)
        _run(arm, limit_s)
    return done


def _run(arm: Arm, limit_s: float) -> None:
    arm.run(limit_s)
    if arm.problem and arm.program in OURS:
        raise RbtraceError(f"{arm.program.name}, {arm.spans} spans: {arm.problem}")


def take_turns(arms: list[Arm], rounds: int, limit_s: float) -> None:
    """Run all, round after round; a peer that failed is left out from then on, larger sizes too.

    Raises:
        RbtraceError: rbtrace or the bare script failed.
    """
    failed: dict[Program, Arm] = {}
    for number in range(1, rounds + 1):
        for arm in arms:
            before = failed.get(arm.program)
            if before and before.spans <= arm.spans:
                arm.problem = arm.problem or f"not run: with {before.spans} spans {before.problem}"
                continue
            _run(arm, limit_s)
            if arm.problem:
                failed[arm.program] = arm
            outcome = arm.problem or f"{arm.cpu_s[-1]:.2f} s CPU"
            where = f"round {number}/{rounds}: {arm.program.name}, {arm.spans} spans"
            click.echo(f"{where}: {outcome}", err=True)


@click.command()
@click.option(
    "--spans",
    type=click.IntRange(min=1),
    multiple=True,
    default=(100_000, 1_000_000),
    show_default=True,
    help="Spans of a trace; repeat it for several.",
)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option(
    "--peers",
    type=click.Path(path_type=Path),
    default=FOLDER,
    show_default=True,
    help="Where the other analyzers are.",
)
@click.option(
    "--peer-spans",
    type=click.IntRange(min=1),
    default=1_000_000,
    show_default=True,
    help="Spans of the largest trace that the other analyzers are given.",
)
@click.option(
    "--limit", type=float, default=300.0, show_default=True, help="Seconds a process may take."
)
@click.option("--report", "file", type=click.File("w", encoding="utf-8", lazy=True), default="-")
def main(
    spans: tuple[int, ...], rounds: int, peers: Path, peer_spans: int, limit: float, file: TextIO
) -> None:
    """Measure CPU time and peak memory of analyzing generated traces; write them as Markdown."""
    # The least is start-up. Sizes that come to as many traces are one.
    sizes = sorted({-(-size // SPANS_PER_TRACE): size for size in (1, *spans)}.values())
    others = {peer: peer.program(peers) for peer in PEERS}
    programs = [*OURS, *filter(None, others.values())]
    with (
        one_line_for_errors(),
        tempfile.TemporaryDirectory(prefix="rbtrace-analyzing-") as name,
    ):
        folder = Path(name)
        click.echo(f"writing traces of {', '.join(map(str, sizes))} spans", err=True)
        arms = write_traces(folder, sizes, programs, peer_spans)
        of_known = known(folder, programs, limit)
        take_turns(arms, rounds, limit)
        installed = {peer: program is not None for peer, program in others.items()}
        results = Results(arms, of_known, rounds, installed, peer_spans)
        file.write(render_report(report(results)))


if __name__ == "__main__":
    main()
