"""Turning tracing on and off from Python, and wrapping the methods of the table meanwhile.

A function that other modules have imported by name is replaced under every such name, so that
`bundles.load is bundles.core.load` stays true; the originals are put back exactly.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import ModuleType
from typing import Any, NamedTuple

from rbtrace.conventions import SCOPE_NAME
from rbtrace.errors import warn_once
from rbtrace.recording.engines.imports import AfterImport
from rbtrace.recording.engines.table import TRACED_METHODS, Kind, TracedMethod, extractor
from rbtrace.recording.propagation.points import OS_CALLS, PROPAGATION_POINTS
from rbtrace.recording.recorder import RECORDER
from rbtrace.recording.target import PropagationPoint
from rbtrace.settings import Settings


def configure(**values: Any) -> Settings:
    """Change settings of this process and of the children it starts from now on.

    Args:
        **values: fields of `Settings`: `directory`, `detail`, `arm`, `params`, …

    Returns:
        The settings now in force.

    Raises:
        SettingError: a name is not a setting, or a value is not one it may have.
    """
    settings = _present().with_values(**values)
    RECORDER.settings = settings
    if settings.enabled or RECORDER.is_on:
        RECORDER.turn_on(settings)
    return RECORDER.settings


def instrument(**values: Any) -> None:
    """Trace rustybt from now on, in this process and its children. Calling it again is harmless.

    It may be called before or after rustybt is imported. Without an OpenTelemetry provider of the
    program's own, spans come from a private one; with one, they come from that.

    Args:
        **values: settings, as for `configure`.

    Raises:
        SettingError: a name is not a setting, or a value is not one it may have.
    """
    RECORDER.turn_on(_present().with_values(**values))
    _watch.install()


def uninstrument() -> None:
    """Put rustybt's own functions back and record nothing more. Calling it again is harmless."""
    _watch.remove()
    _patches.undo()
    RECORDER.turn_off()


def shutdown() -> None:
    """Uninstrument, deliver everything and close the files. The next `instrument` is a new run."""
    uninstrument()
    RECORDER.shutdown()


def traced_count() -> int:
    """How many rows of the table are wrapped in this process."""
    return len(_patches)


def _present() -> Settings:
    if RECORDER.is_on:
        return RECORDER.settings
    settings, problems = Settings.read()
    for problem in problems:
        warn_once(problem, f"{problem}; using the default")
    return settings


type Row = TracedMethod | PropagationPoint


class _Patch(NamedTuple):
    row: Row
    owner: Any
    attribute: str
    original: Any
    wrapped: Any


class Patches:
    """The methods wrapped in this process."""

    def __init__(self) -> None:
        self._done: dict[str, _Patch] = {}

    def apply(self, name: str, module: ModuleType) -> None:
        """Wrap what the table names in a module. A row that does not fit is reported, once.

        What is wrapped already stays as it is, unless the module was loaded again.
        """
        made = []
        rows = rows_by_module().get(name, ())
        if any(isinstance(row, TracedMethod) for row in rows) and not RECORDER.get_ready():
            return
        for row in rows:
            if self._is_wrapped(row, module):
                continue
            try:
                self._done[row.target] = _patch(module, row)
                made.append(self._done[row.target])
            except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
                warn_once(row.target, f"{row.target} is not traced: {problem!r}")
        _replace_everywhere((patch.owner, patch.original, patch.wrapped) for patch in made)

    def _is_wrapped(self, row: Row, module: ModuleType) -> bool:
        patch = self._done.get(row.target)
        if patch is None:
            return False
        try:
            return locate(module, row)[2] is patch.wrapped
        except LookupError:
            return True

    def undo(self) -> None:
        """Put every original back, under every name."""
        patches = list(reversed(self._done.values()))
        for patch in patches:
            if vars(patch.owner).get(patch.attribute) is patch.wrapped:
                setattr(patch.owner, patch.attribute, patch.original)
        _replace_everywhere((patch.owner, patch.wrapped, patch.original) for patch in patches)
        self._done.clear()

    def __len__(self) -> int:
        return sum(isinstance(patch.row, TracedMethod) for patch in self._done.values())


def rows_by_module() -> dict[str, list[Row]]:
    """All that is wrapped, by the module that has to be imported."""
    everything: tuple[Row, ...] = (*OS_CALLS, *PROPAGATION_POINTS, *TRACED_METHODS)
    rows: dict[str, list[Row]] = {}
    for row in everything:
        rows.setdefault(row.module, []).append(row)
    return rows


def locate(module: ModuleType, row: Row) -> tuple[Any, str, Any]:
    """Owner, attribute and present value of a row's target.

    Raises:
        LookupError: this rustybt has no such function or method.
    """
    *owners, attribute = row.path.split(".")
    owner: Any = module
    for name in owners:
        owner = vars(owner).get(name)
        if owner is None:
            raise LookupError(f"{row.module} has no {name}")
    if attribute not in vars(owner):
        raise LookupError(f"{row.target} does not exist here")
    return owner, attribute, vars(owner)[attribute]


def _patch(module: ModuleType, row: Row) -> _Patch:
    owner, attribute, original = locate(module, row)
    wrapped = row.wrap(original) if isinstance(row, PropagationPoint) else _wrap(original, row)
    setattr(owner, attribute, wrapped)
    return _Patch(row, owner, attribute, original, wrapped)


def _wrap(original: Any, row: TracedMethod) -> Any:
    from rbtrace.recording.operation import describe  # noqa: PLC0415 - imports OpenTelemetry
    from rbtrace.recording.wrapping import underlying, wrap_operation  # noqa: PLC0415

    operation = describe(
        underlying(original),
        row.span_name,
        row.category,
        SCOPE_NAME,
        before=extractor(row.before),
        after=extractor(row.after),
        measures_cpu=row.measures_cpu,
        attaches=row.runs_user_code,
        is_trial=row.is_trial,
    )
    target = _carrying(original) if row.carries_objective else original
    return wrap_operation(target, operation, hot=row.kind is Kind.HOT)


def _carrying(run: Callable[..., Any]) -> Callable[..., Any]:
    from rbtrace.recording.propagation.objective import TracedObjective  # noqa: PLC0415 - imports OpenTelemetry

    @functools.wraps(run)
    def call(optimizer: Any, objective_function: Callable[[Any], Any]) -> Any:
        return run(optimizer, TracedObjective(objective_function))

    return call


def _replace_everywhere(swaps: Iterable[tuple[Any, Any, Any]]) -> None:
    """Replace functions of modules in every module that imported them by name, in one pass.

    Args:
        swaps: owner, what it had, what it has now; an owner that is no module is passed over.
    """
    replacements = {id(old): new for owner, old, new in swaps if isinstance(owner, ModuleType)}
    if not replacements:
        return
    for module in list(sys.modules.values()):
        with suppress(Exception):  # objects of any kind are put into sys.modules
            names = object.__getattribute__(module, "__dict__")
            if replacements.keys().isdisjoint(map(id, list(names.values()))):
                continue  # a pair for each of all names would wake the garbage collector
            for name, value in list(names.items()):
                if (replacement := replacements.get(id(value))) is not None:
                    names[name] = replacement


_patches = Patches()
_watch = AfterImport(rows_by_module(), _patches.apply)
