"""The rows of the table: how programs run and end, and what goes wrong around them."""

from __future__ import annotations

from typing import Final

from tests.durability.harness import ENGINE_DATA, Case
from tests.support.places import (
    PROTOCOLS,
    black_hole,
    collector,
    refused,
    restarted_collector,
    small_disk,
)

METHODS: Final = ("fork", "spawn", "forkserver")

WORKERS: Final = (
    *(Case(f"Process, {m}", ("workers.py", "process", m)) for m in METHODS),
    *(Case(f"Pool, close and join, {m}", ("workers.py", "pool_joined", m)) for m in METHODS),
    *(Case(f"Pool, terminate, {m}", ("workers.py", "pool_terminated", m)) for m in METHODS),
    *(
        Case(
            f"Pool, terminate at work, {m}",
            ("workers.py", "pool_terminated_at_work", m),
            complete=False,
            cut_short=2,
        )
        for m in METHODS
    ),
    Case("PersistentWorkerPool", ("workers.py", "persistent_pool"), engine=True),
    *(Case(f"ProcessPoolExecutor, {m}", ("workers.py", "executor", m)) for m in METHODS),
    Case("Pool in a spawned process", ("workers.py", "nested", "spawn")),
    Case("Pool in another traced program", ("workers.py", "another_program")),
    Case("threads", ("threads.py", "threads")),
    Case("ThreadPoolExecutor", ("threads.py", "executor")),
    Case("asyncio", ("threads.py", "coroutines")),
    Case("overload from four threads", ("threads.py", "overload"), slow=True),
)

ENDINGS: Final = (
    Case("return", ("endings.py", "return")),
    Case("sys.exit", ("endings.py", "sys.exit"), status=3),
    Case("exception", ("endings.py", "exception"), status=1),
    Case("KeyboardInterrupt", ("endings.py", "SIGINT"), status=-2),
    Case("SIGTERM", ("endings.py", "SIGTERM"), status=-15, complete=False),
    Case("SIGTERM, own handler", ("endings.py", "SIGTERM-handler"), status=5),
    Case("SIGTERM, own handler, late", ("endings.py", "SIGTERM-late-handler"), status=5),
    Case("SIGKILL", ("endings.py", "SIGKILL"), status=-9, complete=False, killed=True),
    Case(
        "SIGKILL of a worker",
        ("endings.py", "SIGKILL-worker"),
        complete=False,
        killed=True,
        cut_short=1,
    ),
)

OUTAGES: Final = tuple(
    Case(f"{what}, {protocol}, {name}", command, setting=setting(protocol))
    for name, command in (
        ("one process", ("endings.py", "return", "200")),
        ("Pool, close and join", ("workers.py", "pool_joined", "fork")),
    )
    for what, setting in (("collector refused", refused), ("collector black-holed", black_hole))
    for protocol in PROTOCOLS
)

FORKS: Final = (
    Case("fork during export ×40, files", ("forks.py",)),
    *(
        Case(
            f"fork during export ×40, black-holed, {protocol}",
            ("forks.py",),
            setting=black_hole(protocol),
            slow=True,
        )
        for protocol in PROTOCOLS
    ),
)

SEARCHES: Final = tuple(
    Case(
        f"ParallelOptimizer, {name}, {workers} workers",
        ("searches.py", ENGINE_DATA, pool, workers),
        engine=True,
        slow=True,
        compared=True,
    )
    for pool, name in (("persistent", "PersistentWorkerPool"), ("plain", "Pool"))
    for workers in ("2", "4")
)

RAY: Final = tuple(
    Case(f"Ray {kind}", ("ray_workers.py", kind), slow=kind != "tasks", needs="ray")
    for kind in ("tasks", "actors")
)

COLLECTORS: Final = (
    *(
        Case(
            f"fork during export ×40, {protocol}",
            ("forks.py",),
            setting=collector(protocol),
            slow=True,
            collector=True,
        )
        for protocol in PROTOCOLS
    ),
    *(
        Case(
            f"collector killed and restarted, {protocol}",
            ("steady.py",),
            setting=restarted_collector(protocol),
            slow=True,
            collector=True,
        )
        for protocol in PROTOCOLS
    ),
)

DISKS: Final = (
    Case("disk full, then room", ("disks.py", "full-then-room"), setting=small_disk),
    Case(
        "disk full to the end",
        ("disks.py", "full"),
        setting=small_disk,
        complete=False,
        short_of_disk=True,
    ),
    Case("file size limit, then room", ("disks.py", "limit-then-room")),
    Case(
        "file size limit to the end",
        ("disks.py", "limit"),
        complete=False,
        short_of_disk=True,
    ),
)

CASES: Final = (
    *WORKERS,
    *SEARCHES,
    *RAY,
    *ENDINGS,
    *FORKS,
    *OUTAGES,
    *COLLECTORS,
    *DISKS,
)
