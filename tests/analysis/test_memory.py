"""Freed memory is used again, not mapped anew."""

from __future__ import annotations

import subprocess
import sys

import pytest

COLUMNS = """
import resource
import numpy as np
from rbtrace.analysis.columns import keep_freed_memory
{prepare}
def columns():
    return [np.ones(1 << 17) for _ in range(8)]
columns()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    columns()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(prepare: str) -> int:
    """Pages that were mapped while columns were made and dropped again and again."""
    code = COLUMNS.format(prepare=prepare)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc gives such blocks back")
def test_columns_use_freed_memory_again() -> None:
    otherwise = faults("")
    if otherwise < 1000:
        pytest.skip("this C library keeps freed memory, or the system does not count pages")
    assert faults("keep_freed_memory()") < otherwise / 10


PIECES = """
import numpy as np, psutil
from rbtrace.analysis.columns import return_freed_memory
pieces = [np.ones(512) for _ in range(20_000)]
last = pieces[-1]  # above all others in the heap
del pieces
taken = psutil.Process().memory_info().rss
return_freed_memory()
print(taken - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has a call for it")
def test_what_pieces_took_is_returned() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PIECES], capture_output=True, text=True, check=True
    )
    if int(done.stdout) < 1000:
        pytest.skip("this C library has no such call, or keeps nothing")
    assert int(done.stdout) > 60_000_000
