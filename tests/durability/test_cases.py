"""Every row of the table is a test."""

from __future__ import annotations

import pytest

from tests.durability.cases import CASES
from tests.durability.harness import Case, run
from tests.durability.judgement import exits_late, faults, row_of
from tests.durability.places import UnavailableError

ATTEMPTS = 3
"""A machine that stands still while a program exits makes it late, and tells nobody."""


def parameter(case: Case):
    marks = [pytest.mark.engine] if case.engine else []
    marks += [pytest.mark.slow] if case.slow or case.engine else []
    marks += [pytest.mark.collector] if case.collector else []
    return pytest.param(case, id=case.name, marks=marks)


@pytest.mark.parametrize("case", [parameter(case) for case in CASES])
def test_nothing_is_lost(case, number_of_run, rows, tmp_path, engine_data):
    if case.needs:
        pytest.importorskip(case.needs, reason=f"{case.name} needs the package {case.needs}")
    if case.engine:
        pytest.importorskip("rustybt", reason="needs the extra demo", exc_type=ImportError)
    data = engine_data() if case.engine else tmp_path
    took = []
    for attempt in range(ATTEMPTS):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        try:
            outcome = run(case, folder, data)
        except UnavailableError as problem:
            pytest.skip(str(problem))
        rows.append(row_of(outcome))
        assert faults(outcome) == []
        if not exits_late(outcome):
            return
        took.append(f"{outcome.exit_s:.2f} s")
    pytest.fail(f"{case.name} took {', '.join(took)} to exit")
