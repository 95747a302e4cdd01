"""The functions that start work elsewhere, fork or end the program, or take away what is ours.

Each row names a function of the standard library (or of a library for parallel work), and its
wrapper: that of a function that starts work elsewhere lets the current span go with it. They all
do nothing before the first span, and never raise into the program.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from rbtrace.recording.export.lifecycle import fork_begins, fork_is_over, guarded
from rbtrace.recording.propagation import batches, greenlet_tasks, programs, ray_tasks, threads
from rbtrace.recording.propagation.preparing import like_builtin, prepared
from rbtrace.recording.recorder import RECORDER
from rbtrace.recording.target import PropagationPoint

_TASK: Final = prepared(threads.task)
_CALLBACK: Final = prepared(threads.add_done_callback)

PROPAGATION_POINTS: Final[tuple[PropagationPoint, ...]] = (
    PropagationPoint("threading:Thread.start", prepared(threads.start_thread)),
    PropagationPoint("threading:Thread._bootstrap_inner", threads.thread_begins),
    PropagationPoint("_thread:start_new_thread", prepared(threads.start_new_thread)),
    PropagationPoint("concurrent.futures.thread:ThreadPoolExecutor.submit", _TASK),
    PropagationPoint("concurrent.futures._base:Future.add_done_callback", _CALLBACK),
    PropagationPoint("concurrent.futures.process:ProcessPoolExecutor.submit", _TASK),
    *(
        row
        for lib in ("multiprocessing", "multiprocess")
        for row in (
            PropagationPoint(f"{lib}.process:BaseProcess.start", prepared(threads.start_process)),
            PropagationPoint(f"{lib}.pool:Pool.apply_async", prepared(threads.apply_in_pool)),
            PropagationPoint(f"{lib}.pool:Pool._map_async", prepared(threads.map_in_pool)),
            PropagationPoint(f"{lib}.pool:Pool.imap", _TASK),
            PropagationPoint(f"{lib}.pool:Pool.imap_unordered", _TASK),
        )
    ),
    PropagationPoint("subprocess:Popen.__init__", prepared(programs.popen)),
    PropagationPoint("asyncio.subprocess:create_subprocess_exec", prepared(programs.asynchronous)),
    PropagationPoint("asyncio.subprocess:create_subprocess_shell", prepared(programs.asynchronous)),
    PropagationPoint("os:posix_spawn", prepared(programs.posix_spawn)),
    PropagationPoint("os:posix_spawnp", prepared(programs.posix_spawn)),
    PropagationPoint("os:system", programs.system),
    PropagationPoint("loky.process_executor:ProcessPoolExecutor.submit", _TASK),
    PropagationPoint("joblib.externals.loky.process_executor:ProcessPoolExecutor.submit", _TASK),
    PropagationPoint("joblib.parallel:Parallel.__call__", batches.joblib_call),
    PropagationPoint("joblib.parallel:Parallel.dispatch_one_batch", batches.joblib_dispatch),
    PropagationPoint("distributed.client:Client._graph_to_futures", batches.dask_submission),
    PropagationPoint("distributed.worker:Worker.execute", batches.dask_execution),
    PropagationPoint("gevent:Greenlet", greenlet_tasks.gevent_class),
    PropagationPoint("gevent.hub:spawn_raw", greenlet_tasks.made),
    PropagationPoint("gevent.threadpool:ThreadPool.spawn", _TASK),
    PropagationPoint("ray.remote_function:RemoteFunction._remote", ray_tasks.tasks),
    PropagationPoint("ray.actor:_inject_tracing_into_class", ray_tasks.actor_classes),
    PropagationPoint("ray.actor:ActorClass._remote", ray_tasks.actors),
    PropagationPoint("ray.actor:ActorMethod._remote", ray_tasks.actor_calls),
)


def _nothing() -> None:
    """Do nothing."""


def _around(
    before: Callable[[], object], after: Callable[[], object] = _nothing
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A wrapper that takes a step of ours before and after the original, should that return."""

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            guarded(before)
            try:
                return original(*args, **kwargs)
            finally:
                guarded(after)

        return like_builtin(call, original)

    return wrap


def _replacing(
    name_parent: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A wrapper of a function that replaces the program; the new one inherits the current span."""
    write = _around(RECORDER.before_exec)
    return lambda original: write(name_parent(original))


def _listening(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `signal.set_wakeup_fd(fd)`."""

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        if args and args[0] != -1:
            guarded(RECORDER.before_listening)
        return original(*args, **kwargs)

    return like_builtin(call, original)


OS_CALLS: Final[tuple[PropagationPoint, ...]] = (
    PropagationPoint("os:fork", _around(fork_begins, fork_is_over)),
    PropagationPoint("os:forkpty", _around(fork_begins, fork_is_over)),
    PropagationPoint("os:_exit", _around(RECORDER.before_exit)),
    PropagationPoint("os:execve", _replacing(prepared(programs.execve))),
    PropagationPoint("os:execv", _replacing(programs.execv)),
    PropagationPoint("os:closerange", _around(RECORDER.before_closing, RECORDER.after_closing)),
    PropagationPoint("signal:set_wakeup_fd", _listening),
    PropagationPoint("signal:signal", _around(_nothing, RECORDER.after_handling)),
)
"""`os.execl`, `os.execvp` and the like call `os.execv` and `os.execve`."""
