"""Running one program in one mode, and what it left: output, files, processes, spans."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import rbtrace
from rbtrace.errors import InputError
from rbtrace.testing import read_spans
from tests.harmless.program import Program
from tests.support.environment import uncovered

HERE = Path(__file__).parent
_ENVIRONMENT = uncovered()
"""Taken once: pytest changes its own variables while programs are started in threads."""
PROGRAMS = HERE / "programs"
PACKAGE = HERE.parents[1] / "rbtrace"
SUPERVISOR = HERE / "supervise.py"
GRACE_S = 15.0
"""How long what a program started may go on after it."""
WARNING = "rbtrace: warning:"
DEFAULT_FOLDER = "rbtrace-out"
TRACED = {"RBTRACE_ENABLED": "1"}
MODES: Mapping[str, Mapping[str, str]] = {
    "off": {},
    "summaries": TRACED,
    "calls": TRACED | {"RBTRACE_DETAIL": "calls"},
    "sampler": TRACED | {"RBTRACE_SAMPLER": "signal"},
    "collector away": TRACED,
    "collector silent": TRACED,
}
"""The last two also get the address of a collector."""

FRAMES_OF_OURS = re.compile(
    rf'(?m)^ +[|+]? *File "{re.escape(str(PACKAGE))}/[^"\n]*", line \d+, in .*\n'
    r"(?:(?! +[|+]? *File \")[ |+]{4,}.*\n)*"
)
"""Entries of a traceback that lie in a wrapper of a traced function."""

ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


@dataclass(frozen=True)
class Interpreter:
    """A Python that has rbtrace installed."""

    version: str
    path: str


@dataclass(frozen=True)
class Left:
    """What a finished program left.

    Attributes:
        status: exit status, or minus the signal.
        printed: standard output, the folder's name replaced.
        complaints: lines of standard error that are not ours.
        warnings: those that are.
        files: what is in its working folder, by path: kind, mode and contents.
        calls: calls of each operation in the trace.
        integrity: as the report has it; empty where nothing was recorded.
        processes: what it started and is still there.
        stacks: of the processes that had to be killed.
        elapsed_s: how long it took.
    """

    status: int
    printed: str
    complaints: str
    warnings: tuple[str, ...]
    files: Mapping[str, str]
    calls: Counter[str]
    integrity: Mapping[str, Any]
    timed_out: bool
    processes: tuple[str, ...]
    stacks: str
    elapsed_s: float


def run(
    program: Program,
    mode: str,
    interpreter: Interpreter,
    folder: Path,
    collector: Mapping[str, str],
) -> Left:
    """Run a program in a folder of its own."""
    work, traces = folder / "work", folder / "traces"
    work.mkdir(parents=True)
    environ = environment(program, mode, traces, collector, interpreter)
    typed = place_into(program.typed, {"{programs}": str(PROGRAMS)})
    (folder / "in").write_text(typed, encoding="utf-8")
    order = {
        "command": command(program, interpreter),
        "folder": str(work),
        "environ": environ,
        "stdin": str(folder / "in"),
        "stdout": str(folder / "out"),
        "stderr": str(folder / "err"),
        "deadline_s": program.longest_s,
        "grace_s": GRACE_S,
        "dumper": [dumper(), "dump", "--pid"],
    }
    done = subprocess.run(
        [sys.executable, "-IS", str(SUPERVISOR)],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        check=True,
        env=_ENVIRONMENT,
    )
    account = json.loads(done.stdout)
    left = look(folder, account)
    make_removable(folder)
    return left


def command(program: Program, interpreter: Interpreter) -> list[str]:
    """What starts it: interpreter, options, and the program's file or what stands for it."""
    places = {"{programs}": str(PROGRAMS)}
    words = [place_into(word, places) for word in program.words]
    return [interpreter.path, *program.options, *words]


def place_into(text: str, places: Mapping[str, str]) -> str:
    for name, place in places.items():
        text = text.replace(name, place)
    return text


def environment(
    program: Program,
    mode: str,
    traces: Path,
    collector: Mapping[str, str],
    interpreter: Interpreter,
) -> dict[str, str]:
    inherited = {k: v for k, v in _ENVIRONMENT.items() if not k.startswith(("RBTRACE_", "OTEL_"))}
    environ = {
        **inherited,
        "PYTHONDONTWRITEBYTECODE": "1",
        "RBTRACE_DIR": str(traces),
        **MODES[mode],
    }
    if mode.startswith("collector"):
        environ |= collector
    site = next(Path(interpreter.path).parents[1].glob("lib/python3*/site-packages"))
    places = {
        "{programs}": str(PROGRAMS),
        "{packages}": os.pathsep.join(map(str, (HERE.parents[1], site))),
    }
    for name, text in program.environ.items():
        if text is None:
            environ.pop(name, None)
        else:
            environ[name] = place_into(text, places)
    return environ


def dumper() -> str:
    return shutil.which("py-spy", path=str(Path(sys.executable).parent)) or "py-spy"


def look(folder: Path, account: Mapping[str, Any]) -> Left:
    """Read what there is when it is over."""
    complaints = own_words((folder / "err").read_text(errors="replace"), folder)
    lines = complaints.splitlines(keepends=True)
    ours = tuple(line for line in lines if line.startswith(WARNING))
    calls, integrity = recorded(folder)
    return Left(
        status=account["status"],
        printed=own_words((folder / "out").read_text(errors="replace"), folder),
        complaints="".join(line for line in lines if not line.startswith(WARNING)),
        warnings=ours,
        files=files_in(folder / "work"),
        calls=calls,
        integrity=integrity,
        timed_out=account["timed_out"],
        processes=tuple(account["left"]),
        stacks=account["stacks"],
        elapsed_s=account["elapsed_s"],
    )


def own_words(text: str, folder: Path) -> str:
    """What a program wrote, without where it ran, addresses, and the frames of wrappers."""
    return ADDRESS.sub("0x", FRAMES_OF_OURS.sub("", text.replace(str(folder), "FOLDER")))


def files_in(folder: Path) -> dict[str, str]:
    """Every file below a folder: its kind and mode, and a digest of its contents."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if name.parts[0] == DEFAULT_FOLDER:
            continue
        status = path.lstat()
        contents = contents_of(path) if stat.S_ISREG(status.st_mode) else ""
        found[str(name)] = f"{stat.filemode(status.st_mode)} {contents}".strip()
    return found


def contents_of(path: Path) -> str:
    if path.suffix == ".pyc":  # has the time of its source
        return "compiled"
    contents = path.read_bytes()
    if len(contents) <= 200:
        return repr(contents)
    return f"{len(contents)} bytes, {hashlib.sha256(contents).hexdigest()[:12]}"


def recorded(folder: Path) -> tuple[Counter[str], Mapping[str, Any]]:
    """Calls of each operation by the span files, each span once, and the report's integrity."""
    places = [place for place in (folder / "traces", folder / "work") if place.is_dir()]
    files = [path for place in places for path in place.rglob("*.otlp.jsonl")]
    if not files:
        return Counter(), {}
    calls: Counter[str] = Counter()
    try:
        spans = {(span.trace_id, span.span_id): span for span in read_spans(files)}
    except ValueError as problem:
        return calls, {"problem": f"a line is no JSON: {problem}"}
    for span in spans.values():
        if not span.is_exemplar:
            calls[span.name] += span.calls
    try:
        integrity = rbtrace.analyze({path.parent for path in files}).integrity
    except InputError as problem:
        return calls, {"problem": str(problem)}
    return calls, asdict(integrity)


def make_removable(folder: Path) -> None:
    """Give back the permissions that a program took away."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
