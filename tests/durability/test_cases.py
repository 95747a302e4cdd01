"""Every row of the table is a test."""

from __future__ import annotations

import pytest

from tests.durability.cases import CASES
from tests.durability.harness import Case, run
from tests.durability.judgement import faults, row_of
from tests.support.places import UnavailableError


def parameter(case: Case):
    marks = [pytest.mark.engine] if case.engine else []
    marks += [pytest.mark.slow] if case.slow else []
    marks += [pytest.mark.collector] if case.collector else []
    return pytest.param(case, id=case.name, marks=marks)


@pytest.mark.parametrize("case", [parameter(case) for case in CASES])
def test_nothing_is_lost(case, number_of_run, rows, tmp_path, engine_data):
    if case.needs:
        pytest.importorskip(case.needs, reason=f"{case.name} needs the package {case.needs}")
    if case.engine:
        pytest.importorskip("rustybt", reason="needs the extra demo", exc_type=ImportError)
    data = engine_data() if case.engine else tmp_path
    try:
        outcome = run(case, tmp_path, data)
    except UnavailableError as problem:
        pytest.skip(str(problem))
    rows.append(row_of(outcome))
    assert faults(outcome) == []
