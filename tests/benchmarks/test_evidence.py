"""The judge of the known differences: it says no when a comparison is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rbtrace.errors import InputError
from tests.benchmarks.evidence import Judgement, judge, report
from tests.support.arms import arm, compared, noisy

NOTHING = compared(arm("baseline", noisy(100, 10)), arm("candidate", noisy(100, 10, 1)))
FASTER = compared(arm("baseline", noisy(100, 10)), arm("candidate", noisy(80, 10, 1)))
SLOWER = compared(arm("baseline", noisy(100, 10)), arm("candidate", noisy(130, 10, 1)))
OTHER_WORK = compared(
    arm("baseline", noisy(100, 10)), arm("candidate", noisy(100, 10, 1), calls={("a",): 1})
)


@pytest.mark.parametrize(
    ("found", "holds"),
    [
        ({"speed-up-12": FASTER}, True),
        ({"speed-up-12": NOTHING}, False),
        ({"speed-up-2": NOTHING}, True),
        ({"speed-up-2": FASTER}, False),
        ({"identical-01": NOTHING}, True),
        ({"identical-01": OTHER_WORK}, False),
        ({"slow-down-15": SLOWER}, False),  # no operation of that name
        ({"another-result": FASTER}, False),
        ({"one-more-price": OTHER_WORK}, False),
        ({f"identical-{n:02}": FASTER if n < 3 else SLOWER for n in (1, 2)}, True),
        ({f"identical-{n:02}": FASTER if n < 3 else SLOWER for n in (1, 2, 3)}, False),
    ],
)
def test_what_holds(found: Any, holds: bool) -> None:
    assert Judgement(found, []).holds is holds


def test_the_report_counts_pairs_and_alarms() -> None:
    summary = report(Judgement({"identical-01": NOTHING, "identical-02": FASTER}, ["speed-up-2"]))

    assert (
        "Identical arms: 2 comparisons, 20 pairs of backtests. In 20 of these pairs every call "
        "count and the result are the same. Comparisons that accept or fail: 1; up to 2 of 20 may."
    ) in summary.integrity
    assert "Not measured: speed-up-2." in summary.integrity
    assert summary.tables[0].rows[0].cells[:3] == ["identical-01", "nothing", "10"]


def test_nothing_is_finished(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no experiment in .* is finished"):
        judge(tmp_path, ["speed-up-2"])
