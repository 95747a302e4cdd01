"""Findings of parallel coordination: sentences and drawings."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from rbtrace.reporting.model import Picture
from rbtrace.reporting.numbers import duration, percent, ratio
from rbtrace.studies import plots
from rbtrace.studies.batches import WAY_NAMES, Point, of_way, ways_of, with_workers
from rbtrace.studies.parallel_coordinator.costs import REAL_CORES, Costs, Work, predict
from rbtrace.studies.parallel_coordinator.figures import (
    ClockAgreement,
    Groups,
    TracedRun,
    fastest,
    sequential_runs,
    speed_up,
    time_ratio_to_fewer,
    wall,
)
from rbtrace.studies.shared_tables import number_of_workers, ratio_with_interval


def findings(
    groups: Groups,
    spans: dict[Point, list[TracedRun]],
    costs: dict[Point, Costs],
    work: Work,
    agreed: Sequence[ClockAgreement],
    cores: int,
) -> list[str]:
    """What follows from the tables."""
    sentences = []
    for way in ways_of(with_workers(groups)):
        sentences += [_best(groups, way, cores), _beyond(groups, way)]
    sentences += [_waiting(way, number, spans[way, number]) for way, number in _most(spans)]
    sentences += [_handling(costs[point], work, point[0]) for point in _most(costs)]
    sentences += [_predicted(costs, work, way) for way in ways_of(costs)]
    sentences += [_checked(groups, costs, work, cores), _agreement(agreed)]
    sentences.append(
        f"This machine has {cores} usable cores: what is said of more cores is computed from "
        "measured costs, and bounds the speed-up from above."
    )
    return sentences


def pictures(groups: Groups, costs: dict[Point, Costs], work: Work) -> list[Picture]:
    """Speed-up by number of workers, and when each worker was busy."""
    sequential = wall(sequential_runs(groups))
    series = []
    for way in ways_of(with_workers(groups)):
        measured = of_way(groups, way)
        gained = [sequential / wall(group) for group in measured.values()]
        series.append(plots.Series(WAY_NAMES[way], list(measured), gained))
    for way in ways_of(costs):
        modelled = of_way(costs, way)
        gained = [
            work.sequential_ns / predict(cost, work, REAL_CORES) for cost in modelled.values()
        ]
        label = f"{WAY_NAMES[way]}, model of {REAL_CORES} cores"
        series.append(plots.Series(label, list(modelled), gained))
    drawn = plots.speed_ups(series)
    return [
        Picture("Speed-up, measured here and as the model has it", "scaling.svg", drawn),
        *(_gantt(groups, way, number) for way, number in _most(groups) if number > 1),
    ]


def _gantt(groups: Groups, way: str, workers: int) -> Picture:
    batch = groups[way, workers][0].batches[0]
    bars = {
        process: [
            ((task.started_ns - batch.began_ns) / 1e9, (task.ended_ns - task.started_ns) / 1e9)
            for task in tasks
        ]
        for process, tasks in batch.processes.items()
    }
    title = f"When each worker was busy: {WAY_NAMES[way]}, {number_of_workers(workers)}"
    return Picture(title, f"utilisation-{way}.svg", plots.gantt(bars, batch.wall_ns / 1e9))


def _most[T](points: dict[Point, T]) -> list[Point]:
    """The point with most workers of each way."""
    return list({way: (way, number) for way, number in sorted(points)}.values())


def _best(groups: Groups, way: str, cores: int) -> str:
    number = fastest(groups, way)
    gained = speed_up(sequential_runs(groups), groups[way, number])
    if gained.ratio <= 1:
        return (
            f"{WAY_NAMES[way]}: no number of workers that was measured is faster than one process; "
            f"{number} are {ratio_with_interval(gained)} times as fast."
        )
    return (
        f"{WAY_NAMES[way]}: with {cores} usable cores it is fastest with "
        f"{number_of_workers(number)}, {ratio_with_interval(gained)} times as fast as one process; "
        f"efficiency {percent(gained.ratio / number)}."
    )


def _beyond(groups: Groups, way: str) -> str:
    best = fastest(groups, way)
    more = [number for number in of_way(groups, way) if number > best]
    if not more:
        return f"{WAY_NAMES[way]}: more workers than {best} were not measured."
    compared = time_ratio_to_fewer(groups, way, min(more))
    assert compared is not None  # there are fewer: the best
    certain = compared.ci is not None and compared.ci[0] > 1
    return (
        f"{WAY_NAMES[way]}: beyond {number_of_workers(best)}, more cost more than they "
        f"give: with {min(more)} the same takes {ratio_with_interval(compared)} times as long"
        f"{'' if certain else ', a difference that these runs do not establish'}."
    )


def _waiting(way: str, workers: int, group: list[TracedRun]) -> str:
    busy = sum(run.region.busy_ns for run in group)
    waited = [run.region.runqueue_ns for run in group]
    if None in waited or not busy:
        return f"{WAY_NAMES[way]}: this system does not say how long workers wait for a core."
    share = sum(ns for ns in waited if ns is not None) / busy
    return (
        f"{WAY_NAMES[way]}, {number_of_workers(workers)}: {percent(share)} of the time in which "
        "they look busy they wait for a core."
    )


def _handling(cost: Costs, work: Work, way: str) -> str:
    most = work.each_ns / cost.handling_ns
    return (
        f"{WAY_NAMES[way]}, {number_of_workers(cost.workers)}: handing out a task and taking its "
        f"result takes {duration(cost.handling_ns)}, and at that rate backtests of "
        f"{duration(work.each_ns)} keep at most {most:.0f} workers busy, however many cores there "
        f"are. A worker's first task starts {duration(cost.startup_ns)} after the call."
    )


def _predicted(costs: dict[Point, Costs], work: Work, way: str) -> str:
    predicted = {
        workers: predict(cost, work, REAL_CORES) for workers, cost in of_way(costs, way).items()
    }
    best = min(predicted, key=predicted.__getitem__)
    return (
        f"{WAY_NAMES[way]}: for {REAL_CORES} real cores the model predicts at most "
        f"{ratio(work.sequential_ns / predicted[best])} times the speed of one process for these "
        f"{work.tasks} backtests, with {number_of_workers(best)}."
    )


def _checked(groups: Groups, costs: dict[Point, Costs], work: Work, cores: int) -> str:
    met = [
        predict(costs[point], work, cores) / wall(groups[point])
        for point in costs
        if point in groups
    ]
    if not met:
        return "The model is not checked: no number of workers was measured both ways."
    return (
        f"Where the model can be checked, at {len(met)} points on {cores} cores, it gives "
        f"{ratio(min(met))} to {ratio(max(met))} times the measured time, {ratio(median(met))} in "
        "the middle."
    )


def _agreement(agreed: Sequence[ClockAgreement]) -> str:
    busy = [agreement.busy_ratio for agreement in agreed]
    cpu = [agreement.cpu_ratio for agreement in agreed if agreement.cpu_ratio is not None]
    sentence = (
        f"The time in which workers are busy is by the spans {_range(busy)} times that by a clock "
        "in the workers"
    )
    return (
        f"{sentence}, their CPU time {_range(cpu)} times that by getrusage."
        if cpu
        else f"{sentence}."
    )


def _range(ratios: Sequence[float]) -> str:
    return f"{min(ratios):.4f} … {max(ratios):.4f}"
