"""Records until a file named `stop` appears beside the traces."""

from __future__ import annotations

import time
from pathlib import Path

from counter import count
from work import counted_span, task

if __name__ == "__main__":
    with counted_span("run"):
        while not Path("stop").exists():
            task(5)
            time.sleep(0.001)
    with counted_span("goodbye"):
        task(5)
    count("end")
