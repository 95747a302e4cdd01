"""What scenarios take from the engine's results."""

from __future__ import annotations

import pandas as pd
import pytest

from rbtrace.studies.workloads.engine import metrics


@pytest.mark.parametrize(
    ("sharpe", "told"), [([None, None], 0.0), ([1.0, float("nan")], 0.0), ([None, 1.5], 1.5)]
)
def test_a_sharpe_ratio_that_is_undefined_is_none(sharpe, told):
    performance = pd.DataFrame(
        {"portfolio_value": [1e5, 1.1e5], "sharpe": sharpe, "max_drawdown": [0.0, -0.1]}
    )

    assert metrics(performance) == {
        "sharpe_ratio": told,
        "total_return": pytest.approx(0.1),
        "max_drawdown": -0.1,
    }
