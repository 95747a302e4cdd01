"""A task for which all workers of a pool must have come, so that each is seen to work."""

from __future__ import annotations

import os
import time

from rbtrace.studies.evaluations import Sleeps


class Meets:
    """A task that ends when so many workers have one: else a late worker finds none left."""

    def __init__(self, folder, workers):
        self.folder, self.workers = folder, workers

    def __call__(self, task):
        (self.folder / str(os.getpid())).touch()
        until = time.monotonic() + 60
        while len(list(self.folder.iterdir())) < self.workers and time.monotonic() < until:
            time.sleep(0.001)
        return Sleeps(20)(task)
