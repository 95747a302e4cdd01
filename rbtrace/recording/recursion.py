"""The depth of recursion that tracing's own frames take, given back to the program.

Around a traced function there is a frame of tracing's, which counts against `sys.setrecursionlimit`
like any other: a recursion would reach half as deep. So the frame gives back what it took while
the function runs, and what tracing does itself has headroom beyond the limit: the program's
recursion ends where it would, and the call that ends it is recorded like the others.

Only compiled code can do that. Without it the depth is shared, which is said when it matters.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, Final

from rbtrace.errors import warn_once
from rbtrace.recording.hot.compiled import COMPILED

IS_GIVEN_BACK: Final = COMPILED is not None
"""Whether a traced function recurses as deep as it would untraced."""

with_headroom: Callable[..., Any]
"""`with_headroom(function, *arguments)`: a call of tracing's own code, beyond the limits."""

inward: Callable[..., Any]
"""`inward(function, *arguments)`: a call of the program's code, as if without the frame around."""

give: Callable[[], Any]
"""Give the calling frame's share back, until `take` is called with the result.

Raises:
    RecursionError: the C stack is used up. Untraced, the interpreter calls a property without it;
        the call of a wrapper takes some at each level.
"""

take: Callable[[Any], object]

has_stack: Callable[[], bool]
"""Whether the thread has enough of its C stack left to start a span."""

may_step: Callable[[], bool]
"""Whether a generator may be resumed from C, which takes C stack at each level of a recursion."""

if COMPILED is not None:
    with_headroom, inward = COMPILED.with_headroom, COMPILED.inward
    give, take = COMPILED.give, COMPILED.take
    has_stack, may_step = COMPILED.has_stack, COMPILED.may_step
else:
    # None of these has a frame of its own.
    with_headroom = inward = operator.call
    give = take = bool
    has_stack = may_step = functools.partial(bool, 1)


def say_shared(error: BaseException, name: str) -> None:
    """Say once that a recursion has ended early, if tracing took part of its depth."""
    if isinstance(error, RecursionError):
        warn_once(
            "recursion",
            f"{name} reached the recursion limit, of which tracing takes a part here: "
            "untraced it recurses deeper (sys.setrecursionlimit)",
        )


def say_no_stack(name: str) -> None:
    """Say once that calls are not recorded, where recording them could overflow the stack."""
    warn_once(
        "stack",
        f"{name} is not traced: its thread has too little stack left (threading.stack_size)",
    )
