"""What flushing and exiting cost a real search, measured in its processes."""

from __future__ import annotations

import pytest

from tests.durability.harness import execute

MOST = 0.01


@pytest.mark.engine
@pytest.mark.slow
def test_flushing_takes_one_per_cent_of_the_processors_time_at_most(engine_data, tmp_path, remarks):
    pytest.importorskip("rustybt", reason="needs the extra demo", exc_type=ImportError)
    (tmp_path / "times").mkdir()
    finished = execute(
        ("cost.py", str(engine_data()), str(tmp_path / "times")),
        tmp_path,
        {"RBTRACE_ENABLED": "1", "RBTRACE_DIR": str(tmp_path / "traces")},
    )
    assert finished.status == 0, finished.complaints
    times = [
        [int(figure) for figure in path.read_text().split()]
        for path in (tmp_path / "times").iterdir()
    ]
    assert len(times) == 3, "a parent and two workers"
    flushing, processor = (sum(time[place] for time in times) for place in (0, 1))
    present = sum(max(time[1:3]) for time in times)
    remarks.append(
        f"Flush and exit: {flushing / 1e9:.3f} s of {processor / 1e9:.1f} s of CPU time in a "
        f"parallel search of 12 trials, {flushing / processor:.2%}; the processes were there for "
        f"{present / 1e9:.1f} s."
    )
    # Flushes are timed by the clock: processes that have to wait for a core flush more often for
    # what they do.
    assert 0 < flushing <= MOST * present
