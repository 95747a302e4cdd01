"""Flame graphs in a real browser: searched, zoomed, and opened in speedscope."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from rbtrace.commands.view import PageServer
from rbtrace.profiling.flamegraph.calltree import call_tree
from rbtrace.profiling.flamegraph.pyinstrument_session import to_html
from rbtrace.profiling.flamegraph.speedscope import to_speedscope
from rbtrace.profiling.flamegraph.svg import to_svg
from tests.profiling.flamegraph.browser import document
from tests.support.profiles import NASTY, profile_of

MS = 1_000_000
WEIGHTS = {
    ("main", "read"): 30 * MS,
    ("main", "read", "parse"): 50 * MS,
    ("main", "write"): 20 * MS,
    **{("main", "nasty", name): MS for name in NASTY},
}
# The script adds what it finds as an attribute of the root, so that it is in the document.
PROBE = """
<script><![CDATA[
  function look() {
    var shown = Array.prototype.slice.call(document.querySelectorAll(".box"))
      .filter(function (box) { return box.style.display !== "none"; });
    return {
      widths: shown.map(function (box) { return [box.dataset.name, box.getAttribute("width")]; }),
      drawn: shown.map(function (box) { return box.getBoundingClientRect().width; }),
      hits: document.querySelectorAll(".hit").length,
      found: document.getElementById("found").textContent
    };
  }
  function box(name) {
    return Array.prototype.slice.call(document.querySelectorAll(".box"))
      .filter(function (one) { return one.dataset.name === name; })[0];
  }
  var seen = {before: look()};
  box("read").dispatchEvent(new MouseEvent("click", {bubbles: true}));
  seen.zoomed = look();
  document.getElementById("reset").dispatchEvent(new MouseEvent("click"));
  seen.reset = look();
  var field = document.getElementById("search");
  field.value = "PARSE";
  field.dispatchEvent(new Event("input"));
  seen.searched = look();
  document.documentElement.setAttribute("data-seen", btoa(unescape(encodeURIComponent(
    JSON.stringify(seen)))));
]]></script></svg>
"""


def seen_in(svg, folder):
    import base64

    page = folder / "graph.svg"
    page.write_text(svg.removesuffix("</svg>\n") + PROBE, encoding="utf-8")
    found = re.search(r'data-seen="([^"]*)"', document(page.as_uri(), folder))
    assert found, "the script of the page did not run"
    return json.loads(base64.b64decode(found[1]))


def test_a_graph_is_zoomed_and_searched(tmp_path):
    profile = profile_of(WEIGHTS)
    seen = seen_in(to_svg(call_tree(profile, "all"), "title", "note"), tmp_path)
    assert seen["before"] == seen["reset"]
    zoomed = dict(seen["zoomed"]["widths"])
    assert set(zoomed) == {"all", "main", "read", "parse"}
    assert [zoomed[name] for name in ("all", "main", "read")] == ["100.0000%"] * 3
    assert float(zoomed["parse"].removesuffix("%")) == pytest.approx(62.5, abs=0.001)
    assert seen["searched"]["hits"] == 1
    total = sum(WEIGHTS.values())
    assert seen["searched"]["found"] == f"{50 * MS / total:.2%}".replace("%", " %")
    assert max(seen["before"]["drawn"]) > 1000


def test_the_page_of_pyinstrument_shows_nasty_names(tmp_path):
    page = tmp_path / "graph.html"
    page.write_text(to_html(profile_of(WEIGHTS), "title"), encoding="utf-8", errors="replace")
    shown = document(page.as_uri(), tmp_path)
    drawn = shown.partition('<div id="app">')[2].partition("<script>")[0]
    assert "read" in drawn


@pytest.fixture(scope="module")
def speedscope(tmp_path_factory):
    """The pages of the npm package."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm")
    folder = tmp_path_factory.mktemp("npm")
    command = ["npm", "install", "--silent", "--ignore-scripts", "speedscope@1.25.0"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )
    if done.returncode:
        pytest.skip(f"npm cannot install speedscope: {done.stderr[-200:]}")
    return folder / "node_modules" / "speedscope" / "dist" / "release"


@pytest.mark.slow
def test_speedscope_imports_what_we_write(speedscope, tmp_path):
    import jsonschema

    content = to_speedscope(profile_of(WEIGHTS), "what we wrote")
    schema = json.loads(Path(speedscope, "file-format-schema.json").read_text())
    jsonschema.validate(json.loads(content), schema)
    server = PageServer({"data.json": content.encode}, {"speedscope": speedscope})
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        shown = document(server.url("speedscope/index.html#profileURL=../data.json"), tmp_path)
    finally:
        server.stop()
        thread.join()
    # The title is in the file only: the page has it once it has imported that.
    assert "what we wrote" in shown
