"""How often samples are taken: as asked for, unless that would cost the program too much.

What a sample costs depends on the depth of the stack, on the machine and on its clock. A program
whose samples take more than a fifth of its time is sampled half as often from then on.
"""

from __future__ import annotations

from time import monotonic_ns, thread_time_ns
from typing import Final

SHORTEST_NS: Final = 100_000
"""The shortest interval: delivering a signal takes microseconds by itself."""
MOST_SHARE: Final = 0.2
"""Of the processor time of the sampled thread, what taking samples may use."""
_WINDOW_NS: Final = 1_000_000_000
_LEAST_NS: Final = 10_000_000
"""What samples use within a window before it is asked what share that is: a program that sleeps
uses less than what samples it."""


class Pace:
    """The interval of one thread's samples. All methods are called in that thread.

    Attributes:
        interval_ns: the interval as it is now.
        slowed: how often it was doubled.
    """

    def __init__(self, interval_ns: int) -> None:
        """Begin with the interval that is asked for, or with the shortest there is."""
        self.interval_ns = max(interval_ns, SHORTEST_NS)
        self.slowed = 0
        self.begin()

    def begin(self) -> None:
        """The thread runs from now on, as far as is known here."""
        self._spent_ns = self._samples = 0
        self._since_ns = monotonic_ns()
        self._cpu_since_ns = thread_time_ns()

    def is_too_fast(self, cost_ns: int) -> bool:
        """Note what a sample cost, processor time; say whether the interval is longer from now on.

        It is doubled until samples as expensive as the latest use no more than their share.
        """
        self._spent_ns += cost_ns
        self._samples += 1
        if self._spent_ns > _LEAST_NS:
            used_ns = thread_time_ns() - self._cpu_since_ns
            if self._spent_ns > MOST_SHARE * used_ns:
                self._slow_down(self._spent_ns / self._samples / MOST_SHARE)
                return True
        if monotonic_ns() - self._since_ns > _WINDOW_NS:
            self.begin()
        return False

    def _slow_down(self, enough_ns: float) -> None:
        while True:
            self.interval_ns *= 2
            self.slowed += 1
            if self.interval_ns >= enough_ns:
                break
        self.begin()
