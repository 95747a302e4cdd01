"""Programs in odd surroundings: interpreters, tools, streams, folders, limits, imports, ends."""

from __future__ import annotations

from typing import Final

from tests.harmless.program import USUAL, WITHOUT_COLLECTOR, Program, worked

PLAIN = worked(2, main=1)
PLAIN_OPTIMISED = worked(1, main=1)
ONE = ("summaries", "calls")
CODE = """\
import runpy, sys
sys.argv[1:] = ['by', 'runpy']
runpy.run_path('{programs}/plain.py', run_name='__main__')
"""

OPTIONS: Final = (
    *(
        Program("plain", "", PLAIN, options=options, modes=ONE, differs=differs)
        for options, differs in (
            (("-I",), {}),
            (("-E",), {}),
            (("-s", "-P"), {}),
            (("-B", "-u"), {}),
            (("-X", "dev"), {}),
            (("-W", "error"), {}),
            (("-X", "dev", "-W", "error"), {}),
            (("-X", "utf8=0"), {}),
            (("-X", "faulthandler"), {}),
            (("-X", "tracemalloc=5"), {}),
            (("-X", "frozen_modules=off"), {}),
            (("-X", "warn_default_encoding", "-b"), {}),
            (("-X", "importtime"), {"stderr": "it names every module that is imported"}),
        )
    ),
    *(
        Program("plain", "", PLAIN_OPTIMISED, options=options, modes=USUAL)
        for options in (("-O",), ("-OO",))
    ),
    Program(
        "plain",
        "",
        PLAIN,
        options=("-S",),
        environ={"PYTHONPATH": "{packages}"},
        modes=ONE,
        what="Without the site module, packages by PYTHONPATH.",
    ),
    Program(
        "plain",
        "",
        PLAIN,
        command=("-m", "plain", "as", "a module"),
        environ={"PYTHONPATH": "{programs}"},
        what="python -m.",
    ),
    Program(
        "plain",
        "",
        PLAIN,
        command=("-c", CODE),
        title="-c with plain.py",
        what="python -c and runpy.",
    ),
    Program(
        "plain",
        "",
        PLAIN,
        command=("-", "from", "stdin"),
        typed=CODE,
        what="A program on standard input.",
    ),
    Program(
        "archive",
        "",
        {"in an archive": 1},
        what="A program in a zip archive, made by zipapp.",
    ),
)

TOOLS: Final = (
    Program("tools", "covered", worked(5, 5), ("ctrace",), environ={"COVERAGE_CORE": "ctrace"}),
    Program("tools", "covered", worked(5, 5), ("sysmon",), environ={"COVERAGE_CORE": "sysmon"}),
    Program(
        "tools",
        "profiled",
        worked(5, 5),
        differs={"stdout": "cProfile counts the wrapper, which has the function's name, too"},
    ),
    Program("tools", "own_trace", worked(2, 2)),
    Program("tools", "own_profile", worked(2, 2)),
    Program("tools", "monitored", worked(3, 3)),
    Program(
        "tools",
        "debugged",
        worked(1, 1),
        typed="step\nwhere\nnext\nnext\nreturn\nnext\np total\ncontinue\n",
    ),
    Program("tools", "traced_lines", worked(2, 2)),
    Program("tools", "doctested", {"documented": 2}),
    Program("tools", "unittested", worked(1, documented=1, warning=1)),
    Program(
        "tools",
        "warned",
        worked(1, old=2),
        differs={"stdout": "stacklevel=2 in a traced function is its wrapper"},
    ),
    Program("tools", "logged", worked(1, tell=1)),
    Program("tools", "caller_named", {"tell": 1, "hot": 1}),
    Program("tools", "memory_traced", worked(1)),
    Program("tools", "watched", worked(1)),
    Program("tools", "timed", worked(20, 20)),
)

STREAMS: Final = (
    Program("streams", "closed", worked(1)),
    Program("streams", "missing", worked(1)),
    Program("streams", "broken_pipe", None, status=1, silent=True),
    Program("streams", "broken_error_pipe", worked(1)),
    Program("streams", "full_error_pipe", worked(1)),
    Program("streams", "replaced", worked(2)),
    Program("streams", "typed", worked(2), typed="first\nsecond\nthird\n"),
    Program("streams", "unbuffered", worked(5)),
)


def anywhere(case: str, what: str, warnings: int = 0, **environ: str | None) -> Program:
    """The plain program of the folders, with variables."""
    return Program(
        "folders", "plain", None, environ=environ, case=case, what=what, warnings=warnings
    )


