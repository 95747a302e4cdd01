"""Watching imports changes nothing about them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from types import ModuleType, SimpleNamespace

import pytest

from rbtrace.recording.engines.control import _replace_everywhere
from rbtrace.recording.engines.imports import AfterImport

NAME = "rbtrace_watched_example"


@pytest.fixture
def watch(tmp_path, monkeypatch):
    """Watches a module, which `write` makes."""
    monkeypatch.syspath_prepend(tmp_path)
    seen = []
    watching = AfterImport([NAME], lambda _, module: seen.append(module))
    watching.install()

    def write(text):
        (tmp_path / f"{NAME}.py").write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        return seen

    yield write
    watching.remove()
    sys.modules.pop(NAME, None)


def failing_import():
    """The traceback of an import that fails, as text."""
    try:
        importlib.import_module(NAME)
    except Exception:  # noqa: BLE001 - whatever it is, its text is compared
        return traceback.format_exc()
    raise AssertionError("it did not fail")


@pytest.mark.parametrize(
    "failure", ["1 / 0", "raise ImportError('no')", "import nothing_here", "("]
)
def test_a_module_that_fails_has_the_same_traceback(watch, failure):
    seen = watch(failure)
    watched = failing_import()
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, AfterImport)]
    assert watched == failing_import()
    assert seen == []


class Refusing:
    def __init__(self):
        self.asked = 0

    def find_spec(self, fullname, path=None, target=None):
        if fullname == NAME:
            self.asked += 1
            raise RuntimeError("not this one")


def test_a_finder_that_raises_is_asked_once_and_has_the_same_traceback(watch):
    finder = Refusing()
    sys.meta_path.insert(1, finder)
    try:
        watched = failing_import()
        assert finder.asked == 1
        del sys.meta_path[0]
        assert [line for line in watched.splitlines() if "_find_spec" not in line] == [
            line for line in failing_import().splitlines() if "_find_spec" not in line
        ]
    finally:
        sys.meta_path.remove(finder)


class Counting:
    asked = 0

    def find_spec(self, fullname, path=None, target=None):
        Counting.asked += fullname == NAME


class Old:
    """A finder of the protocol before `find_spec`."""


def test_other_finders_are_asked_once_and_old_ones_are_passed_over(watch):
    seen = watch("value = 1")
    finders = [Counting(), Old()]
    sys.meta_path[1:1] = finders
    try:
        module = importlib.import_module(NAME)
    finally:
        del sys.meta_path[1:3]
    assert (Counting.asked, seen) == (1, [module])


def test_who_only_searches_finds_the_modules_own_loader(watch):
    watch("value = 1")
    assert type(importlib.util.find_spec(NAME).loader).__name__ == "SourceFileLoader"


def test_a_module_that_puts_another_object_in_its_place_is_reported_as_that(watch):
    seen = watch("import sys, types\nsys.modules[__name__] = types.SimpleNamespace(value=2)")
    module = importlib.import_module(NAME)
    assert seen == [module] == [SimpleNamespace(value=2)]


def test_a_lazy_module_stays_lazy_and_is_reported_when_it_has_run(watch):
    seen = watch("value = 1")
    spec = importlib.util.find_spec(NAME)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)
    again = AfterImport([NAME], lambda _, found: seen.append(found))
    again.install()
    again.remove()
    assert seen == []
    assert type(module).__name__ == "_LazyModule"
    assert module.value == 1
    again.install()
    again.remove()
    assert seen == [module]


def test_what_is_done_with_a_module_never_raises_into_the_import(watch, capsys):
    watch("value = 1")
    broken = AfterImport([NAME], lambda *_: 1 / 0)
    broken.install()
    try:
        assert importlib.import_module(NAME).value == 1
    finally:
        broken.remove()
    assert capsys.readouterr().err.count("is not traced: ZeroDivisionError") == 1


class Raising:
    def __getattribute__(self, name):
        raise RuntimeError("leave me alone")

    @property
    def __dict__(self):
        raise RuntimeError("leave me alone")


@pytest.mark.parametrize("kind", [type(None), Raising, int, SimpleNamespace])
def test_odd_objects_among_the_modules_are_left_alone(monkeypatch, kind):
    monkeypatch.setitem(sys.modules, NAME, kind())
    watching = AfterImport([NAME], lambda *_: None)
    watching.install()
    watching.remove()
    old, new, module = object(), object(), ModuleType("rbtrace_holder")
    module.held = old
    monkeypatch.setitem(sys.modules, "rbtrace_holder", module)
    _replace_everywhere([(module, old, new)])
    assert module.held is new
