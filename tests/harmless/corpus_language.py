"""Programs that use the language: decorators, values, recursion, generators, greenlets."""

from __future__ import annotations

from typing import Final

from tests.harmless.program import Program, worked

DECORATING: Final = tuple(
    Program("decorating", name, None, warnings=7)
    for name in (
        "properties",
        "methods",
        "functools_objects",
        "method_objects",
        "class_itself",
        "machinery",
        "dataclass_objects",
        "metadata",
        "pickled",
        "coroutines",
        "odd_callables",
        "twice",
    )
)

VALUES: Final = (
    Program("values", "numbers", {"odd": 12}),
    Program("values", "texts", {"odd": 11}),
    Program("values", "containers", {"odd": 15}),
    Program("values", "hostile", {"odd": 8}),
    Program("values", "exiting", {"odd": 2}),
    Program("values", "names", None),
    Program("values", "numpy_values", {"load": 2, "AAPL": 1, "MSFT": 1, "odd": 10}),
    Program("values", "exceptions", {"fail": 5, "failing": 5}),
    Program("values", "base_exceptions", {"failing": 4}),
    Program("values", "contexts", {"fail": 1}),
    Program("values", "collected", {"give": 1, "give_hot": 1, "holding": 1}),
    Program("values", "untouched", worked(1, values=1, use=1)),
)

RECURSION: Final = (
    Program("recursion", "depth_reached", None, warnings=4),
    Program(
        "recursion", "under_a_high_limit", {"descend": 5001, "descend_hot": 5001, "level": 5001}
    ),
    Program("recursion", "under_a_low_limit", None),
    Program("recursion", "limit_kept", worked(1, inside=1)),
    Program("recursion", "endless", None, warnings=4),
    Program("recursion", "in_small_stacks", worked(1, descend=201, descend_hot=201)),
    Program("recursion", "mutual", {"even": 102, "odd": 101, "through_builtins": 101}),
)

GENERATORS: Final = (
    Program("generators", "closed_elsewhere", worked(1, numbers=4, inside=4, other=1)),
    Program("generators", "protocol", {"delegating": 1, "echo": 1, "stubborn": 1}),
    Program("generators", "never_started", worked(1)),
    Program("generators", "async_closed_elsewhere", worked(1, async_numbers=2, inside=2, later=1)),
    Program("generators", "cancelled", {"wait": 4, "waiting": 4, "fail": 1}),
    Program("generators", "context_variables", {"change": 2, "change_within": 5, "between": 1}),
    Program("generators", "other_loop", worked(1, step=10), needs=("uvloop",), warnings=1),
    Program("generators", "debugged_loop", worked(1, step=3)),
)

GREENLETS: Final = (
    Program("greenlets", "many", worked(100, 99, serving=100), needs=("gevent",)),
    Program("greenlets", "patched_threads", worked(11), needs=("gevent",)),
    Program(
        "greenlets",
        "terminated",
        worked(1),
        status=-15,
        incomplete="it is killed",
        needs=("gevent",),
    ),
    Program("greenlets", "worker", worked(2), processes=2, needs=("gevent",)),
    Program("greenlets", "raising_in_the_loop", worked(1), status=6, needs=("gevent",)),
    Program("greenlets", "killed_greenlet", worked(1, serving=2), needs=("gevent",)),
)

PROGRAMS: Final = (*DECORATING, *VALUES, *RECURSION, *GENERATORS, *GREENLETS)
