"""Study heavy operations on the real engine, and report what they cost."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from rbtrace.reporting.model import Report
from rbtrace.reporting.numbers import duration
from rbtrace.studies.catalogue import STUDIES
from rbtrace.studies.comparison import compare_studies
from rbtrace.studies.journal import Case
from rbtrace.studies.session import REPORT, Session, write_extended

_ALL: Final = "all"
_EXAMPLES: Final = """\b
Examples:
  rbtrace scenario batch-init --quick -o out
  rbtrace scenario batch-init -o out
  rbtrace scenario all -o out
"""


@click.command("scenario", epilog=_EXAMPLES)
@click.argument("name", type=click.Choice([*STUDIES, _ALL]))
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where measurements, traces and reports go. What is there is not measured again.",
)
@click.option("--quick", is_flag=True, help="Small sizes: shows that it works, concludes little.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=900.0,
    show_default=True,
    help="After how long one process counts as hanging.",
)
def command(name: str, folder: Path, timeout: float, *, quick: bool) -> None:
    """Study one heavy operation of rustybt, or all of them.

    Every measurement is a fresh process that runs the real engine. Ctrl-C keeps what is measured;
    the same command goes on. docs/scenarios.md says what each study measures.
    """
    names = list(STUDIES) if name == _ALL else [name]
    sessions = {study: Session(study, folder, quick=quick) for study in names}
    for session in sessions.values():
        _say_plan(session)
    reports = {study: _run(session, timeout) for study, session in sessions.items()}
    for study, report in reports.items():
        click.echo(f"{report.title}:")
        click.echo("".join(f"- {line}\n" for line in report.findings), nl=False)
        click.echo(f"The report is {folder / study / REPORT}.md, and .html\n")
    if name == _ALL:
        compared = compare_studies({study: session.evidence for study, session in sessions.items()})
        click.echo(f"All of it is in {write_extended(folder, reports, compared)}, and .html")


def _say_plan(session: Session) -> None:
    left = session.remaining
    flame = session.to_sample
    seconds = sum(case.expected_s for case in [*left, *([flame] if flame else [])])
    more = " and one more to be sampled for a flame graph" if flame else ""
    click.echo(
        f"{session.name}: {STUDIES[session.name].question}. {len(session.cases)} cases, "
        f"{len(left)} to be measured{more}, about {duration(seconds * 1e9)} on an idle machine; "
        f"traces and results go to {session.journal.folder}",
        err=True,
    )


def _run(session: Session, timeout: float) -> Report:
    progress = _Progress(session)
    try:
        session.measure(timeout, progress.start)
        progress.finish()
        if flame := session.to_sample:
            click.echo(f"{session.name}: {flame}, for the flame graph", err=True)
            session.sample(timeout)
    except KeyboardInterrupt:
        kept = len(session.cases) - len(session.remaining)
        click.echo(
            f"\n{kept} of {len(session.cases)} cases are kept; the same command goes on", err=True
        )
        raise
    return session.report()


class _Progress:
    """A bar on a terminal, a line for each case elsewhere."""

    def __init__(self, session: Session) -> None:
        self._name = session.name
        self._cases = len(session.remaining)
        self._started = 0
        self._on_terminal = sys.stderr.isatty() and self._cases > 0
        self._bar = click.progressbar(
            length=self._cases,
            label=session.name,
            file=sys.stderr,
            show_pos=True,
            show_eta=False,
            item_show_func=lambda text: text,
        )

    def start(self, case: Case, seconds: float | None) -> None:
        """A case starts; so many seconds are left for this and the others, if that is known."""
        left = "" if seconds is None else f", about {duration(seconds * 1e9)} left"
        if self._on_terminal:
            self._bar.update(int(self._started > 0), f"{case}{left}")
        self._started += 1
        if not self._on_terminal:
            click.echo(f"{self._name} {self._started} of {self._cases}: {case}{left}", err=True)

    def finish(self) -> None:
        """All cases are measured."""
        if self._on_terminal:
            self._bar.update(1)
            self._bar.render_finish()
