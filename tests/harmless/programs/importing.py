"""Imports: hooks, replaced machinery, odd modules, modules of our names."""

from __future__ import annotations

import builtins
import importlib
import importlib.abc
import importlib.util
import sys
import threading
import types

from common import main, settled, work

import rbtrace


def hooked() -> None:
    """A finder of the program at the front of sys.meta_path is asked for its own modules alone."""
    asked = []

    class Finder(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            if name.startswith(("mine", "json.")):
                asked.append(name)
            if name == "mine":
                return importlib.util.spec_from_loader(name, loader=Loader())
            return None

    class Loader(importlib.abc.Loader):
        def exec_module(self, module):
            module.value = 5

    sys.meta_path.insert(0, Finder())
    settled()
    import mine

    print(mine.value, asked, type(sys.meta_path[0]).__name__, work())


def replaced_import() -> None:
    """builtins.__import__ is replaced by a function that counts and forwards."""
    real, seen = builtins.__import__, []

    def importing(name, *arguments, **options):
        if name == "colorsys":
            seen.append(name)
        return real(name, *arguments, **options)

    builtins.__import__ = importing
    settled()
    import colorsys

    print(seen, colorsys.rgb_to_hls(0, 0, 0), builtins.__import__ is importing, work())


def refusing_import() -> None:
    """An import hook that raises for all it does not know, as sandboxes install."""
    real = builtins.__import__

    def importing(name, *arguments, **options):
        if name.partition(".")[0] in {"opentelemetry", "google", "requests"}:
            raise ImportError(f"{name} is not allowed here")
        return real(name, *arguments, **options)

    builtins.__import__ = importing
    settled()
    builtins.__import__ = real
    print(work())


def lazily() -> None:
    """Modules that load when they are first used (importlib.util.LazyLoader)."""
    spec = importlib.util.find_spec("colorsys")
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules["colorsys"] = module
    spec.loader.exec_module(module)
    settled()
    print(type(module).__name__ != "module", module.rgb_to_hls(0, 0, 0))


HALF_WAY = """
import threading

import common

common.settled()
thread = threading.Thread(target=common.work)
thread.start()
thread.join()
"""


class Odd(types.ModuleType):
    """A module that raises for whatever it is asked."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError("no")


class Eager(types.ModuleType):
    """A module that has every attribute."""

    def __getattr__(self, name: str) -> object:
        return Eager(name)

    def __call__(self, *_: object) -> object:
        raise RuntimeError("no")


def odd_modules() -> None:
    """sys.modules holds None, objects that raise, and objects that have every attribute."""
    for name in ("rustybt", "ray", "gevent", "dask", "joblib", "cloudpickle", "numpy_of_mine"):
        sys.modules[name] = Odd(name)
    for name in ("ray._private.worker", "distributed", "greenlet", "uvloop", "torch"):
        sys.modules[name] = Eager(name)
    sys.modules["pandas"] = sys.modules["loky"] = None
    sys.modules["mine"] = 3
    settled()
    import mine

    print(mine, work())


def deleted() -> None:
    """The program deletes modules from sys.modules, rbtrace's included."""
    settled()
    for name in list(sys.modules):
        if name.partition(".")[0] in {"rbtrace", "json", "threading", "logging"}:
            del sys.modules[name]
    print(work())
    import threading as again

    thread = again.Thread(target=work)
    thread.start()
    thread.join()


def reloaded() -> None:
    """Modules are reloaded, rbtrace among them, and traced functions go on."""
    settled()
    import json

    importlib.reload(json)
    importlib.reload(rbtrace)
    with rbtrace.span("after"):
        print(work())


def imported_in_threads() -> None:
    """Threads import at the same time as the first span starts, each within spans of its own."""
    barrier = threading.Barrier(4)

    def load(name: str) -> None:
        barrier.wait()
        with rbtrace.span("load"):
            importlib.import_module(name)

    names = ("xml.dom.minidom", "http.client", "email.message", "sqlite3")
    threads = [threading.Thread(target=load, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(all(name in sys.modules for name in names))


def within_an_import() -> None:
    """The first span is opened while a module is imported, and a thread waits for it there."""
    with open("half_way.py", "w") as file:
        file.write(HALF_WAY)
    sys.path.insert(0, ".")
    import half_way

    print(half_way.thread.is_alive())


def path_kept() -> None:
    """sys.path, hooks, modules of the standard library's tests and caches are as untraced."""
    before = (list(sys.path), len(sys.path_hooks), len(sys.meta_path))
    settled()
    print(before == (list(sys.path), len(sys.path_hooks), len(sys.meta_path)), len(sys.path_hooks))


if __name__ == "__main__":
    main(
        hooked,
        replaced_import,
        refusing_import,
        lazily,
        odd_modules,
        deleted,
        reloaded,
        imported_in_threads,
        within_an_import,
        path_kept,
    )
