"""The result of a comparison, as plain rows: what every report of it is made of.

`docs/comparison.schema.json` is made from these types by `docs/tables.py`.
"""

from __future__ import annotations

from msgspec import Struct

from rbtrace.comparison.work import Work

VERSION = 1


class ArmInfo(Struct, frozen=True):
    """One arm: what it was called, what recorded it, how many runs it has, and where they ran."""

    name: str
    source: str
    runs: int
    hosts: list[str]
    environment: dict[str, str]


class Design(Struct, frozen=True):
    """How the arms were compared.

    `runs_baseline` and `runs_candidate` are those the times were compared of, in pairs where
    `paired`. `alpha` is the greatest p that counts as evidence: 0.05, less in a benchmark that may
    end early.
    """

    paired: bool
    runs_baseline: int
    runs_candidate: int
    alpha: float
    estimand: str = "ratio of the geometric means of run totals, candidate ÷ baseline"


class Policy(Struct, frozen=True):
    """What was asked for. `threshold` and `max_regression` are per cent.

    `gate_time` is false where work alone decides.
    """

    threshold: float
    max_regression: float
    require_improvement: bool
    work: bool
    gate_time: bool


class Warned(Struct, frozen=True):
    """What to know before believing a figure: a code, and a sentence that explains it."""

    code: str
    message: str


class Change(Struct, frozen=True, kw_only=True):
    """How something that is measured once in every run has changed.

    `baseline` and `candidate` are geometric means of the runs; arithmetic where some run has none.
    The interval is at 1 − `alpha` of the design. What can't be told is null. `decision` says if it
    improved by the threshold: ACCEPT, REJECT or INCONCLUSIVE; `gate` whether it got worse by
    more than is allowed: PASS, FAIL or INCONCLUSIVE, null where no gate is made of it.
    `run_cv` is a fraction, `mde` per cent.
    """

    name: str
    unit: str
    baseline: float | None
    candidate: float | None
    ratio: float | None = None
    ci: tuple[float, float] | None = None
    p_value: float | None = None
    decision: str | None = None
    confirmed: bool = False
    gate: str | None = None
    method: str | None = None
    crosscheck_p: float | None = None
    run_cv: float | None = None
    mde: float | None = None
    warnings: list[Warned] = []


class OperationChange(Change, frozen=True, kw_only=True):
    """How the self time of an operation per run has changed.

    `adjusted_p` is Holm's over all operations that have one; `decision` and `gate` go by it.
    `contribution` is the operation's part of `log_ratio`; `contribution_percent` the same part of
    the change in per cent. `note` says why there is no p.
    """

    share_baseline: float | None
    share_candidate: float | None
    adjusted_p: float | None = None
    contribution: float | None = None
    contribution_percent: float | None = None
    calls_baseline: float | None = None
    calls_candidate: float | None = None
    note: str = ""


class Outcome(Struct, frozen=True):
    """What follows: the decision about the whole, its gate, and the exit status of the command.

    `failed` names each gate that failed; `open` says why what is inconclusive is.
    """

    decision: str
    confirmed: bool
    gate: str | None
    failed: list[str]
    open: list[str]
    exit_code: int


class ComparisonResults(Struct, frozen=True, kw_only=True):
    """Everything a comparison found. Times are ns.

    `work` is null where calls were not recorded. `log_ratio` is the mean log ratio of the sums of
    self times; the contributions of the operations add up to it.
    """

    version: int = VERSION
    baseline: ArmInfo
    candidate: ArmInfo
    policy: Policy
    design: Design
    outcome: Outcome
    same_result: bool | None
    work: Work | None
    overall: list[Change]
    operations: list[OperationChange]
    log_ratio: float | None
    warnings: list[str]
