"""Running the command in this process, as a user would from a folder, and keeping what it gave.

The command is found as installers find it, in `pyproject.toml`: wherever its code is.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Final, NamedTuple
from unittest import mock

from tests.goldens.cases import CORPUS, Case

ROOT: Final = Path(__file__).parents[2]
INPUTS: Final = Path(__file__).with_name("inputs")
_SUFFIXES: Final = {
    "markdown": "md", "terminal": "txt", "session": "session.json", "pprof": "pprof.txt",
    "speedscope": "speedscope.json", "otlp": "otlp.txt", None: "txt",
}  # fmt: skip
_DECIDING: Final = ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "CLICOLOR")
_LONG: Final = 20_000


class Outcome(NamedTuple):
    """What a command gave: exit code, what it said, and files by name, its output among them."""

    code: int
    said: str
    files: dict[str, bytes]


def lay_out(folder: Path) -> Path:
    """Make the folder that commands run in."""
    shutil.copytree(INPUTS, folder, dirs_exist_ok=True)
    shutil.copytree(CORPUS, folder / "corpus")
    (folder / "empty").mkdir()
    for packed in (folder / "search").glob("*.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    return folder


def run(case: Case, format_name: str | None, folder: Path) -> Outcome:
    """Run a case in one format."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "out").mkdir()
    code, printed, said = _run_command(case.arguments(format_name), case, folder)
    files = {}
    if printed:
        suffix = _SUFFIXES.get(format_name, format_name)
        files[f"{case.as_of or case.name}.{suffix}"] = _NORMALISED.get(format_name, bytes)(printed)
    for file in sorted((folder / "out").iterdir()):
        if file.suffix == ".parquet":
            files[f"{case.name}-{file.name}.txt"] = _table(file)
        else:
            files[f"{case.name}-{file.name}"] = file.read_bytes()
    return Outcome(code, said.decode(), files)


def _run_command(arguments: list[str], case: Case, folder: Path) -> tuple[int, bytes, bytes]:
    given = (folder / case.stdin).read_bytes() if case.stdin else b""
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(given)), "utf-8")  # type: ignore[arg-type]
    out, err = _Stream(io.BytesIO()), _Stream(io.BytesIO())
    out.is_terminal = case.columns > 0
    environment = {"COLUMNS": str(case.columns or 100), "TERM": "xterm-256color"}
    with (
        chdir(folder),
        mock.patch.dict(os.environ, environment),
        mock.patch.object(sys, "argv", ["rbtrace", *arguments]),
        mock.patch.object(sys, "stdin", stdin),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        for name in _DECIDING:
            os.environ.pop(name, None)
        code = _exit_code(_command())
    return code, out.kept(), err.kept()


class _Stream(io.TextIOWrapper):
    """A stream that is kept, and says whether it is a terminal."""

    is_terminal = False

    def __init__(self, kept: io.BytesIO) -> None:
        super().__init__(kept, "utf-8", newline="\n", write_through=True)
        self._kept = kept

    def isatty(self) -> bool:
        return self.is_terminal

    def kept(self) -> bytes:
        """All that was written."""
        self.flush()
        return self._kept.getvalue()


def _command() -> Callable[[], Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    command: Callable[[], Any] = resolve_name(project["scripts"]["rbtrace"])
    return command


def _exit_code(command: Callable[[], Any]) -> int:
    try:
        code = command()
    except SystemExit as leaving:
        code = leaving.code
    return 0 if code is None else int(code)


def _elsewhere(content: bytes) -> bytes:
    """Without the paths of this interpreter, which pyinstrument shortens names of files by."""
    return re.sub(rb'"(sys_path|sys_prefixes)": ?\[[^\]]*\]', rb'"\1": []', content)


def _indented(content: bytes) -> bytes:
    """One value a line, so that a difference has a place."""
    return json.dumps(json.loads(content), indent=0, ensure_ascii=False).encode() + b"\n"


def _digest(line: bytes) -> bytes:
    """A line that holds a program of pyinstrument's own becomes its digest."""
    if len(line) < _LONG or b"sessionData" in line or b'"frame_tree"' in line:
        return line
    return f"[{len(line)} bytes, {hashlib.sha256(line).hexdigest()}]\n".encode()


def dump(content: bytes) -> bytes:
    """Sixteen bytes a line, in hex and as text."""
    lines = []
    for start in range(0, len(content), 16):
        part = content[start : start + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:06x}  {part.hex(' '):47}  {text}\n")
    return "".join(lines).encode()


def _of_session(content: bytes) -> bytes:
    return _indented(_elsewhere(content))


def _of_speedscope(content: bytes) -> bytes:
    return _indented(re.sub(rb'"exporter":"rbtrace [^"]+"', b'"exporter":"rbtrace"', content))


def _of_html(content: bytes) -> bytes:
    return b"".join(map(_digest, _elsewhere(content).splitlines(keepends=True)))


def _without_version(content: bytes) -> bytes:
    return re.sub(rb"(rbtrace, version) \S+", rb"\1 VERSION", content)


_NORMALISED: Final[dict[str | None, Callable[[bytes], bytes]]] = {
    "pprof": lambda content: dump(gzip.decompress(content)),
    "otlp": dump,
    "speedscope": _of_speedscope,
    "session": _of_session,
    "html": _of_html,
    None: _without_version,
}
"""What differs by machine or version is left out of these; what is binary becomes text."""


def _table(file: Path) -> bytes:
    """Columns and rows of a Parquet file; how they are packed is pyarrow's."""
    import pyarrow.parquet as pq

    table = pq.read_table(file)
    said = {
        key.decode(): text.decode()
        for key, text in (table.schema.metadata or {}).items()
        if not key.startswith(b"ARROW:")
    }
    columns = [f"{column.name}: {column.type}\n" for column in table.schema]
    rows = [json.dumps(row, default=_plain) + "\n" for row in table.to_pylist()]
    return "".join([json.dumps(said, sort_keys=True) + "\n", *columns, *rows]).encode()


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
