"""Pages on this machine's loopback address, for whoever has the random part of their address."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".woff2": "font/woff2",
}

type Make = Callable[[], bytes]


class PageServer:
    """Serves pages and a folder. `url` is the address of the first page."""

    def __init__(self, pages: Mapping[str, Make], folders: Mapping[str, Path]) -> None:
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
        kind = _TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")
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
