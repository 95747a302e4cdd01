"""Fuzzing of every reader from a small trace in each format; `make fuzz` runs it for longer."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rbtrace.analysis.readers.parquet import arrow_schema
from tests.support.encodings import FORMATS
from tests.support.jaeger import DOWNLOAD
from tests.support.parquet import ROWS
from tests.support.small_trace import SPANS

RUNS = int(os.environ.get("FUZZ_RUNS", "1000"))
pytest.importorskip("atheris", reason="atheris is not made for this platform")
FUZZ = Path(__file__).with_name("fuzz.py")


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS, arrow_schema()), sink)
    return sink.getvalue()


SEEDS = {
    "otlp-json": [encode(SPANS) for name, encode in FORMATS.items() if "protobuf" not in name],
    "otlp-protobuf": [encode(SPANS) for name, encode in FORMATS.items() if "protobuf" in name],
    "jaeger-json": [json.dumps(DOWNLOAD).encode()],
    "parquet": [parquet()],
}


QUICK = "otlp-json"


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    "reader",
    [pytest.param(one, marks=[pytest.mark.slow] if one != QUICK else []) for one in SEEDS],
)
def test_no_input_breaks_a_reader(reader: str, tmp_path: Path) -> None:
    seeds, corpus = tmp_path / "seeds", tmp_path / "corpus"
    seeds.mkdir()
    corpus.mkdir()
    for number, content in enumerate(SEEDS[reader]):
        (seeds / str(number)).write_bytes(content)
    done = subprocess.run(
        [
            sys.executable, FUZZ, reader, corpus, seeds, f"-runs={RUNS}", "-seed=1",
            f"-artifact_prefix={tmp_path}/",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    executed = re.search(r"Done (\d+) runs", done.stdout)
    assert executed, done.stdout[-4000:]
    assert int(executed[1]) >= RUNS
    print(f"{reader}: {executed[1]} executions, no failure")