FOLDERS: Final = (
    Program("folders", "changed", worked(3)),
    Program("folders", "removed", worked(2)),
    Program(
        "folders", "removed", None, environ={"RBTRACE_DIR": None}, warnings=1, case="by default"
    ),
    Program("folders", "masked", worked(1), ("0",)),
    Program("folders", "masked", worked(1), ("077",)),
    Program("folders", "lost_traces", None, warnings=1, processes=2),
    Program("folders", "environment_cleared", worked(5), processes=2),
    Program("folders", "root_changed", None, warnings=3),
    Program("folders", "other_user", None, warnings=3, processes=2),
    anywhere("no HOME", "There is no HOME.", HOME=None),
    anywhere("no such home", "HOME is a folder that is not there.", HOME="/no/such/home"),
    anywhere("by default", "Traces go to the working folder.", RBTRACE_DIR=None),
    anywhere("no such user", "RBTRACE_DIR cannot be resolved.", 1, RBTRACE_DIR="~nosuchuser/x"),
    anywhere("a file", "RBTRACE_DIR is a file.", 2, RBTRACE_DIR="{programs}/plain.py"),
    anywhere("below a file", "RBTRACE_DIR is below a file.", 2, RBTRACE_DIR="/dev/null/x"),
    anywhere("not for writing", "RBTRACE_DIR is in /proc.", 2, RBTRACE_DIR="/proc/traces"),
    anywhere("too long", "RBTRACE_DIR is longer than a name may be.", 2, RBTRACE_DIR="x" * 300),
    anywhere("empty", "RBTRACE_DIR is empty.", 1, RBTRACE_DIR=""),
    anywhere("odd id", "RBTRACE_RUN_ID is no name.", 1, RBTRACE_RUN_ID="../x"),
    anywhere("wrong interval", "The interval is no number.", 1, RBTRACE_SAMPLE_INTERVAL_MS="x"),
    anywhere(
        "10 µs", "An interval so short that nothing else ran.", 1, RBTRACE_SAMPLE_INTERVAL_MS="0.01"
    ),
    anywhere(
        "1 µs",
        "An interval at which not even SIGTERM ended it.",
        1,
        RBTRACE_SAMPLE_INTERVAL_MS="0.001",
    ),
    anywhere("no time zone", "Odd TZ and LANG.", TZ="nowhere/at all", LANG="xx_YY", LC_ALL="C"),
    anywhere(
        "odd limits",
        "Odd OTEL_ variables.",
        2,
        OTEL_BSP_SCHEDULE_DELAY="x",
        OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT="0",
    ),
)

LIMITS: Final = (
    Program("limits", "file_size", None, warnings=2),
    Program("limits", "no_file_at_all", None, warnings=1),
    Program("limits", "memory", worked(2, large=3)),
    Program("limits", "no_threads", worked(2), warnings=1, modes=("summaries", "calls")),
    Program("limits", "no_threads_any_more", worked(2), warnings=1, modes=("summaries", "calls")),
    *(
        Program(
            "limits", "refused", worked(12), (name,), warnings=1, modes=("summaries", "sampler")
        )
        for name in ("timer_create", "eventfd2", "socket", "ftruncate", "pipe2")
    ),
    Program("limits", "refused", None, ("openat",), warnings=3, modes=("summaries",)),
    Program("limits", "small_stack", worked(21)),
    Program("limits", "limits_kept", worked(1)),
)

IMPORTING: Final = (
    Program("importing", "hooked", worked(2)),
    Program("importing", "replaced_import", worked(2)),
    Program("importing", "refusing_import", None, warnings=1),
    Program("importing", "lazily", worked(1)),
    Program("importing", "odd_modules", worked(2)),
    # Of the logging that is imported anew, nothing of ours knows.
    Program("importing", "deleted", worked(3), modes=WITHOUT_COLLECTOR),
    Program("importing", "reloaded", worked(2, after=1)),
    Program("importing", "imported_in_threads", {"load": 4}),
    Program("importing", "within_an_import", worked(2)),
    Program("importing", "path_kept", worked(1)),
    Program("shadowing/program", "", {"main": 1, "child": 1}, processes=2),
    Program("shadowing_library/program", "", None, processes=2, warnings=2),
    Program("own_rbtrace/program", "", None, warnings=1),
    Program("own_package/program", "", None, warnings=8),
)

ENDINGS: Final = (
    *(
        Program("endings", "exits", worked(1), (kind,), status=status)
        for kind, status in (("none", 0), ("three", 3), ("text", 1), ("large", 7), ("object", 1))
    ),
    Program("endings", "raises", {"fail": 1, "inner": 1}, status=1),
    Program("endings", "hooks", {"fail": 3}, status=1),
    Program("endings", "order", worked(2)),
    Program("endings", "failing_at_exit", worked(1, **{"at exit": 1}), status=0),
    Program("endings", "threads_at_work", worked(2)),
    Program("endings", "daemon_threads", None),
    Program(
        "endings",
        "thread_names",
        worked(2),
        differs={"stdout": "sys._current_frames() has our thread"},
    ),
    Program("endings", "late_objects", None),
    Program("endings", "open_at_exit", None, incomplete="a span never ends"),
    Program("endings", "leaves_in_thread", None, status=6),
    Program("endings", "collector_off", worked(1)),
    Program("endings", "cycles", worked(1, 53, use=50, **{"Mine.use": 50})),
)

STATE: Final = (
    Program("state", "random_numbers", worked(2), processes=2),
    Program("state", "numpy_numbers", worked(4)),
    Program("state", "hashes", worked(1), environ={"PYTHONHASHSEED": "7"}),
    Program("state", "stopped_clock", worked(7)),
    Program("state", "stopped_clock_first", worked(2)),
    Program("state", "patched_files", None, warnings=1),
    Program("state", "patched_threads", worked(2)),
    Program("state", "patched_process", worked(3), processes=2),
    Program("state", "settings_kept", worked(1)),
    Program("state", "start_method", worked(1)),
    Program("state", "variables_seen", worked(1, within=1)),
    Program("state", "interpreters", None, warnings=2),
    Program("state", "interactive", worked(1)),
    Program("state", "frames", {"look": 1, "within": 1}),
)

TELEMETRY: Final = (
    Program(
        "telemetry",
        "broken",
        {},
        environ={"PYTHONPATH": "{programs}/broken_telemetry"},
        warnings=1,
    ),
    Program("telemetry", "own_provider", worked(2)),
    Program("telemetry", "own_spans_apart", worked(1)),
    Program("telemetry", "baggage", worked(1, within=1)),
)

PROGRAMS: Final = (
    *OPTIONS,
    *TOOLS,
    *STREAMS,
    *FOLDERS,
    *LIMITS,
    *IMPORTING,
    *ENDINGS,
    *STATE,
    *TELEMETRY,
)
