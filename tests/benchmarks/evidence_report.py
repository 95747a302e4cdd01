"""What the comparisons said of differences that are known, as a Markdown document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rbtrace.comparison.bench.environment import summarize
from rbtrace.comparison.bench.result import ARMS, is_result, read_runs
from rbtrace.comparison.compare import compare_paths
from rbtrace.comparison.decisions import make_policy
from rbtrace.comparison.results import ComparisonResults
from rbtrace.errors import InputError
from rbtrace.reporting.comparison import Comparison, format_change
from tests.benchmarks.experiments import (
    ALLOWED_ALARMS,
    EXPERIMENTS,
    IDENTICAL,
    is_alarm,
    same_work,
)

_IN_FULL = ("one-more-price", "another-result", "slow-down-15", "speed-up-12", "speed-up-2")


@dataclass(frozen=True, slots=True)
class Judged:
    """The comparison of every experiment that is finished, by name, and the names of the others."""

    found: dict[str, ComparisonResults]
    missing: list[str]

    @property
    def identical(self) -> list[ComparisonResults]:
        """The comparisons of identical arms."""
        return [one for name, one in self.found.items() if name.startswith("identical")]

    @property
    def alarms(self) -> int:
        """How many comparisons of identical arms accepted or failed."""
        return sum(map(is_alarm, self.identical))

    @property
    def holds(self) -> bool:
        """Whether all that was planted was found, and nothing else."""
        each = all(EXPERIMENTS[name].holds(one) for name, one in self.found.items())
        return each and self.alarms <= ALLOWED_ALARMS


def judge(folder: Path, names: Sequence[str]) -> Judged:
    """Compare the arms of the experiments that are finished.

    Raises:
        InputError: none is, or what was measured is damaged.
    """
    finished = [
        name
        for name in names
        if is_result(folder / name)
        and len(read_runs(folder / name)) == len(ARMS) * EXPERIMENTS[name].pairs
    ]
    if not finished:
        raise InputError(f"no experiment in {folder} is finished")
    policy = make_policy()
    return Judged(
        {name: compare_paths(folder / name, folder / name, policy) for name in finished},
        [name for name in names if name not in finished],
    )


def report(judged: Judged) -> Iterator[str]:
    """The lines of the document."""
    yield "# Known differences, and what `rbtrace compare` says of them"
    yield ""
    yield from _machine(judged)
    if judged.identical:
        yield from _of_identical(judged)
    if judged.missing:
        yield f"Not measured: {', '.join(judged.missing)}."
        yield ""
    yield "| experiment | planted | pairs | wall | interval | verdict | gate | work | holds |"
    yield "|:--|:--|--:|--:|--:|:--|:--|:--|:--|"
    for name, found in judged.found.items():
        yield _row(name, found)
    for name in _IN_FULL:
        if name in judged.found:
            yield f"\n---\n\n`rbtrace compare {judged.found[name].baseline.name.split(' ')[0]}`\n"
            text = Comparison(judged.found[name]).to_markdown()
            yield text.replace("\n## ", "\n### ").replace("# ", "## ", 1).rstrip()


def _machine(judged: Judged) -> Iterator[str]:
    known = next(iter(judged.found.values())).baseline.environment
    yield "Measured on " + summarize(known)
    yield ""


def _of_identical(judged: Judged) -> Iterator[str]:
    pairs = sum(one.design.runs_baseline for one in judged.identical)
    same = sum(one.design.runs_baseline for one in judged.identical if same_work(one))
    yield (
        f"Identical arms: {len(judged.identical)} comparisons, {pairs} pairs of backtests. "
        f"In {same} of these pairs every call count and the result are the same. "
        f"Comparisons that accept or fail: {judged.alarms}; up to {ALLOWED_ALARMS} of "
        f"{IDENTICAL} may."
    )
    yield ""


def _row(name: str, found: ComparisonResults) -> str:
    whole = found.overall[0]
    interval = "–" if whole.ci is None else " … ".join(map(format_change, whole.ci))
    work = found.work
    cells = [
        name,
        EXPERIMENTS[name].planted,
        str(found.design.runs_baseline),
        format_change(whole.ratio),
        interval,
        found.outcome.decision,
        "; ".join(found.outcome.failed) or str(found.outcome.gate),
        "–" if work is None else f"{len(work.differences)} of {work.paths} paths differ",
        "yes" if EXPERIMENTS[name].holds(found) else "NO",
    ]
    return f"| {' | '.join(cells)} |"
