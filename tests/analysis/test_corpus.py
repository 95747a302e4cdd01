"""Edge files with self times worked out by hand.

Every file in `corpus/` is what some program may leave behind. Its times are small numbers of
nanoseconds, so that the reason beside an expectation can be checked in the head.
"""

from __future__ import annotations

import pytest

from rbtrace.analysis.analyze import analyze_paths
from tests.analysis.cases import CASES, CORPUS, COUNTS, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file)
def test_self_times(case: Case) -> None:
    results = analyze_paths([CORPUS / case.file])
    assert {row.name: row.self_ns for row in results.operations} == case.self_ns
    amiss = {name: getattr(results.integrity, name) for name in COUNTS}
    assert {name: count for name, count in amiss.items() if count} == case.amiss


def test_every_file_has_an_expectation() -> None:
    assert {path.name for path in CORPUS.iterdir()} == {case.file for case in CASES}
    assert len(CASES) >= 40
