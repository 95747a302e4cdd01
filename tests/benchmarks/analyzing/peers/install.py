"""Install the other analyzers into a folder of their own; nothing of rbtrace needs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

import click

from rbtrace.errors import RbtraceError
from tests.benchmarks.analyzing.peers.catalogue import BUNDLE, CRISP, FOLDER, JAEGER_UI, PEERS
from tests.benchmarks.benchmarks import one_line_for_errors

_HERE: Final = Path(__file__).parent
_PAGES: Final = "packages/jaeger-ui/src"
_BUNDLER: Final = "esbuild@0.28.2"
_LIBRARIES: Final = ("deep-freeze@0.0.1", "lodash@4.18.1", "memoize-one@6.0.0")
"""What the pages' statistics import, as that version of the pages pins it."""
_BROWSER: Final = "globalThis.window = { getJaegerUiConfig: () => ({}) };"
"""All that the pages' statistics ask of a browser."""


def _run(*command: str | Path, folder: Path | None = None, **variables: str) -> None:
    """Run a command quietly.

    Raises:
        RbtraceError: it failed, or there is no such command.
    """
    arguments = list(map(str, command))
    environment = os.environ | {"GIT_TERMINAL_PROMPT": "0"} | variables
    try:
        done = subprocess.run(
            arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise RbtraceError(f"there is no {arguments[0]}") from None
    if done.returncode:
        message = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise RbtraceError(f"{Path(arguments[0]).name} failed: {message[-1].strip()[:200]}")


def _python_packages(folder: Path) -> None:
    """Everything from the package index, at the versions of `requirements.txt`."""
    _run(sys.executable, "-m", "venv", folder / ".venv")
    _pip(folder, "--requirement", str(_HERE / "requirements.txt"))


def _pip(folder: Path, *what: str) -> None:
    _run(folder / ".venv/bin/python", "-m", "pip", "install", "--quiet", "--no-deps", *what)


def _crisp(folder: Path, source: str) -> None:
    """CRISP, of which there is no package yet."""
    if Path(source).exists():
        source = Path(source).absolute().as_uri()
    _pip(folder, f"git+{source}@{CRISP.version}")


def _jaeger_ui(folder: Path, source: str) -> None:
    """Jaeger's own statistics code with the adapter, in one file for Node."""
    with tempfile.TemporaryDirectory(prefix="rbtrace-peers-") as name:
        scratch = Path(name)
        _run("git", "clone", "--quiet", "--depth", "1", "--branch", JAEGER_UI.version, source, name)
        tools = scratch / "tools"
        tools.mkdir()
        _run("npm", "install", "--prefix", tools, "--no-audit", "--no-fund", _BUNDLER, *_LIBRARIES)
        bundle = scratch / BUNDLE
        _run(
            tools / "node_modules/.bin/esbuild",
            _HERE / "jaeger_ui.ts",
            "--bundle",
            "--platform=node",
            "--tsconfig-raw={}",
            f"--alias:jaeger-ui={scratch / _PAGES}",
            f"--banner:js={_BROWSER}",
            f"--outfile={bundle}",
            NODE_PATH=str(tools / "node_modules"),
        )
        shutil.copy(bundle, folder / BUNDLE)


def _install(folder: Path, crisp: str, jaeger_ui: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    steps = {
        CRISP: partial(_crisp, folder, crisp),
        JAEGER_UI: partial(_jaeger_ui, folder, jaeger_ui),
    }
    try:
        if not all(peer.program(folder) for peer in PEERS if peer not in steps):
            _python_packages(folder)
    except RbtraceError as problem:
        click.echo(f"the Python packages are not installed: {problem}", err=True)
    for peer, step in steps.items():
        try:
            if not peer.program(folder):
                step()
        except RbtraceError as problem:
            click.echo(f"{peer.title} is not installed: {problem}", err=True)


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default=FOLDER, show_default=True)
@click.option("--crisp", default="https://github.com/uber-research/CRISP", help="URL or checkout.")
@click.option(
    "--jaeger-ui", default="https://github.com/jaegertracing/jaeger-ui", help="URL or checkout."
)
def main(folder: Path, crisp: str, jaeger_ui: str) -> None:
    """Install what can be installed of the other analyzers; say in a line what cannot."""
    with one_line_for_errors():
        _install(folder, crisp, jaeger_ui)
    there = [peer.title for peer in PEERS if peer.program(folder)]
    click.echo(f"installed in {folder}: {', '.join(there) or 'nothing'}")


if __name__ == "__main__":
    main()
