"""Plots of the studies, as SVG."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from rbtrace.errors import MissingExtraError
from rbtrace.statistics import PowerLaw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE: Final = (7.5, 4.2)
_STYLE: Final = {
    # The same figures give the same file; text stays text, which is smaller and can be searched.
    "svg.hashsalt": "rbtrace",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
}


class Series(NamedTuple):
    """Measured points of one kind, and the law fitted to them, if any."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    law: PowerLaw | None = None


def scaling(series: Sequence[Series], x_label: str, y_label: str) -> str:
    """Points and fitted curves on logarithmic axes, as an `svg` element.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    import numpy as np  # noqa: PLC0415 - beside matplotlib

    with _drawing() as (axes, drawn):
        for kind in series:
            (points,) = axes.plot(kind.x, kind.y, "o", alpha=0.6, label=kind.label)
            if kind.law is not None:
                curve = np.geomspace(*kind.law.sizes, 100)
                heights = [kind.law.at(size) for size in curve]
                axes.plot(curve, heights, "-", color=points.get_color())
        axes.set(xscale="log", yscale="log", xlabel=x_label, ylabel=y_label)
        ticks = sorted({x for kind in series for x in kind.x})
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
        axes.minorticks_off()
        axes.legend(frameon=False)
    return drawn.getvalue()


def speed_ups(series: Sequence[Series]) -> str:
    """Speed-up by number of workers beside the ideal one, as an `svg` element.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with _drawing() as (axes, drawn):
        ticks = sorted({x for kind in series for x in kind.x} | {1.0})
        axes.plot(ticks, ticks, ":", color="grey", label="ideal")
        for kind in series:
            axes.plot(kind.x, kind.y, "o-", alpha=0.7, label=kind.label)
        axes.set(xscale="log", yscale="log", xlabel="workers", ylabel="speed-up")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.minorticks_off()
        axes.legend(frameon=False, fontsize="small")
    return drawn.getvalue()


def gantt(bars: Mapping[int, Sequence[tuple[float, float]]], end: float) -> str:
    """When each process was busy, as an `svg` element.

    Args:
        bars: by process, start and duration of each task, s.
        end: when it was over, s.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with _drawing() as (axes, drawn):
        for row, process in enumerate(sorted(bars)):
            axes.broken_barh(list(bars[process]), (row - 0.4, 0.8), edgecolor="white")
        axes.set(xlim=(0, end), xlabel="seconds", ylabel="process")
        axes.set_yticks(range(len(bars)), [str(process) for process in sorted(bars)])
        axes.invert_yaxis()
    return drawn.getvalue()


def stacked(bars: Mapping[str, Mapping[str, float]], x_label: str) -> str:
    """Parts of wholes, one bar for each whole, as an `svg` element.

    Args:
        bars: by whole, its parts; all have the same.
        x_label: what the lengths are.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with _drawing() as (axes, drawn):
        ends = dict.fromkeys(bars, 0.0)
        for part in next(iter(bars.values())):
            lengths = [parts[part] for parts in bars.values()]
            axes.barh(list(bars), lengths, left=list(ends.values()), label=part)
            ends = {name: end + bars[name][part] for name, end in ends.items()}
        axes.set(xlabel=x_label)
        axes.invert_yaxis()
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.4, -0.15), ncols=2)
    return drawn.getvalue()


class Band(NamedTuple):
    """A curve that changes in steps, and what lies around it."""

    label: str
    x: Sequence[float]
    low: Sequence[float]
    middle: Sequence[float]
    high: Sequence[float]


def steps(bands: Sequence[Band], x_label: str, y_label: str) -> str:
    """Step curves, each in a band, as an `svg` element.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with _drawing() as (axes, drawn):
        for band in bands:
            (line,) = axes.step(band.x, band.middle, where="post", label=band.label)
            colour = line.get_color()
            axes.fill_between(band.x, band.low, band.high, step="post", alpha=0.15, color=colour)
        axes.set(xlabel=x_label, ylabel=y_label)
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)
    return drawn.getvalue()


def need_matplotlib() -> None:
    """Fail early where nothing could be drawn.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401, PLC0415 - heavy
    except ModuleNotFoundError as problem:
        raise MissingExtraError("plots", "the report of a scenario") from problem


@contextmanager
def _drawing() -> Iterator[tuple[Axes, io.StringIO]]:
    need_matplotlib()
    from matplotlib import rc_context  # noqa: PLC0415 - heavy
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy

    drawn = io.StringIO()
    with rc_context(_STYLE):
        figure = Figure(figsize=_SIZE, layout="constrained")
        yield figure.subplots(), drawn
        whole = io.StringIO()
        figure.savefig(whole, format="svg", metadata={"Date": None, "Creator": None})
    # Without the XML declaration and the document type it can stand in a page.
    text = whole.getvalue()
    drawn.write(text[text.index("<svg") :])
