"""Measurements that no process made, for the arithmetic of the studies."""

from __future__ import annotations

from rbtrace.studies.journal import Measured


def measured(settings, results, *, traced=True, run_id="x"):
    return Measured(
        settings=settings,
        traced=traced,
        run_id=run_id,
        started_ns=0,
        wall_ns=1,
        cpu_ns=1,
        peak_bytes=None,
        load=None,
        results=results,
    )
