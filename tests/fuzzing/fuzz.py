"""Coverage-guided fuzzing of one reader: `fuzz.py READER CORPUS SEEDS -runs=100000`.

Every input is read as a file of that reader's format: it may be refused with an `InputError` and it
may be counted as damaged, but nothing else is raised, analyzing what was read succeeds, and the
compiled scanner finds what Python finds. The fuzzer adds that no input takes longer than ten
seconds or more memory than two gigabytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1] / "analysis"))

with atheris.instrument_imports(include=["rbtrace.analysis"]):
    from both_ways import comparable, read_as

    from rbtrace.analysis.assembly import build
    from rbtrace.analysis.loading import READERS, Loaded, Reader
    from rbtrace.analysis.readers.fast_path import COMPILED
    from rbtrace.analysis.results import evaluate
    from rbtrace.analysis.sources import Sidecars

NAMES = {reader.name.lower().replace(" ", "-"): reader for reader in READERS}
SCANNED = ("OTLP JSON", "OTLP protobuf")


def check(reader: Reader, content: bytes) -> None:
    """Read content with a reader and analyze it; all that is wrong with it is counted."""
    found = read_as(reader, content, compiled=False)
    if COMPILED is not None and reader.name in SCANNED:
        assert comparable(found) == comparable(read_as(reader, content, compiled=True))
    if found is not None and not isinstance(found, str):
        builder, faults = found
        evaluate(Loaded(build(builder), faults, Sidecars([], [], [], [], [])))


def main() -> None:
    reader = NAMES[sys.argv.pop(1)]
    limits = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=4096"]
    atheris.Setup([*sys.argv, *limits], lambda content: check(reader, content))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
