"""Self times by tracelift: its breakdown of every trace. A script for the Python that has it."""

import json
import sys
from importlib import import_module


def main(path: str) -> None:
    """Print the self time of every operation, ns."""
    traces = import_module("tracelift").load(path)
    spent: dict[str, float] = {}
    for trace in traces.df["trace_id"].unique().to_list():
        rows = traces.latency_breakdown(trace)
        for name, self_ms in zip(rows["name"], rows["self_ms"], strict=True):
            spent[name] = spent.get(name, 0.0) + self_ms
    own = {name: round(self_ms * 1e6) for name, self_ms in spent.items()}
    sys.stdout.write(json.dumps({"self_ns": own}))


if __name__ == "__main__":
    main(sys.argv[1])
