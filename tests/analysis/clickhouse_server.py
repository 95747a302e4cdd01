"""ClickHouse's own engine behind ClickHouse's HTTP interface, as a program: prints its port.

The engine is chdb, ClickHouse as a library. What is passed on is a statement and its settings; a
statement that fails is answered as the server does.
"""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb.session import Session

NOT_SETTINGS = {"database", "session_id", "session_timeout", "default_format", "wait_end_of_query"}


class Handler(BaseHTTPRequestHandler):
    engine = Session()
    session = ""

    def do_POST(self) -> None:
        given = dict(parse_qsl(urlsplit(self.path).query))
        statement = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            self.begin(given)
            status, content = 200, self.engine.query(statement, given["default_format"]).bytes()
        except RuntimeError as problem:
            status, content = 500, str(problem).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def begin(self, given: dict[str, str]) -> None:
        """The settings and temporary tables of one session are not there in another."""
        if self.headers["X-ClickHouse-Key"] == "wrong":
            raise RuntimeError("Code: 516. Authentication failed")
        session = given.get("session_id", "")
        if session not in {"", Handler.session}:
            Handler.session = session
            for name, value in given.items():
                if name not in NOT_SETTINGS:
                    self.engine.query(f"set {name} = {value}")
            self.engine.query(f"use `{given['database']}`")
            tables = self.engine.query("select name from system.tables where is_temporary", "TSV")
            for name in tables.bytes().decode().split():
                self.engine.query(f"drop temporary table {name}")

    def log_message(self, *_arguments: object) -> None:
        pass


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
