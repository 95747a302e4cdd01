"""Trials of a large sweep are traces of their own, linked to it; analyses join them again."""

from __future__ import annotations

import pytest

from rbtrace import conventions as key
from rbtrace.analysis.analyze import analyze_paths

SWEEP = """
import rbtrace
from rbtrace import conventions
from rbtrace.recording import spans
from rbtrace.recording.propagation.objective import TracedObjective
from rbtrace.recording.operation import Operation
import pickle

spans.TRIALS_PER_TRACE = 3

@rbtrace.traced(hot=True)
def hot():
    pass

def objective(parameters):
    with rbtrace.span("inside"):
        hot()
    return 1.0

with rbtrace.span("sweep"):
    carried = TracedObjective(objective)
    for number in range(5):
        pickle.loads(pickle.dumps(carried))({"x": number})
"""


@pytest.fixture
def done(run_script):
    return run_script(SWEEP, RBTRACE_ENABLED="1")


def test_later_trials_have_traces_of_their_own(done):
    (sweep,) = [span for span in done.spans if span.name == "sweep"]
    trials = [span for span in done.spans if span.name == "ParallelOptimizer.evaluate"]
    own = {span.attributes[key.TRIAL_NUMBER]: span.trace_id != sweep.trace_id for span in trials}
    assert own == {0: False, 1: False, 2: False, 3: True, 4: True}
    assert len({span.trace_id for span in trials}) == 3


def test_an_analysis_joins_them_again(done):
    results = analyze_paths([done.folder])
    paths = {tuple(path.path): path.calls for path in results.paths}
    assert paths["sweep", "ParallelOptimizer.evaluate", "inside", "hot"] == 5
    assert results.integrity.complete
    assert results.integrity.orphans == 0
    assert len(results.runs) == 1
    assert {piece.root for piece in results.critical_path} == {"sweep"}
