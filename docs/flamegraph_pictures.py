"""Make the pictures of docs/flamegraphs.md: a real search, sampled, drawn, and seen in Chromium.

python docs/flamegraph_pictures.py    # or: make flamegraph-pictures
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
IMAGES = HERE / "images"
RBTRACE = str(Path(sys.executable).with_name("rbtrace"))
SEARCH = """
import sys
from pathlib import Path
from rbtrace.studies.workloads import engine, searches
engine.prepare(Path(sys.argv[1]), "rbtrace-goog")
searches.parallel_grid_search(searches.Objective("2005-01-03", "2005-12-30"), workers=2)
"""
PICTURES = {
    "search": [],
    "history": ["--operation", "DataPortal.get_history_window"],
}
"""Name of each picture, and what is drawn of the search."""


def main() -> int:
    """Make them all."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("pictures need Chromium: apt install chromium\n")
        return 2
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rbtrace-pictures-") as folder:
        program = Path(folder, "search.py")
        program.write_text(SEARCH, encoding="utf-8")
        traces = Path(folder, "traces")
        sampled = {"RBTRACE_ENABLED": "1", "RBTRACE_SAMPLER": "signal", "RBTRACE_DIR": str(traces)}
        search = [sys.executable, str(program), str(Path(folder, "data"))]
        subprocess.run(search, env=os.environ | sampled, check=True)  # noqa: S603
        for name, options in PICTURES.items():
            svg = Path(folder, f"{name}.svg")
            subprocess.run([RBTRACE, "flamegraph", str(traces), *options, "-o", svg], check=True)  # noqa: S603
            look = [
                chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                f"--user-data-dir={folder}/chromium", "--window-size=1200,700",
                f"--screenshot={IMAGES / f'flamegraph-{name}.png'}", svg.as_uri(),
            ]  # fmt: skip
            subprocess.run(look, check=True, capture_output=True)  # noqa: S603
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
