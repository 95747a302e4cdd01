"""The critical path by Uber's CRISP, on a folder of traces. A script for the Python that has it.

It gives self times on the critical path only, as an average of the traces, beside its input.
"""

import json
import re
import sys
from importlib import import_module
from pathlib import Path


def main(folder: str) -> None:
    """Print the sum of the critical paths, ns."""
    traces = len(list(Path(folder).glob("*.json")))
    sys.argv[1:] = [
        *("--lightMode", "--rootTrace", "-s", "rbtrace", "-a", "run_algorithm", "-i", folder)
    ]
    import_module("crisp.process_trace").main()
    graph = (Path(folder) / "light-flame-graph-P100.cct").read_text(encoding="utf-8")
    parts_us = re.findall(r" (\d+) <<\d+>>$", graph, re.MULTILINE)
    whole_ns = sum(map(int, parts_us)) * traces * 1000
    sys.stdout.write(json.dumps({"critical_path_ns": whole_ns}))


if __name__ == "__main__":
    main(sys.argv[1])
