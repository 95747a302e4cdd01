"""The names of modules that a program may have given to modules of its own, `rbtrace` among them.

The start-up file imports this package, and what it needs of the standard library, before it is
known what the program will find under these names: the script's folder is not on the path yet, and
a worker or a test runner changes the path later. So all of them are put aside until their names are
asked for, by the program or by tracing itself. If the path leads to another module then, the
program gets that one; if that is the name of this package, tracing ends.
"""

from __future__ import annotations

import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING

from rbtrace.errors import warn_once
from rbtrace.recording.engines.imports import is_search_only, search, without_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

_NAME = "rbtrace"


class OwnName(MetaPathFinder):
    """Has modules aside until it is known whose their names are."""

    def __init__(self, give_up: Callable[[], None] | None) -> None:
        """Put nothing aside yet.

        Args:
            give_up: ends tracing; None if it is off.
        """
        self._give_up = give_up
        self._aside: dict[str, dict[str, ModuleType]] = {}
        self._package: ModuleType = sys.modules[_NAME]

    def put_aside(self, before: Container[str]) -> None:
        """Leave `sys.modules` with those that were there before, and those no file can stand for.

        Of the latter kind are modules that are built in or frozen.
        """
        for name in [name for name in sys.modules if name not in before]:
            top = name.partition(".")[0]
            spec = getattr(sys.modules.get(top), "__spec__", None)
            if top in self._aside or (spec is not None and spec.has_location and top not in before):
                self._aside.setdefault(top, {})[name] = sys.modules.pop(name)
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Whatever the path leads to; the module that was put aside if it is that."""
        if fullname.startswith(f"{_NAME}."):
            if _NAME not in self._aside and PathFinder.find_spec(fullname, path) is None:
                self.say_if_another_is_meant()
            return None
        if fullname not in self._aside or is_search_only():
            return None
        try:
            spec = search(self, fullname, path, target)
        except BaseException as problem:
            without_frames(problem, 2)
            raise
        aside = self._aside.pop(fullname, None)
        if aside is None:
            return spec  # another thread was faster
        module = aside.pop(fullname)  # the import system puts it there itself, or loads it anew
        if _place(spec) != _place(module.__spec__):
            if fullname == _NAME:
                self._end(spec)
            return spec
        sys.modules.update(aside)
        return ModuleSpec(fullname, _Present(module), is_package=hasattr(module, "__path__"))

    def _end(self, spec: ModuleSpec | None) -> None:
        if self._give_up is not None:
            self._give_up()
            warn_once("name", f"tracing stays off: {_place(spec)} has the name of the package")

    def say_if_another_is_meant(self) -> None:
        """The program asks for what this package has not: say so if there is another by now."""
        spec = PathFinder.find_spec(_NAME)
        if spec is not None and _place(spec) != _place(self._package.__spec__):
            warn_once(
                "name",
                f"{_place(spec)} has the name of the tracing package, which was imported before "
                "the program put that on its path: run it with tracing off, or rename it",
            )


def _place(spec: ModuleSpec | None) -> str:
    """The file of a module, or the folder; in one spelling."""
    if spec is None:
        return "nothing on the path"
    return os.path.realpath(spec.origin or next(iter(spec.submodule_search_locations or ()), ""))


class _Present(Loader):
    """Gives a module that has been executed."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__
        self._loader = module.__loader__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        del spec
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec
        module.__loader__ = self._loader
