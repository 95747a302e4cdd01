"""Programs that send, handle, block and wait for signals."""

from __future__ import annotations

import signal
from typing import Final

from tests.harmless.program import WITH_SILENCE, WITHOUT_COLLECTOR, Program, worked

TERMINATED = -signal.SIGTERM
KILLED = "it is killed"

PROGRAMS: Final = (
    *(
        Program(
            "signals",
            "default",
            worked(1),
            (how,),
            status=TERMINATED,
            incomplete=KILLED,
            modes=WITH_SILENCE,
        )
        for how in ("kill", "raise_signal", "thread", "pthread_kill")
    ),
    *(
        Program(
            "signals",
            "sent_while_waiting",
            worked(1),
            (where,),
            status=TERMINATED,
            incomplete=KILLED,
        )
        for where in ("sleep", "lock", "select", "read", "gil", "child")
    ),
    Program("signals", "own_handler_before", worked(2)),
    Program("signals", "own_handler_after", worked(2), status=TERMINATED, incomplete=KILLED),
    Program("signals", "raising_handler", worked(2)),
    Program("signals", "exiting_handler", worked(1, serving=1), status=115, modes=WITH_SILENCE),
    Program("signals", "handler_with_work", worked(601, 603)),
    Program("signals", "ignored", worked(2), processes=2),
    Program("signals", "asked", worked(2), processes=2),
    # An extension that an exporter imports at that moment makes Python forget what ended it.
    Program(
        "signals",
        "interrupted",
        worked(1, serving=1),
        status=-signal.SIGINT,
        modes=WITHOUT_COLLECTOR,
    ),
    Program("signals", "interrupted_and_caught", None),
    Program("signals", "hung_up", worked(1), status=-signal.SIGHUP, incomplete=KILLED),
    Program("signals", "children_end", worked(1), processes=6),
    Program("signals", "timers", None),
    Program("signals", "profiling_timer", None),
    Program("signals", "urgent", worked(1)),
    Program("signals", "wakeup_fd", worked(4), ("before",), warnings=1),
    Program("signals", "wakeup_fd", worked(5), ("after",), warnings=1),
    Program("signals", "masked", worked(3)),
    Program("signals", "masked_before", worked(1)),
    Program("signals", "in_event_loop", worked(3), warnings=1),
    Program("signals", "asyncio_interrupted", worked(1, serving=1)),
    Program("signals", "child_before_its_span", worked(1), processes=21),
    Program("signals", "child_own_handler", worked(2), processes=3),
    Program("signals", "faults", worked(1)),
    Program(
        "signals",
        "crash",
        worked(1),
        status=-signal.SIGSEGV,
        incomplete=KILLED,
        differs={"stderr": "it names the extension modules that are loaded"},
    ),
    Program("signals", "group", worked(4), processes=4, incomplete=KILLED),
    Program("signals", "stopped_and_continued", worked(2), processes=2),
    Program("signals", "from_a_thread_first", worked(1), status=TERMINATED, incomplete=KILLED),
)
