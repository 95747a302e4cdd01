"""What has to hold for tracing to start: the main interpreter, and no modules it would mistake.

A script may lie beside a `queue.py` or a `secrets.py` of its own. The program lives with that;
tracing, which imports modules of these names after the program has begun, would run the program's
file before its time, or work with it as if it were the one it needs. It stays off then.
"""

# pathlib would be imported too early for a program that has a module of that name itself.
# ruff: noqa: PTH100, PTH117, PTH118, PTH120

from __future__ import annotations

import _thread
import os
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


def in_main_interpreter() -> bool:
    """Whether this is the interpreter the process began with."""
    known = getattr(_thread, "_is_main_interpreter", None)  # from Python 3.13 on
    if known is not None:
        return bool(known())
    try:
        import _xxsubinterpreters as interpreters  # type: ignore[import-not-found] # noqa: PLC0415
    except ImportError:
        return True  # this Python has no others
    return bool(interpreters.get_current() == interpreters.get_main())


# fmt: off
NEEDED = frozenset((
    "ast", "atexit", "base64", "bisect", "calendar", "collections", "concurrent", "contextlib",
    "contextvars", "copy", "copyreg", "csv", "ctypes", "dataclasses", "datetime", "decimal", "dis",
    "email", "enum", "fcntl", "fnmatch", "functools", "glob", "hashlib", "heapq", "hmac",
    "inspect", "ipaddress", "json", "keyword", "linecache", "locale", "logging", "msgspec",
    "numbers", "opcode", "operator", "opentelemetry", "pathlib", "platform", "pwd",
    "queue", "quopri", "random", "re", "reprlib", "resource", "secrets", "select", "selectors",
    "shutil", "signal", "socket", "string", "struct", "subprocess", "tempfile", "textwrap",
    "threading", "token", "tokenize", "traceback", "types", "typing", "typing_extensions",
    "urllib", "uuid", "warnings", "weakref", "zipfile"
))
# fmt: on
"""What a traced program has imported by the end of its first span, and a file could be named."""

_at_start_up: frozenset[str] = frozenset()
_STANDARD = tuple(
    os.path.join(folder, "")
    for folder in (
        os.path.dirname(os.__file__),
        os.path.join(
            sys.base_exec_prefix, sys.platlibdir, "python{}.{}".format(*sys.version_info[:2])
        ),
    )
)


class ShadowedError(ImportError):
    """A module has the name of one that tracing needs."""


def note_path() -> None:
    """Take the present `sys.path` for that of the installation: the script's folder comes later."""
    global _at_start_up  # noqa: PLW0603 - one for each process
    _at_start_up = frozenset(sys.path)


def check_imported() -> None:
    """Look at what the program has imported.

    Raises:
        ShadowedError: a module of its own has the name of one that tracing needs.
    """
    for name in NEEDED:
        module = sys.modules.get(name)
        spec = getattr(module, "__spec__", None)
        if spec is not None and _is_foreign(name, spec):
            raise _error(name, spec)


def check_to_come() -> None:
    """Look at what would be found under the names that are not imported yet.

    Raises:
        ShadowedError: a module of the program's own has the name of one that tracing needs.
    """
    for name in NEEDED - sys.modules.keys():
        spec = None if FrozenImporter.find_spec(name) else PathFinder.find_spec(name)
        if spec is not None and _is_foreign(name, spec):
            raise _error(name, spec)


class Watch:
    """While it is entered, no module of the program's own is imported in this thread unnoticed."""

    def __init__(self) -> None:
        self._thread = _thread.get_ident()
        self.error: ShadowedError | None = None

    def __enter__(self) -> None:
        sys.meta_path.insert(0, self)

    def __exit__(self, kind: object, error: BaseException | None, _traceback: object) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        if self.error is not None and error is None:
            raise self.error  # who imported it went on without

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> None:
        """Leave the search to the others, unless they would find the program's.

        Raises:
            ShadowedError: they would.
        """
        if "." in fullname or _thread.get_ident() != self._thread:
            return
        if BuiltinImporter.find_spec(fullname) or FrozenImporter.find_spec(fullname):
            return
        spec = PathFinder.find_spec(fullname)
        if spec is not None and _is_foreign(fullname, spec):
            self.error = _error(fullname, spec)
            raise self.error


def _is_foreign(name: str, spec: ModuleSpec) -> bool:
    """Whether a module is the program's own: not where those of that name are installed."""
    place = _place(spec)
    if not os.path.isabs(place):
        return False  # built in, frozen, or made by some hook
    if name in sys.stdlib_module_names:
        return not place.startswith(_STANDARD) or "site-packages" in place
    if name not in NEEDED:
        return False  # such as psutil, which Ray brings along in a folder of its own
    package = spec.origin is not None and spec.submodule_search_locations is not None
    folder = os.path.dirname(os.path.dirname(place) if package else place)
    return any(folder == os.path.abspath(entry) for entry in _added())


def _added() -> list[str]:
    """What the program has put before the installation's path."""
    added: list[str] = []
    for entry in sys.path:
        if entry in _at_start_up:
            return added
        added.append(entry)
    return []  # the path has been replaced, or there was no start-up file


def _place(spec: ModuleSpec) -> str:
    locations = spec.submodule_search_locations
    return spec.origin or (str(next(iter(locations), "")) if locations else "")


def _error(name: str, spec: ModuleSpec) -> ShadowedError:
    return ShadowedError(f"{_place(spec)} has the name of a module tracing needs", name=name)
