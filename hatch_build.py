"""Compile the hot call if this machine can; a wheel without it is pure Python and works too."""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_MODULE = "rbtrace.recording._fasthot"
_FOLDER = "rbtrace/recording"
_SOURCE = f"{_FOLDER}/_fasthot.c"


class CompileHotCalls(BuildHookInterface[Any]):
    """Adds the compiled module to a wheel, or puts it beside its source for an editable one."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the wheel is put together."""
        self._built = Path(tempfile.mkdtemp(prefix="rbtrace-build-"))
        compiled = _compile(Path(self.root), self._built) if _is_supported() else None
        if version == "editable":
            self._put_beside_source(compiled)
        elif compiled is not None:
            build_data["force_include"][str(compiled)] = f"{_FOLDER}/{compiled.name}"
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
        if compiled is None:
            self.app.display_warning("hot calls are not compiled: they run in Python, slower")

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what the wheel has now."""
        del version, build_data, artifact_path
        shutil.rmtree(self._built, ignore_errors=True)

    def _put_beside_source(self, compiled: Path | None) -> None:
        """Replace what an earlier installation for this Python put there."""
        folder = Path(self.root, _FOLDER)
        (folder / _file_name()).unlink(missing_ok=True)
        if compiled is not None:
            shutil.copy2(compiled, folder / compiled.name)


def _is_supported() -> bool:
    return sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")


def _file_name() -> str:
    return f"_fasthot{sysconfig.get_config_var('EXT_SUFFIX')}"


def _compile(root: Path, folder: Path) -> Path | None:
    """The compiled module; None without a compiler or Python's headers."""
    from setuptools import Distribution, Extension  # noqa: PLC0415 - takes a while

    extension = Extension(_MODULE, [str(root / _SOURCE)], optional=True)
    distribution = Distribution({"name": "rbtrace", "ext_modules": [extension]})
    command = distribution.get_command_obj("build_ext")
    command.build_lib = str(folder / "lib")
    command.build_temp = str(folder / "objects")
    distribution.run_command("build_ext")
    found = folder / "lib" / _FOLDER / _file_name()
    return found if found.exists() else None
