"""Thousands of simulated experiments: how often do the rules err?

The runs are made up, with known truth; the formulas are those of rbtrace, run on all experiments at
once. Seeds are fixed, so every answer is always the same. At the end are rules that do not hold, to
show that the simulation would notice. `docs/coverage.py` writes it down.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from rbtrace.statistics import PLANNED_LOOKS, holm, o_brien_fleming
from rbtrace.statistics.estimates import log_welch, paired_log_t
from rbtrace.statistics.shares import logit_jackknife

EXPERIMENTS = 4000
RUNS = (5, 10, 20, 30)
SPANS = 20
CONFIDENCE = 0.95
MEMORY = 0.7
"""How much of the machine's state is left a minute later."""
ALPHA = 0.05


@dataclass(frozen=True)
class Regime:
    """How runs of one program differ, on the log scale.

    `machine` is the standard deviation of what the machine does to all that runs in one minute;
    `own` that of what is the run's alone; one run in ten is slower by `burst`.
    """

    name: str
    machine: float
    own: float
    burst: float = 0.0


REGIMES = (
    Regime("quiet", 0.01, 0.01),
    Regime("shared", 0.08, 0.025),
    Regime("noisy", 0.08, 0.10),
    Regime("bursty", 0.06, 0.03, burst=0.20),
)
BY_NAME = {regime.name: regime for regime in REGIMES}


def generator(*names):
    """Random numbers that depend on the names alone."""
    return np.random.default_rng(zlib.crc32("/".join(map(str, names)).encode()))


def own_noise(rng, regime, shape):
    bursts = regime.burst * (rng.random(shape) < 0.1)
    return rng.normal(0, regime.own, shape) + bursts


def machine_noise(rng, regime, experiments, minutes):
    """A stationary autoregression: from minute to minute the machine changes a little."""
    state = rng.normal(0, regime.machine, experiments)
    steps = rng.normal(0, regime.machine * np.sqrt(1 - MEMORY**2), (minutes, experiments))
    found = np.empty((experiments, minutes))
    for minute in range(minutes):
        found[:, minute] = state
        state = MEMORY * state + steps[minute]
    return found


def independent_runs(rng, regime, runs, experiments=EXPERIMENTS):
    """Logarithms of two arms whose runs have nothing to do with each other."""
    spread = Regime(regime.name, 0, np.hypot(regime.machine, regime.own), regime.burst)
    return tuple(own_noise(rng, spread, (experiments, runs)) for _ in range(2))


def paired_runs(rng, regime, runs, experiments=EXPERIMENTS):
    """Logarithms of two arms that take turns: one run of each in every minute."""
    machine = machine_noise(rng, regime, experiments, runs)
    own = own_noise(rng, regime, (2, experiments, runs))
    return machine + own[0], machine + own[1]


def sequential_runs(rng, regime, runs, experiments=EXPERIMENTS):
    """Logarithms of two arms, one after the other: two runs in every minute."""
    machine = np.repeat(machine_noise(rng, regime, experiments, runs), 2, axis=1)
    own = own_noise(rng, regime, (2, experiments, runs))
    return machine[:, :runs] + own[0], machine[:, runs:] + own[1]


def coverage(estimate, truth=0.0):
    low, high = estimate.interval(CONFIDENCE)
    return float(((low <= truth) & (truth <= high)).mean())


def alarms(estimate):
    """How often p is below 0.05."""
    return float((estimate.p_value() < ALPHA).mean())


def ratio_coverage(regime, runs, *, paired):
    """Coverage of the ratio's interval; the candidate is 7 % slower."""
    rng = generator("ratio", regime.name, runs, paired)
    baseline, candidate = (paired_runs if paired else independent_runs)(rng, regime, runs)
    truth = np.log(1.07)
    return coverage((paired_log_t if paired else log_welch)(baseline, candidate + truth), truth)


