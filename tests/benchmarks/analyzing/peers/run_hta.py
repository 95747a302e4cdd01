"""Self times by HolisticTraceAnalysis. A script for the Python that has it.

It builds call stacks and finds the parent of every event; an event's self time is its duration less
those of the events whose parent it is.
"""

import json
import sys
from importlib import import_module


def main(path: str) -> None:
    """Print the self time of every operation, ns."""
    trace = import_module("hta.common.trace").Trace(trace_files={0: path}, trace_dir="/")
    trace.parse_traces(use_multiprocessing=False)
    import_module("hta.common.trace_call_graph").CallGraph(trace)
    trace.decode_symbol_ids(use_shorten_name=False)
    events = trace.get_trace(0)
    events = events[events["dur"] >= 0].set_index("index", drop=False)
    below = events.groupby("parent")["dur"].sum()
    own_us = events["dur"] - below.reindex(events.index).fillna(0)
    spent = (own_us * 1000).groupby(events["s_name"]).sum()
    own = {str(name): round(own_ns) for name, own_ns in spent.items()}
    sys.stdout.write(json.dumps({"self_ns": own}))


if __name__ == "__main__":
    main(sys.argv[1])
