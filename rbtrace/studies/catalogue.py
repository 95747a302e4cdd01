"""The catalogue of studies; a new one is a module and a row here.

A study's module has `cases(quick=...)`, what is to be measured; `measure(settings, data)`, which
measures one case in a process of its own and returns what JSON can hold; and `report(evidence)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, cast

from rbtrace.errors import MissingExtraError
from rbtrace.reporting.model import Report
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.journal import Case, Settings

_GIB: Final = 1 << 30
_EVERY_STUDY: Final = {"rustybt": "demo", "backtesting": "demo", "arch": "demo"}


class StudyModule(Protocol):
    """What a study's module offers."""

    cases: Callable[..., list[Case]]
    measure: Callable[[Settings, Path], dict[str, Any]]
    report: Callable[[Evidence], Report]


class Study(NamedTuple):
    """One study.

    Attributes:
        question: what it asks.
        module: where it is.
        memory_bytes: what has to be free.
        disk_bytes: what has to be free where the output goes.
        packages: those it needs besides the engine, and the extra that brings each.
    """

    question: str
    module: str
    memory_bytes: int = _GIB
    disk_bytes: int = _GIB // 2
    packages: Mapping[str, str] = {}

    def load(self) -> StudyModule:
        """Import the module.

        Raises:
            MissingExtraError: a package it needs is not installed.
        """
        for package, extra in (_EVERY_STUDY | dict(self.packages)).items():
            if find_spec(package) is None:
                raise MissingExtraError(extra, "this scenario")
        return cast("StudyModule", import_module(self.module))


STUDIES: Final[dict[str, Study]] = {
    "batch-init": Study(
        "what a worker pays before the first bar, and how that grows with the number of assets",
        "rbtrace.studies.batch_init.plan",
    ),
    "baseline": Study(
        "where the time and the memory of a backtest go, in the engine and in a user's code",
        "rbtrace.studies.baseline.plan",
    ),
    "multi-fidelity": Study(
        "what backtests of short windows save when parameters are searched, and what that costs",
        "rbtrace.studies.multi_fidelity.plan",
        packages={"optuna": "optuna"},
    ),
    "parallel-coordinator": Study(
        "what more workers give, and what distributing the work to them costs",
        "rbtrace.studies.parallel_coordinator.plan",
    ),
    "ray-vs-pool": Study(
        "what Ray costs and gives beside multiprocessing.Pool, for the same evaluations",
        "rbtrace.studies.ray_vs_pool.plan",
        memory_bytes=4 * _GIB,
        packages={"ray": "ray", "aiohttp_cors": "ray"},
    ),
}