def unequal_coverage(runs):
    """The same where the candidate has half as many runs, and three times the spread."""
    rng = generator("unequal", runs)
    baseline = rng.normal(0, 0.03, (EXPERIMENTS, runs))
    candidate = rng.normal(0, 0.09, (EXPERIMENTS, max(5, runs // 2)))
    return coverage(log_welch(baseline, candidate))


def false_alarms(regime, runs, *, paired):
    """How often equal arms come out as different."""
    rng = generator("null", regime.name, runs, paired)
    arms = (paired_runs if paired else independent_runs)(rng, regime, runs)
    return alarms((paired_log_t if paired else log_welch)(*arms))


def sequential_false_alarms(regime, runs):
    """The same where one arm ran after the other."""
    return alarms(log_welch(*sequential_runs(generator("order", runs), regime, runs)))


def power(runs, effect, *, paired, regime=BY_NAME["shared"]):
    """How often an improvement is found, in arms that take turns; `effect` in per cent."""
    baseline, candidate = paired_runs(generator("power", runs), regime, runs)
    faster = candidate + np.log1p(-effect / 100)
    return alarms((paired_log_t if paired else log_welch)(baseline, faster))


def share_sample(rng, runs, unlike=0.35, beta=(12, 28)):
    """Per-run times of an operation and of all.

    `unlike` is the standard deviation of the logarithm of the runs' lengths; `beta` are the
    parameters of the distribution of the shares, whose mean is the true share.
    """
    wholes = np.exp(rng.normal(0, unlike, (EXPERIMENTS, runs)))
    return wholes * rng.beta(*beta, wholes.shape), wholes


def share_coverage(runs, unlike=0.35, beta=(12, 28)):
    """Coverage of the share's interval."""
    parts, wholes = share_sample(generator("share", runs, unlike, *beta), runs, unlike, beta)
    return coverage(logit_jackknife(parts, wholes)[0], np.log(beta[0] / beta[1]))


def giant_share_coverage(runs):
    """Coverage where one run in twenty has a span as long as all else in it."""
    rng = generator("giant", runs)
    parts, wholes = share_sample(rng, runs)
    giants = wholes * (rng.random(wholes.shape) < 0.05)
    truth = (12 / 40 + 0.05) / 1.05
    estimate = logit_jackknife(parts + giants, wholes + giants)[0]
    return coverage(estimate, np.log(truth / (1 - truth)))


def share_of_spans_coverage(runs):
    """Coverage if every run's share were taken for the average of independent spans (z)."""
    parts, wholes = share_sample(generator("naive", runs), runs)
    share = parts.sum(axis=-1) / wholes.sum(axis=-1)
    half = 1.96 * np.sqrt(share * (1 - share) / (runs * SPANS * 10))
    return float((np.abs(share - 12 / 40) <= half).mean())


def family_errors(runs, operations=20):
    """Of equal arms with many operations: at least one false alarm, raw and after Holm."""
    rng = generator("family", runs)
    shape = (2, 2000, operations, runs)
    machine = rng.normal(0, 0.05, (1, 2000, 1, runs))
    logs = machine + rng.normal(0, 0.04, shape)
    p = paired_log_t(logs[0], logs[1]).p_value()
    raw = (p.min(axis=1) < ALPHA).mean()
    adjusted = np.mean([min(holm(row)) < ALPHA for row in p])
    return float(raw), float(adjusted)


def look_errors(regime):
    """Of equal arms looked at three times: a false alarm at any look, with and without bounds."""
    looks = o_brien_fleming(PLANNED_LOOKS, ALPHA)
    arms = paired_runs(generator("looks", regime.name), regime, PLANNED_LOOKS[-1])
    p = [paired_log_t(*(arm[:, : look.runs] for arm in arms)).p_value() for look in looks]
    bounded = np.any([found < look.p_value for found, look in zip(p, looks, strict=True)], axis=0)
    return float(np.any(np.array(p) < ALPHA, axis=0).mean()), float(bounded.mean())


def spans_of(rng, logs):
    """Spans of runs whose medians are given: shape (…, runs, spans)."""
    return logs[..., None] + rng.normal(0, 0.10, (*logs.shape, SPANS))


def control_errors(regime, runs):
    """On equal arms: how often each rule that does not hold says that they differ."""
    rng = generator("controls", regime.name, runs)
    logs = independent_runs(rng, regime, runs)
    times = np.exp(logs[0]), np.exp(logs[1])
    low, high = rustybt_interval(times[1])
    outside = (times[0].mean(axis=-1) < low) | (times[0].mean(axis=-1) > high)
    return {
        "rbtrace": alarms(log_welch(*logs)),
        "rustybt differs": float(outside.mean()),
        "rustybt accepts": float(rustybt_accepts(*times).mean()),
        "pooled spans": alarms(pooled_spans(*(spans_of(rng, arm) for arm in logs))),
    }


def rustybt_coverage(regime, runs):
    """Coverage of rustybt's interval of the mean."""
    rng = generator("rustybt", regime.name, runs)
    times = np.exp(independent_runs(rng, regime, runs)[0])
    truth = np.exp(independent_runs(rng, regime, 500)[0]).mean()
    low, high = rustybt_interval(times)
    return float(((low <= truth) & (truth <= high)).mean())


def rustybt_interval(times):
    """What rustybt 0.3.3 calls a 95 % interval of the mean: 1.96 and the population's spread."""
    centre = times.mean(axis=-1)
    half = 1.96 * times.std(axis=-1) / np.sqrt(times.shape[-1])
    return centre - half, centre + half


def rustybt_accepts(baseline, candidate, threshold=5.0):
    """rustybt's `meets_threshold`, memory aside."""
    before = baseline.mean(axis=-1)
    improvement = 100 * (before - candidate.mean(axis=-1)) / before
    return (improvement >= threshold) & (rustybt_interval(candidate)[1] < before)


def pooled_spans(baseline, candidate):
    """Welch's test as if every span were a run; shapes (…, runs, spans)."""
    return log_welch(
        baseline.reshape(*baseline.shape[:-2], -1), candidate.reshape(*candidate.shape[:-2], -1)
    )
