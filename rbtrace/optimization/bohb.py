"""A search by BOHB itself, as its authors wrote it."""

from __future__ import annotations

from rbtrace.optimization.candidates import Scheduler
from rbtrace.optimization.hpbandster import HpBandSter
from rbtrace.optimization.multi_fidelity import MultiFidelitySearch


class BohbSearch(MultiFidelitySearch):
    """`MultiFidelitySearch` with HpBandSter's model and halving instead of Optuna's.

    It takes the same arguments, and is used in the same way. It differs in that it waits (of a
    bracket's configurations all are scored at one level before the best go on), and in that it
    evaluates a configuration again if its model proposes it again: not for small discrete spaces.

    Raises:
        MissingExtraError: HpBandSter is not installed.
        SearchError: a setting is impossible; the message says which.
    """

    def _make_scheduler(self, seed: int) -> Scheduler:
        return HpBandSter(self._axes, len(self.levels), self.reduction, seed)
