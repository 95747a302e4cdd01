"""How work reaches other threads and processes, and what is handed along with it.

Each row names a function of the standard library (or of a library for parallel work) that starts
work elsewhere, and the wrapper that lets the current span go with it. The wrappers do nothing
before the first span, and never raise into the program.
"""

from __future__ import annotations

from typing import Final

from rbtrace.recording.propagation import batches, greenlet_tasks, programs, ray_tasks, threads
from rbtrace.recording.propagation.preparing import prepared
from rbtrace.recording.target import Carrier

_TASK: Final = prepared(threads.task)
_CALLBACK: Final = prepared(threads.add_done_callback)

CARRIERS: Final[tuple[Carrier, ...]] = (
    Carrier("threading:Thread.start", prepared(threads.start_thread)),
    Carrier("threading:Thread._bootstrap_inner", threads.thread_begins),
    Carrier("_thread:start_new_thread", prepared(threads.start_new_thread)),
    Carrier("concurrent.futures.thread:ThreadPoolExecutor.submit", _TASK),
    Carrier("concurrent.futures._base:Future.add_done_callback", _CALLBACK),
    Carrier("concurrent.futures.process:ProcessPoolExecutor.submit", _TASK),
    *(
        row
        for library in ("multiprocessing", "multiprocess")
        for row in (
            Carrier(f"{library}.process:BaseProcess.start", prepared(threads.start_process)),
            Carrier(f"{library}.pool:Pool.apply_async", prepared(threads.apply_in_pool)),
            Carrier(f"{library}.pool:Pool._map_async", prepared(threads.map_in_pool)),
            Carrier(f"{library}.pool:Pool.imap", _TASK),
            Carrier(f"{library}.pool:Pool.imap_unordered", _TASK),
        )
    ),
    Carrier("subprocess:Popen.__init__", prepared(programs.popen)),
    Carrier("asyncio.subprocess:create_subprocess_exec", prepared(programs.asynchronous)),
    Carrier("asyncio.subprocess:create_subprocess_shell", prepared(programs.asynchronous)),
    Carrier("os:posix_spawn", prepared(programs.posix_spawn)),
    Carrier("os:posix_spawnp", prepared(programs.posix_spawn)),
    Carrier("os:system", programs.system),
    Carrier("loky.process_executor:ProcessPoolExecutor.submit", _TASK),
    Carrier("joblib.externals.loky.process_executor:ProcessPoolExecutor.submit", _TASK),
    Carrier("joblib.parallel:Parallel.__call__", batches.joblib_call),
    Carrier("joblib.parallel:Parallel.dispatch_one_batch", batches.joblib_dispatch),
    Carrier("distributed.client:Client._graph_to_futures", batches.dask_submission),
    Carrier("distributed.worker:Worker.execute", batches.dask_execution),
    Carrier("gevent:Greenlet", greenlet_tasks.gevent_class),
    Carrier("gevent.hub:spawn_raw", greenlet_tasks.made),
    Carrier("gevent.threadpool:ThreadPool.spawn", _TASK),
    Carrier("ray.remote_function:RemoteFunction._remote", ray_tasks.tasks),
    Carrier("ray.actor:_inject_tracing_into_class", ray_tasks.actor_classes),
    Carrier("ray.actor:ActorClass._remote", ray_tasks.actors),
    Carrier("ray.actor:ActorMethod._remote", ray_tasks.actor_calls),
)
