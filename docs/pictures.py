"""Take the pictures of Jaeger's screen in docs/images from a real sweep, in headless Chromium.

python docs/pictures.py    # or: make pictures

Runs the collector and Jaeger with the pages that `collector/build-ui` builds; traces a sweep of
`rbtrace.studies.workloads` twice, as baseline and as candidate; and opens the pages on what was
traced.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from websockets.sync.client import connect

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
sys.path.insert(0, str(ROOT))

from collector import stack  # noqa: E402 - collector/ is no part of the package

SWEEP: Final = """
import sys
from pathlib import Path
from rbtrace.studies.workloads import engine, searches
engine.prepare(Path(sys.argv[1]), "rbtrace-goog")
if __name__ == "__main__":
    searches.parallel_grid_search(searches.Objective("2005-01-03", sys.argv[2]), workers=2)
"""
SIZE: Final = (1400, 900)
PATIENCE_S: Final = 120.0
SETTLES_S: Final = 3.0
_SERVICE: Final = "rbtrace"


class Page(NamedTuple):
    """A page of Jaeger, and the CSS selector of what it has when it is drawn."""

    path: str
    shows: str


def main() -> int:
    """Take every picture; 2 if a program is missing."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no Chromium: install it (apt install chromium)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        programs = [
            stack.jaeger(built("build", "jaeger"), folder, {"JAEGER_UI_ASSETS": built("build-ui")}),
            stack.collector(built("build", "otelcol"), folder, {}),
        ]
        stack.refuse_taken({**stack.JAEGER_ADDRESSES, **stack.COLLECTOR_ADDRESSES})
        try:
            for program in programs:
                program.start()
            traces = [traced(folder, arm) for arm in ("baseline", "candidate")]
            with Browser(chromium, folder) as browser:
                for name, page in pages(*traces).items():
                    browser.take(page, HERE / "images" / f"jaeger-{name}.png")
        finally:
            for program in reversed(programs):
                program.stop()
    return 0


def built(*command: str) -> str:
    """The path that a script of collector/ prints."""
    script, *arguments = command
    done = subprocess.run(  # noqa: S603 - our own scripts
        [str(ROOT / "collector" / script), *arguments],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return done.stdout.splitlines()[-1]


def traced(folder: Path, arm: str) -> list[dict[str, Any]]:
    """Trace a sweep; the spans of its trace as Jaeger has them."""
    grpc = f"http://{stack.COLLECTOR_ADDRESSES['COLLECTOR_GRPC']}"
    run = folder / arm
    variables = {
        "RBTRACE_ENABLED": "1",
        "RBTRACE_DIR": str(run),
        "RBTRACE_ARM": arm,
        "RBTRACE_RUN_ID": arm,
        "OTEL_EXPORTER_OTLP_ENDPOINT": grpc,
    }
    script = folder / "sweep.py"
    script.write_text(SWEEP, encoding="utf-8")
    last = "2005-01-31" if arm == "baseline" else "2005-02-28"
    subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, str(script), str(folder / "data"), last],
        env={**os.environ, **variables}, check=True,
    )  # fmt: skip
    replay = [sys.executable, "-m", "rbtrace", "replay", str(run), "--endpoint", grpc]
    subprocess.run(replay, check=True)  # noqa: S603 - this interpreter
    counted = sum(json.loads(path.read_text())["ended"] for path in run.rglob("*.tally"))
    return spans_of(arm, counted)


def spans_of(arm: str, counted: int) -> list[dict[str, Any]]:
    """Wait for the spans of an arm; those of the trace with the sweep."""
    tags = urllib.parse.quote(json.dumps({"rbtrace.arm": arm}))
    query = f"/api/traces?service={_SERVICE}&limit=500&lookback=1h&tags={tags}"

    def found() -> list[list[dict[str, Any]]]:
        with urllib.request.urlopen(address() + query, timeout=10) as answer:  # noqa: S310 - http
            return [trace["spans"] for trace in json.load(answer)["data"]]

    wait_until(
        lambda: sum(map(len, found())) >= counted, f"Jaeger has not the {counted} spans of {arm}"
    )
    return max(found(), key=len)


