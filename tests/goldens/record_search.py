"""Records `inputs/search` anew: `python tests/goldens/record_search.py`.

The program is real and so are its times; names of this machine and its folders are replaced. What
was recorded is kept, so that later versions are seen to read what earlier ones wrote.
"""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
FOLDER: Final = HERE / "inputs" / "search"
REPLACED: Final = {
    sysconfig.get_path("purelib"): "/python/site-packages",
    sysconfig.get_path("stdlib"): "/python/lib",
    str(HERE / "programs"): "/app",
    str(HERE.parents[1]): "/project",
}
ON: Final = {
    "RBTRACE_ENABLED": "1",
    "RBTRACE_RUN_ID": "search",
    "RBTRACE_SAMPLER": "signal",
    "RBTRACE_SAMPLE_INTERVAL_MS": "50",
}


def anonymous(content: bytes) -> bytes:
    """The same without the names of this machine, its folders and its boot."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    for theirs, ours in {**REPLACED, boot: "boot"}.items():
        content = content.replace(theirs.encode(), ours.encode())
    host = socket.gethostname()
    for before, after in (('"stringValue":"', '"'), ('"host":"', '"'), ('"spans_file":"', "-")):
        named = f"{before}{host}{after}"
        content = content.replace(named.encode(), f"{before}host{after}".encode())
    return content


def main() -> None:
    """Run the program once untraced, so that its data is there, then traced."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, str(HERE / "programs" / "search.py"), str(folder / "data")]
        subprocess.run(command, check=True, cwd=folder)
        traced = os.environ | ON | {"RBTRACE_DIR": str(folder / "traces")}
        subprocess.run(command, check=True, cwd=folder, env=traced)
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        for file in sorted((folder / "traces" / "search").iterdir()):
            target = FOLDER / file.name.replace(socket.gethostname(), "host", 1)
            content = anonymous(file.read_bytes())
            if file.suffix == ".tally":
                target.write_bytes(content)
            else:
                packed = gzip.compress(content, mtime=0)
                target.with_name(target.name + ".gz").write_bytes(packed)


if __name__ == "__main__":
    main()
