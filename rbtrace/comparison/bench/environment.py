"""What a measurement depends on: the machine, its settings, and the versions of each arm."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import psutil

from rbtrace.errors import InputError

_THREAD_VARIABLES: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "PYTHONHASHSEED",
)
_GOVERNOR: Final = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_TURBO_OFF: Final = Path("/sys/devices/system/cpu/intel_pstate/no_turbo")
_ASK_SECONDS: Final = 60
_TRACING: Final = ("RBTRACE_", "OTEL_")

COMPARABLE: Final = ("host", "cpu", "cores", "system")
"""Runs may be pooled only where these agree."""

_PROBE: Final = """
import importlib.metadata as metadata, json, platform
versions = {"python": platform.python_version()}
for name in ("rbtrace", "rustybt", "numpy", "pandas", "polars"):
    try:
        versions[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
try:
    import numpy, threadpoolctl
    versions["blas"] = ", ".join(
        sorted({f"{pool['internal_api']} × {pool['num_threads']}"
                for pool in threadpoolctl.threadpool_info()}))
except ImportError:
    pass
print(json.dumps(versions))
"""


def describe_machine() -> dict[str, Any]:
    """The machine and its settings, for the record."""
    facts = {
        "host": platform.node(),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "usable_cores": len(psutil.Process().cpu_affinity()) if _has_affinity() else None,
        "system": f"{platform.system()} {platform.release()}",
        "memory_bytes": psutil.virtual_memory().total,
        "governor": _read(_GOVERNOR),
        "no_turbo": _read(_TURBO_OFF),
        "load": load(),
        "variables": {name: os.environ[name] for name in _THREAD_VARIABLES if name in os.environ},
    }
    return {name: value for name, value in facts.items() if value is not None}


def check_same_machine(environment: Mapping[str, Any]) -> None:
    """Refuse to go on with measurements on another machine than they were begun on.

    Args:
        environment: what `describe_machine` said then.

    Raises:
        InputError: it is another machine; the message says what differs.
    """
    now = describe_machine()
    differs = [name for name in COMPARABLE if environment.get(name) != now.get(name)]
    if differs:
        before = ", ".join(f"{name} {environment.get(name)}" for name in differs)
        here = ", ".join(f"{name} {now.get(name)}" for name in differs)
        raise InputError(
            f"this benchmark was begun on another machine ({before}; here {here}): "
            "runs of both do not belong together, start a new one"
        )


def summarize(environment: Mapping[str, Any]) -> str:
    """What matters most of an environment, in one line."""
    names = ("cpu", "cores", "system", "python", "rustybt", "numpy", "pandas", "blas")
    return ", ".join(f"{name} {environment[name]}" for name in names if name in environment)


def cpu_model() -> str:
    """The processor's name."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def load() -> float | None:
    """Load average of the last minute; None where the system keeps none."""
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None


def revision(folder: Path) -> str | None:
    """The git revision of a folder, `+` where files were changed; None outside a repository."""
    head = _ask(["git", "rev-parse", "HEAD"], folder)
    if head is None:
        return None
    changed = _ask(["git", "status", "--porcelain", "--untracked-files=no"], folder)
    return head + ("+" if changed else "")


@cache
def versions(program: str, folder: Path, *variables: tuple[str, str]) -> dict[str, str]:
    """Versions that a Python finds, by asking it; empty if the program is not a Python.

    Args:
        program: the Python.
        folder: where it is asked.
        variables: of its environment, beside those of this process.
    """
    if not Path(program).name.startswith("python"):
        return {}
    answer = _ask([program, "-c", _PROBE], folder, variables)
    try:
        return msgspec.json.decode(answer or "{}", type=dict[str, str])
    except msgspec.MsgspecError:
        return {}


def untraced(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without what turns tracing on or redirects it."""
    return {name: value for name, value in environ.items() if not name.startswith(_TRACING)}


def _has_affinity() -> bool:
    return hasattr(psutil.Process, "cpu_affinity")


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _ask(
    command: Sequence[str], folder: Path, variables: Iterable[tuple[str, str]] = ()
) -> str | None:
    try:
        process = subprocess.run(  # noqa: S603 - git, or the Python that is to be measured
            command,
            cwd=folder,
            env=untraced(os.environ) | dict(variables),
            capture_output=True,
            text=True,
            check=True,
            timeout=_ASK_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return process.stdout.strip()
