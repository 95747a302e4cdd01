"""Coverage-guided fuzzing of one reader: `fuzz.py READER CORPUS SEEDS -runs=100000`.

Every input is read as a file of that reader's format: it may be refused with an `InputError` and it
may be counted as damaged, but nothing else is raised, and analyzing what was read succeeds. The
fuzzer adds that no input takes longer than ten seconds or more memory than two gigabytes.
"""

from __future__ import annotations

import io
import sys

import atheris

with atheris.instrument_imports(include=["rbtrace.analysis"]):
    from rbtrace.analysis.assembly import build
    from rbtrace.analysis.columns import Builder
    from rbtrace.analysis.counts import Beside
    from rbtrace.analysis.decompression import DAMAGED
    from rbtrace.analysis.loading import Loaded
    from rbtrace.analysis.readers import READERS
    from rbtrace.analysis.readers.interface import Faults, Reader
    from rbtrace.analysis.results import evaluate
    from rbtrace.analysis.streams import HEAD_BYTES, with_head
    from rbtrace.errors import InputError

NAMES = {reader.name.lower().replace(" ", "-"): reader for reader in READERS}


def read_as(reader: Reader, content: bytes) -> None:
    """Read content with a reader and analyze it; all that is wrong with it is counted."""
    builder, faults = Builder(), Faults()
    try:
        with with_head(io.BytesIO(content)) as stream:
            if not reader.recognises(stream.peek(HEAD_BYTES)):
                return
            reader.read(stream, builder, faults, lambda _count: None)
    except (InputError, *DAMAGED):
        return
    evaluate(Loaded(build(builder), faults, Beside([], [], [], [], [])))


def main() -> None:
    reader = NAMES[sys.argv.pop(1)]
    limits = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=4096"]
    atheris.Setup([*sys.argv, *limits], lambda content: read_as(reader, content))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
