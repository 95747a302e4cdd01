"""The environment of a program that is timed or sent signals, which must run without coverage.

It slows every line down. And a handler that runs while coverage holds its lock leaves it held if it
raises, and finds it held if it waits for another thread: the program hangs, or loses what it would
not lose.
"""

from __future__ import annotations

import os


def uncovered() -> dict[str, str]:
    """This process's environment, without what starts coverage in a child."""
    return {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE_")}
