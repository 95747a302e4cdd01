"""The other analyzers that can be measured: a row and an adapter for each.

They live in a folder of their own, into which `install.py` puts them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final, NamedTuple

from tests.benchmarks.analyzing.peers.inputs import write_chrome, write_jaeger
from tests.benchmarks.analyzing.programs import OTLP_JSON, Format, Program, SelfTimes

FOLDER: Final = Path("build/peers")
HOW_TO_GET: Final = "make bench-analyze PEERS=1"
BUNDLE: Final = "jaeger-ui.cjs"
"""The file in the folder of peers that has the statistics of Jaeger's pages."""
_HERE: Final = Path(__file__).parent
_JAEGER: Final = Format("jaeger", 1000, write_jaeger)
_CHROME: Final = Format("json", 1000, write_chrome)


class Peer(NamedTuple):
    """Another analyzer.

    Attributes:
        name: as the table calls it.
        version: the one that is installed.
        input: the format that it is given.
        note: what is asked of it, and how it is fed.
        adapter: the file beside this one that runs it; none for the bundle of Jaeger's pages.
        package: the Python package by which to see whether it is installed; none likewise.
        needs: what to install before it.
    """

    name: str
    version: str
    input: Format
    note: str
    adapter: str = ""
    package: str = ""
    needs: str = ""

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"

    def program(self, folder: Path) -> Program | None:
        """How to run it; None if it is not installed in this folder."""
        command = self._python(folder) if self.package else _node(folder)
        return Program(self.title, self.input, command, _read) if command else None

    def _python(self, folder: Path) -> tuple[str, ...] | None:
        environment = folder.absolute() / ".venv"
        if not any(environment.glob(f"lib/python*/site-packages/{self.package}")):
            return None
        return (str(environment / "bin" / "python"), str(_HERE / self.adapter))


def _node(folder: Path) -> tuple[str, ...] | None:
    node, bundle = shutil.which("node"), folder.absolute() / BUNDLE
    return (node, str(bundle)) if node and bundle.exists() else None


def _read(output: str) -> SelfTimes:
    content = json.loads(output.splitlines()[-1])  # some log before
    return SelfTimes(content.get("self_ns", {}), content.get("critical_path_ns"))


CRISP: Final = Peer(
    "CRISP",
    "2710c0b9d52e",
    _JAEGER,
    "its light mode, which writes no pages; reads Jaeger's JSON",
    "run_crisp.py",
    "crisp",
    "git",
)
JAEGER_UI: Final = Peer(
    "Jaeger's statistics",
    "v2.20.0",
    _JAEGER,
    "the table of operations that its pages compute, run by Node; reads Jaeger's JSON",
    needs="git, npm and Node 20 or newer",
)
PEERS: Final = (
    Peer(
        "tracelift",
        "0.1.0",
        OTLP_JSON,
        "its breakdown of every trace; reads OTLP JSON",
        "run_tracelift.py",
        "tracelift",
    ),
    Peer(
        "HTA",
        "0.5.0",
        _CHROME,
        "durations less those of the events whose parent its call graph finds; reads Chrome's "
        "trace events, where children that overlap are on threads of their own, since events on a "
        "thread lie within each other",
        "run_hta.py",
        "hta",
    ),
    CRISP,
    JAEGER_UI,
)
"""Every peer; `requirements.txt` beside this has what they are made of."""
