"""One quick run of all studies, which the tests of each look at."""

from __future__ import annotations

import pytest

from rbtrace.errors import EXIT_GOOD
from tests.studies.quick_run import EXTRAS, need, study
from tests.support.once import once


@pytest.fixture(scope="session")
def quick(tmp_path_factory):
    """The folder of the run; a study that fails fails the tests of all."""
    need(*EXTRAS)

    def make(folder):
        done = study("all", folder, timeout=2400)
        assert done.returncode == EXIT_GOOD, done.stderr

    return once(tmp_path_factory, "quick", make)