def address() -> str:
    """Jaeger's address."""
    return f"http://{stack.JAEGER_ADDRESSES['JAEGER_HTTP']}"


def pages(baseline: list[dict[str, Any]], candidate: list[dict[str, Any]]) -> dict[str, Page]:
    """The page of each picture."""
    sweep, other = baseline[0]["traceID"], candidate[0]["traceID"]
    trials = [span for span in baseline if tag(span, "rustybt.trial.number") is not None]
    slowest = max(trials, key=lambda span: span["duration"])["spanID"]
    search = urllib.parse.urlencode(
        {"service": _SERVICE, "lookback": "1h", "tags": '{"rbtrace.category":"data_access"}'}
    )
    return {
        "sweep": Page(f"/trace/{sweep}", ".span-row"),
        "trial": Page(f"/trace/{sweep}?uiFind={largest_summary(baseline, slowest)}", ".span-row"),
        "comparison": Page(f"/trace/{sweep}...{other}", ".DiffNode"),
        "search": Page(f"/search?{search}", ".ResultItem"),
    }


def largest_summary(spans: list[dict[str, Any]], top: str) -> str:
    """The id of the longest summary somewhere beneath a span."""
    beneath = {top}
    for _ in spans:  # as deep as a tree of so many spans can be
        more = {
            span["spanID"]
            for span in spans
            if span["spanID"] not in beneath
            and any(row["spanID"] in beneath for row in span["references"])
        }
        if not more:
            break
        beneath |= more
    found = [
        span
        for span in spans
        if span["spanID"] in beneath and tag(span, "aggregation.is_summary") is True
    ]
    return str(max(found, key=lambda span: span["duration"])["spanID"])


def tag(span: dict[str, Any], key: str) -> object:
    """A span's attribute; None if it has none of that key."""
    return next((row["value"] for row in span["tags"] if row["key"] == key), None)


class Browser:
    """Headless Chromium, told what to do by its DevTools protocol."""

    def __init__(self, program: str, folder: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the browser
            [
                program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                "--remote-debugging-port=0", f"--user-data-dir={folder / 'browser'}",
                f"--window-size={SIZE[0]},{SIZE[1]}", "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._port_file = folder / "browser" / "DevToolsActivePort"
        self._closing = ExitStack()
        self._sent = 0

    def __enter__(self) -> Self:
        wait_until(lambda: "/" in self._port(), "the browser does not start")
        port = self._port().splitlines()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            pages = [row for row in json.load(answer) if row["type"] == "page"]
        connection = connect(pages[0]["webSocketDebuggerUrl"], max_size=None)
        self._page = self._closing.enter_context(connection)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()
        self._process.terminate()
        self._process.wait()

    def _port(self) -> str:
        return self._port_file.read_text() if self._port_file.exists() else ""

    def _do(self, method: str, **parameters: object) -> Any:
        self._sent += 1
        self._page.send(json.dumps({"id": self._sent, "method": method, "params": parameters}))
        while (answer := json.loads(self._page.recv())).get("id") != self._sent:
            pass
        return answer["result"]

    def take(self, page: Page, file: Path) -> None:
        """Take a picture of a page once it has drawn what it is about."""
        self._do("Page.navigate", url=address() + page.path)
        drawn = f"document.querySelectorAll({json.dumps(page.shows)}).length"
        wait_until(
            lambda: self._do("Runtime.evaluate", expression=drawn)["result"].get("value", 0) > 0,
            f"{page.path} is not drawn",
        )
        time.sleep(SETTLES_S)
        picture = self._do("Page.captureScreenshot", format="png")["data"]
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(base64.b64decode(picture))
        print(file.relative_to(ROOT))


def wait_until(condition: Callable[[], bool], otherwise: str) -> None:
    """Wait until a condition holds; leave if it does not in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(otherwise)
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
