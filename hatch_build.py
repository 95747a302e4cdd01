"""Compile what can be, if this machine can; a wheel without it is pure Python and works too."""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_MODULES = (
    "rbtrace/_system",
    "rbtrace/recording/hot/_fasthot",
    "rbtrace/analysis/readers/_spanscan",
)
"""The C sources of each are the files whose names begin like this."""


class CompileModules(BuildHookInterface[Any]):
    """Adds compiled modules to a wheel, or puts them beside their source for an editable one."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the wheel is put together."""
        self._built = Path(tempfile.mkdtemp(prefix="rbtrace-build-"))
        compiled = _compile(Path(self.root), self._built) if _is_supported() else {}
        if version == "editable":
            self._put_beside_source(compiled)
        elif compiled:
            for module, path in compiled.items():
                build_data["force_include"][str(path)] = _file(module)
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
        for module in _MODULES:
            if module not in compiled:
                self.app.display_warning(f"{module}.c is not compiled: Python does it, slower")

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what the wheel has now."""
        del version, build_data, artifact_path
        shutil.rmtree(self._built, ignore_errors=True)

    def _put_beside_source(self, compiled: dict[str, Path]) -> None:
        """Replace what an earlier installation for this Python put there."""
        for module in _MODULES:
            beside = Path(self.root, _file(module))
            beside.unlink(missing_ok=True)
            if module in compiled:
                shutil.copy2(compiled[module], beside)


def _is_supported() -> bool:
    return sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")


def _file(module: str) -> str:
    return f"{module}{sysconfig.get_config_var('EXT_SUFFIX')}"


def _compile(root: Path, folder: Path) -> dict[str, Path]:
    """The compiled modules; none without a compiler or Python's headers."""
    from setuptools import Distribution, Extension  # noqa: PLC0415 - takes a while

    extensions = [
        Extension(
            module.replace("/", "."),
            sorted(str(source) for source in root.glob(f"{module}*.c")),
            optional=True,
        )
        for module in _MODULES
    ]
    distribution = Distribution({"name": "rbtrace", "ext_modules": extensions})
    command = distribution.get_command_obj("build_ext")
    command.build_lib = str(folder / "lib")
    command.build_temp = str(folder / "objects")
    distribution.run_command("build_ext")
    found = {module: folder / "lib" / _file(module) for module in _MODULES}
    return {module: path for module, path in found.items() if path.exists()}
