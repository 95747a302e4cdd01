"""Call a function after a module is imported, without importing it.

A finder at the head of `sys.meta_path` recognises the wanted names, lets the ordinary finders find
the module, and lends it a loader that calls back once the module has run. The program sees neither:
who only searches gets what the others find, a module's loader is its own, and in the traceback of a
module that fails nothing of this stands.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from rbtrace.errors import warn_once


def is_search_only() -> bool:
    """Whether the finder that calls this is asked by `importlib.util.find_spec`: for no import."""
    try:
        asking = sys._getframe(3)  # beneath the finder and `importlib._bootstrap._find_spec`
    except ValueError:
        return False
    return asking.f_globals.get("__name__") == "importlib.util"


def search(
    finder: MetaPathFinder, fullname: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    """What the finders after this one find, or raise; those before it have been asked."""
    finders = list(sys.meta_path)
    if finder in finders:
        del finders[: finders.index(finder) + 1]
    for other in finders:
        find = getattr(other, "find_spec", None)
        if find is not None:
            spec: ModuleSpec | None = find(fullname, path, target)
            if spec is not None:
                return spec
    return None


def without_frames(problem: BaseException, frames: int) -> None:
    """Take so many frames, the caller's first, out of an exception that goes on to the program."""
    for _ in range(frames):
        if problem.__traceback__ is not None and problem.__traceback__.tb_next is not None:
            problem.__traceback__ = problem.__traceback__.tb_next


class _CallingLoader(Loader):
    def __init__(self, loader: Any, imported: Callable[[], None]) -> None:
        self._loader = loader
        self._imported = imported

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        spec.loader = self._loader
        try:
            module: ModuleType | None = self._loader.create_module(spec)
        except BaseException as problem:
            without_frames(problem, 1)
            raise
        if spec.loader is self._loader:
            spec.loader = self
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        try:
            self._loader.exec_module(module)
        except BaseException as problem:
            without_frames(problem, 1)
            raise
        self._imported()


class AfterImport(MetaPathFinder):
    """Calls `imported(name, module)` after each of the named modules has been imported."""

    def __init__(self, names: Iterable[str], imported: Callable[[str, ModuleType], None]) -> None:
        self._names = frozenset(names)
        self._imported = imported
        self._waiting = set(self._names)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's own spec, with a loader that calls back."""
        if fullname not in self._names or is_search_only():
            return None
        self._serve(self._waiting)  # what was imported in a way that is not seen here
        try:
            spec = search(self, fullname, path, target)
        except BaseException as problem:
            without_frames(problem, 2)
            raise
        loader = None if spec is None else spec.loader
        if hasattr(loader, "exec_module") and hasattr(loader, "create_module"):
            assert spec is not None
            spec.loader = _CallingLoader(loader, lambda: self._report(fullname))
        return spec

    def install(self) -> None:
        """Watch imports from now on; serve those modules that are already there."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        self._serve(self._names)

    def _serve(self, names: Iterable[str]) -> None:
        """Report those modules that have run."""
        for name in sorted(names):
            if name in sys.modules and not _is_yet_to_run(sys.modules[name]):
                self._report(name)

    def _report(self, name: str) -> None:
        self._waiting.discard(name)
        try:
            self._imported(name, sys.modules[name])  # it may have put another object there
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            warn_once(name, f"{name} is not traced: {problem!r}")

    def remove(self) -> None:
        """Watch no longer."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)


def _is_yet_to_run(module: object) -> bool:
    """Whether a module has yet to run, or is none: objects in `sys.modules` may be of any kind."""
    try:
        spec = object.__getattribute__(module, "__dict__").get("__spec__")
        return bool(getattr(spec, "_initializing", False)) or type(module).__name__ == "_LazyModule"
    except Exception:  # noqa: BLE001 - whatever it is made of
        return True
