"""Look at a report or a flame graph in the browser."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import webbrowser
from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

import click

from rbtrace.conventions import PROFILE_SUFFIX
from rbtrace.errors import InputError
from rbtrace.profiling.flamegraph.formats import FORMATS
from rbtrace.profiling.flamegraph.selecting import Selection
from rbtrace.profiling.flamegraph.sources import read_flame_graph
from rbtrace.reporting.analysis import analyze

_EXAMPLES: Final = """\b
Examples:
  rbtrace view rbtrace-out
  rbtrace view flame.svg
  npm install speedscope && rbtrace view rbtrace-out
"""
_SPEEDSCOPE: Final = "speedscope"
_DATA: Final = "profile.speedscope.json"
_AS_IT_IS: Final = (".html", ".svg")
_PAGE: Final = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px system-ui,sans-serif;margin:3rem;line-height:2}}</style>
<h1>{title}</h1><ul>{links}</ul></html>
"""
_MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".woff2": "font/woff2",
}

type MakePage = Callable[[], bytes]


@click.command("view", epilog=_EXAMPLES)
@click.argument("path", metavar="PATH")
@click.option(
    "--browser/--no-browser", default=True, help="Open the page, or only say where it is."
)
def command(path: str, *, browser: bool) -> None:
    """Look at a report or a flame graph in the browser, until Ctrl-C.

    PATH is a folder of traces, a trace or profile file, or an .svg, .html or .speedscope.json file.
    Pages are served to this machine only, at an address with a random part. Flame graphs open in
    speedscope where its npm package is installed.
    """
    folder = _speedscope_folder()
    pages, links = _pages(path, folder)
    server = PageServer(pages, {} if folder is None else {_SPEEDSCOPE: folder})
    first = links[0]
    if len(links) > 1:
        pages["index.html"] = lambda: _index(path, links)
        first = "index.html"
    click.echo(f"{server.url(first)}  (Ctrl-C ends)")
    if browser:
        webbrowser.open(server.url(first))
    try:
        server.serve()
    except KeyboardInterrupt:
        click.echo("", err=True)


def _pages(path: str, speedscope: Path | None) -> tuple[dict[str, MakePage], list[str]]:
    """What there is to see, and the addresses to look at.

    Raises:
        InputError: the path does not exist, or holds nothing that can be shown.
    """
    file = Path(path)
    in_speedscope = f"{_SPEEDSCOPE}/index.html#profileURL=../{_DATA}"
    if file.is_file() and path.endswith(FORMATS[_SPEEDSCOPE].suffix):
        if speedscope is None:
            raise InputError(f"{path} needs speedscope: npm install speedscope")
        return {_DATA: file.read_bytes}, [in_speedscope]
    if file.is_file() and file.suffix in _AS_IT_IS:
        return {f"page{file.suffix}": file.read_bytes}, [f"page{file.suffix}"]
    graph = read_flame_graph([path], Selection())
    pages: dict[str, MakePage] = {
        "flamegraph.svg": partial(FORMATS["svg"].write, graph),
        "flamegraph.html": partial(FORMATS["html"].write, graph),
    }
    links = list(pages)
    if not path.endswith(PROFILE_SUFFIX):
        pages["report.html"] = partial(_report, path)
        links.insert(0, "report.html")
    if speedscope is not None:
        pages[_DATA] = partial(FORMATS[_SPEEDSCOPE].write, graph)
        links.append(in_speedscope)
    return pages, links


def _report(path: str) -> bytes:
    return analyze(path).to_html().encode()


def _index(path: str, links: list[str]) -> bytes:
    items = "".join(f'<li><a href="{link}">{link.partition("/")[0]}</a></li>' for link in links)
    return _PAGE.format(title=escape(path), links=items).encode()


def _speedscope_folder() -> Path | None:
    """Where the npm package has its pages: beneath this folder, or installed for all."""
    roots = [Path.cwd() / "node_modules"]
    npm = shutil.which("npm")
    if npm is not None:
        process = subprocess.run([npm, "root", "-g"], capture_output=True, text=True, check=False)  # noqa: S603
        roots.append(Path(process.stdout.strip() or "."))
    for root in roots:
        pages = root / _SPEEDSCOPE / "dist" / "release"
        if (pages / "index.html").is_file():
            return pages
    return None


class PageServer:
    """Serves pages and folders on this machine's loopback address.

    Only who has the random part of the address gets an answer.
    """

    def __init__(self, pages: Mapping[str, MakePage], folders: Mapping[str, Path]) -> None:
        """Listen on a free port, and serve nothing yet.

        Args:
            pages: name of each page, with a suffix, and what makes its content; pages may be added.
            folders: prefix of names, and the folder whose files have such names.
        """
        self._pages = pages
        self._folders = folders
        self._token = secrets.token_urlsafe(24)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def _host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def url(self, page: str) -> str:
        """The address of a page."""
        return f"http://{self._host}/{self._token}/{page}"

    def serve(self) -> None:
        """Serve until interrupted."""
        try:
            self._server.serve_forever()
        finally:
            self._server.server_close()

    def stop(self) -> None:
        """Let `serve` return; called in another thread."""
        self._server.shutdown()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request. Another host name is a page elsewhere that wants in."""
        _, _, rest = unquote(urlsplit(request.path).path).partition("/")
        token, _, name = rest.partition("/")
        is_known = secrets.compare_digest(token.encode(), self._token.encode())
        content = None
        if is_known and request.headers.get("Host") == self._host:
            content = self._content(name)
        if content is None:
            request.send_error(HTTPStatus.NOT_FOUND)
            return
        request.send_response(HTTPStatus.OK)
        kind = _MEDIA_TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        request.send_header("Cache-Control", "no-store")
        request.send_header("Referrer-Policy", "no-referrer")
        request.send_header("X-Content-Type-Options", "nosniff")
        request.end_headers()
        request.wfile.write(content)

    def _content(self, name: str) -> bytes | None:
        if name in self._pages:
            return self._pages[name]()
        prefix, _, rest = name.partition("/")
        folder = self._folders.get(prefix)
        if folder is None:
            return None
        file = (folder / rest).resolve()
        if not file.is_relative_to(folder.resolve()) or not file.is_file():
            return None
        return file.read_bytes()
