"""`rbtrace view`: pages for this machine and for who has the address."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from rbtrace.commands.view import PageServer
from tests.support.environment import uncovered

RBTRACE = str(Path(sys.executable).with_name("rbtrace"))


@pytest.fixture
def served(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "in.js").write_text("in")
    (tmp_path / "out.js").write_text("out")
    server = PageServer({"page.html": lambda: b"<p>hello"}, {"files": tmp_path / "folder"})
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server
    server.stop()
    thread.join()


def status(address, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
            return answer.status, answer.read(), answer.headers["Content-Type"]
    except urllib.error.HTTPError as problem:
        return problem.code, b"", ""


def test_pages_and_files_of_the_folder_are_served(served):
    assert status(served.url("page.html")) == (200, b"<p>hello", "text/html; charset=utf-8")
    assert status(served.url("files/in.js"))[:2] == (200, b"in")


def test_nothing_else_is(served):
    address = served.url("page.html")
    token = address.split("/")[3]
    for wrong in (
        address.replace(token, "x" * len(token)),
        address.replace(f"/{token}", ""),
        served.url("files/../out.js"),
        served.url("files/%2e%2e/out.js"),
        served.url("none"),
        served.url(""),
    ):
        assert status(wrong)[0] == 404
    assert status(address, Host="evil.example")[0] == 404


def test_the_command_serves_until_ctrl_c(tmp_path):
    page = tmp_path / "report.html"
    page.write_text("<p>report")
    process = subprocess.Popen(
        [RBTRACE, "view", str(page), "--no-browser"],
        stdout=subprocess.PIPE, text=True, env=uncovered() | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        address = process.stdout.readline().split()[0]
        assert status(address)[1] == b"<p>report"
    finally:
        process.send_signal(signal.SIGINT)
        process.stdout.close()
    assert process.wait(60) == 0
