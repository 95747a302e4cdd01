"""Programs with more than one process: pools, forks, execs; and their descriptors."""

from __future__ import annotations

from typing import Final

from tests.harmless.program import WITH_SILENCE, WITHOUT_COLLECTOR, Program, worked

TASKS = worked(6, 15)
"""What the six tasks of a pool record."""

POOLS: Final = (
    *(
        Program("pools", "untraced_tasks", {"main": 1}, ("fork", how, "8"), processes=25)
        for how in ("with", "join", "terminate")
    ),
    Program("pools", "untraced_tasks", {"main": 1}, ("spawn", "with", "1"), processes=4),
    Program("pools", "untraced_tasks", {"main": 1}, ("forkserver", "terminate", "2"), processes=7),
    *(
        Program("pools", "traced_tasks", TASKS, ("fork", how), processes=3, modes=WITH_SILENCE)
        for how in ("with", "join", "terminate")
    ),
    Program("pools", "traced_tasks", TASKS, ("spawn", "join"), processes=3),
    Program("pools", "traced_tasks", TASKS, ("forkserver", "with"), processes=3),
    Program("pools", "before_any_span", worked(1)),
    Program("pools", "one_task_each", worked(7, 18), processes=10),
    Program("pools", "initializers", worked(3, 3), processes=4),
    Program("pools", "nested", worked(4, 2), processes=10),
    Program("pools", "left_half_way", worked(1), processes=3),
    Program("pools", "never_left", worked(2, 2), processes=3),
    Program("pools", "killed_worker", worked(1), processes=3),
    Program("pools", "replaced_worker", worked(1, 2), processes=4),
    Program("pools", "executor", TASKS, ("fork",), processes=3),
    Program("pools", "executor", TASKS, ("spawn",), processes=3),
    Program("pools", "executor_cancelled", worked(1), processes=2),
    Program("pools", "threads", worked(12, 30)),
    Program("pools", "from_a_thread", worked(1, 3, main=1), processes=10),
    Program("pools", "queue_and_manager", worked(4), processes=6),
    Program("pools", "workers_with_handlers", worked(7, 18), processes=3),
    Program("pools", "terminated_process", worked(1), processes=6),
)

FORKS: Final = (
    Program("forks", "endings", worked(4), processes=4, modes=WITH_SILENCE),
    Program("forks", "without_span", worked(1), processes=3),
    Program("forks", "killed", worked(4), processes=7, incomplete="children die after a flush"),
    Program("forks", "terminated_by_parent", worked(1), processes=4),
    Program("forks", "chain", worked(10, 10), processes=10),
    Program("forks", "many_in_a_span", worked(10, 31, outer=1), processes=11),
    Program("forks", "within_hot_calls", worked(1, 3, outer=1, forking=1), processes=2),
    Program("forks", "from_a_thread", None, processes=11),
    Program("forks", "others_hooks", worked(1), processes=2),
    Program("forks", "children_seen", worked(1), processes=5),
    Program("forks", "quiet_under_errors", worked(6), options=("-W", "error"), processes=6),
    Program("forks", "terminal", worked(2), processes=2),
    Program("forks", "orphan", worked(2), processes=3),
    Program("forks", "exits_normally_in_child", worked(3), processes=2, modes=WITH_SILENCE),
    Program("forks", "quick_child", worked(1)),
)

EXECS: Final = (
    *(
        Program("execs", "again", worked(2), (how,), processes=2)
        for how in ("execv", "execve", "execvp", "execl", "execle")
    ),
    Program(
        "execs",
        "again_within_a_span",
        worked(2, 6),
        incomplete="the outer span never ends",
        processes=2,
    ),
    Program("execs", "another", worked(1)),
    Program("execs", "failing", worked(2)),
    Program("execs", "in_a_forked_child", worked(6), processes=6),
    Program("execs", "leave_at_once", worked(1), status=3),
    Program("execs", "abort", worked(1), status=-6, incomplete="it is killed"),
    Program("execs", "spawned", worked(2)),
    Program("execs", "empty_environment", worked(1, outer=1)),
    Program("execs", "own_environment", {"outer": 1}),
    Program("execs", "started_otherwise", worked(1, outer=5)),
    Program("execs", "communicated", worked(1, outer=1)),
    Program("execs", "only_work", worked(1)),
    Program("execs", "traced_child", worked(1, outer=1), processes=2),
)

DAEMON = worked(41)
"""What a daemon records: once before, and while it uses its files."""

DESCRIPTORS: Final = (
    *(
        Program("descriptors", name, DAEMON, modes=WITH_SILENCE)
        for name in ("closed_range", "closed_one_by_one")
    ),
    # Requests open sockets, whose numbers the program may meet.
    Program("descriptors", "replaced", DAEMON, modes=WITHOUT_COLLECTOR),
    Program("descriptors", "closed_again_and_again", worked(123)),
    Program("descriptors", "daemon", DAEMON, processes=3, modes=WITH_SILENCE),
    Program("descriptors", "numbers", worked(1), modes=WITHOUT_COLLECTOR),
    Program("descriptors", "listed", worked(1)),
    Program("descriptors", "inherited", worked(1)),
    Program("descriptors", "socket_activation", worked(2), processes=2),
    Program("descriptors", "without_standard_ones", worked(2), modes=WITH_SILENCE),
    Program("descriptors", "few", None, warnings=1),
    Program("descriptors", "none_left", None, warnings=1),
    Program("descriptors", "raised", worked(1)),
    Program("descriptors", "locked", worked(2)),
    Program("descriptors", "temporary", worked(21)),
)

PROGRAMS: Final = (*POOLS, *FORKS, *EXECS, *DESCRIPTORS)
