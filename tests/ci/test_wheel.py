"""The wheel: compiled and tagged so where there is a compiler, pure Python where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

import pytest

_ROOT = Path(__file__).parents[2]
_SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")


def _wheel(folder, **environ):
    """Build from a copy, as one that was cloned and never installed."""
    source = folder / "source"
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(_ROOT / "rbtrace", source / "rbtrace", ignore=ignored)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(_ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*command, "--wheel-dir", str(folder), str(source)],
        check=True,
        capture_output=True,
        env=os.environ | environ,
    )
    (found,) = folder.glob("*.whl")
    with ZipFile(found) as archive:
        names = archive.namelist()
        return found.name, sorted(
            name for name in names if "_fasthot" in name or "_spanscan" in name
        )


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_a_compiled_wheel_says_for_which_python_and_platform(tmp_path):
    name, contents = _wheel(tmp_path)
    assert contents == [
        f"rbtrace/analysis/readers/_spanscan{_SUFFIX}",
        f"rbtrace/recording/hot/_fasthot{_SUFFIX}",
    ]
    assert f"-cp{sys.version_info[0]}{sys.version_info[1]}-" in name
    assert "none-any" not in name


def test_without_a_compiler_the_wheel_is_pure_python(tmp_path):
    name, contents = _wheel(tmp_path, CC="/nonexistent/cc")
    assert contents == []
    assert name.endswith("-py3-none-any.whl")


def test_what_is_compiled_here_is_used():
    from rbtrace.analysis.readers import fast_path
    from rbtrace.recording.hot import compiled
    from rbtrace.system import SYSTEM

    parts = {"_spanscan": fast_path.COMPILED, "_fasthot": compiled.COMPILED, "_system": SYSTEM}
    here = {path.name.partition(".")[0] for path in _ROOT.glob(f"rbtrace/**/*{_SUFFIX}")}
    assert here == {name for name, part in parts.items() if part is not None}
