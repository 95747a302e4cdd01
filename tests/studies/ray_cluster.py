"""Ray's study on a cluster that was there before: two nodes of one core each, and a collector.

`python ray_cluster.py FOLDER` prints what the study found, and the spans that arrived, as JSON.
"""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import ClassVar

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from ray.cluster_utils import Cluster

MODULE = "rbtrace.studies.ray_vs_pool.plan"
SETTINGS = {"way": "ray", "workers": 2, "tasks": 6, "until": "2008-02-29"}


class Collector(http.server.BaseHTTPRequestHandler):
    spans: ClassVar[list] = []

    def do_POST(self):
        request = ExportTraceServiceRequest()
        request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
        for group in request.resource_spans:
            resource = {one.key: one.value for one in group.resource.attributes}
            run_id = resource["rbtrace.run.id"].string_value
            process = resource["process.pid"].int_value
            self.spans.extend(
                (one.name, process, run_id) for scope in group.scope_spans for one in scope.spans
            )
        content = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def main() -> None:
    folder = Path(sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": True}
    )
    try:
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        environ = os.environ | {
            "RAY_ADDRESS": cluster.address,
            "RBTRACE_ENABLED": "1",
            "RBTRACE_DIR": str(folder / "traces"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-m", "rbtrace.studies.process", MODULE]
        command += [json.dumps(SETTINGS), "--data", str(folder / "data")]
        command += ["--result", str(folder / "result.json")]
        subprocess.run(command, env=environ, check=True, stdout=sys.stderr)
    finally:
        cluster.shutdown()
    found = json.loads((folder / "result.json").read_text())
    print(json.dumps({"found": found, "spans": Collector.spans}))


if __name__ == "__main__":
    main()
