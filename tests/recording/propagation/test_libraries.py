"""Work that libraries hand over has the span that handed it over as its parent."""

from __future__ import annotations

from importlib import util

import pytest

from rbtrace import conventions as key

PROGRAM = """
{first}
import rbtrace

@rbtrace.traced(hot=True)
def hot():
    pass

@rbtrace.traced
def work(number=0):
    hot()
    return number

def main():
{body}

if __name__ == "__main__":
    main()
"""

MULTIPROCESS = """
context = multiprocess.get_context("{method}")
with rbtrace.span("outer"):
    pool = context.Pool(2)
with rbtrace.span("run"):
    process = context.Process(target=work)
    process.start(); process.join()
    print(pool.map(lambda number: work(number), range(2)), pool.apply(work, (1,)))
    print(pool.apply_async(func=work).get(), list(pool.imap(work, [1])))
    print(list(pool.imap_unordered(work, [1])), pool.starmap(work, [(1,)]))
pool.close(); pool.join()
"""

JOBLIB = """
with rbtrace.span("outer"):
    print(joblib.Parallel(2, backend="{backend}")(joblib.delayed(abs)(n) for n in range(2)))
with rbtrace.span("run"):
    tasks = (joblib.delayed(work)(number) for number in range(20))
    print(joblib.Parallel(2, backend="{backend}", batch_size=1)(tasks))
"""

DASK = """
with rbtrace.span("run"):
    tasks = [dask.delayed(work)(number) for number in range(3)]
    print(dask.compute(*tasks, scheduler="{scheduler}"), [task.key[:4] for task in tasks])
"""

CLUSTER = """
def nested():
    with worker_client() as client:
        return client.submit(work, 7, pure=False).result()

with LocalCluster(
    n_workers=1, threads_per_worker=2, processes={processes}, dashboard_address=None
) as cluster, Client(cluster) as client:
    with rbtrace.span("outer"):
        print(client.submit(abs, -1).result())
    with rbtrace.span("run"):
        future = client.submit(pow, 2, 3)
        print(future.key, future.result(), tokenize(pow, 2, 3), dask.get_annotations())
        print(client.submit(work, 1).result(), client.gather(client.map(work, range(2, 4))))
        print(client.submit(nested).result(), dask.delayed(work)(4).compute())
        print(repr(client.submit(divmod, 1, 0).exception()))
"""

GEVENT = """
class Mine(gevent.Greenlet):
    def _run(self):
        work()

with rbtrace.span("run"):
    greenlet = gevent.spawn(work, 1)
    print(str(greenlet).partition(":")[2])
    mine = Mine()
    mine.start()
    later = gevent.spawn_later(0.001, work, 2)
    gevent.spawn_raw(work)
    gevent.joinall([greenlet, mine, later])
    print(greenlet.value, gevent.pool.Pool(2).map(work, range(3)))
    print(gevent.get_hub().threadpool.spawn(work, 3).get())
"""

MONKEY = """
thread = threading.Thread(target=work)
with rbtrace.span("run"):
    thread.start()
    thread.join()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        print(list(pool.map(work, range(3))))
    _thread.start_new_thread(lambda: (work(), done.set()), ())
    done.wait()
"""

IMPORTS = {
    "multiprocess": "import multiprocess",
    "joblib": "import joblib",
    "dask": "import dask",
    "distributed": (
        "import dask\nfrom dask.base import tokenize\n"
        "from distributed import Client, LocalCluster, worker_client"
    ),
    "gevent": "import gevent, gevent.pool",
    "monkey": (
        "from gevent import monkey\nmonkey.patch_all()\n"
        "import _thread, concurrent.futures, threading\ndone = threading.Event()"
    ),
    "monkey later": (
        "import _thread, concurrent.futures, threading\nimport rbtrace\n"
        "with rbtrace.span('before'): pass\n"
        "from gevent import monkey\nmonkey.patch_all()\ndone = threading.Event()"
    ),
}

CASES = [
    *(
        pytest.param("multiprocess", MULTIPROCESS.format(method=method), 8, id=method)
        for method in ("fork", "spawn", "forkserver")
    ),
    *(
        pytest.param("joblib", JOBLIB.format(backend=backend), 20, id=backend)
        for backend in ("loky", "threading", "multiprocessing")
    ),
    *(
        pytest.param("dask", DASK.format(scheduler=scheduler), 3, id=f"dask {scheduler}")
        for scheduler in ("threads", "processes", "sync")
    ),
    pytest.param("distributed", CLUSTER.format(processes=True), 5, id="workers"),
    pytest.param("distributed", CLUSTER.format(processes=False), 5, id="one process"),
    pytest.param("gevent", GEVENT, 8, id="gevent"),
    pytest.param("monkey", MONKEY, 5, id="monkey"),
    pytest.param("monkey later", MONKEY, 5, id="monkey later"),
]


@pytest.mark.parametrize(("library", "body", "count"), CASES)
def test_what_a_library_hands_over(run_script, library, body, count):
    name = library.partition(" ")[0].replace("monkey", "gevent")
    if util.find_spec(name) is None:
        pytest.skip(f"needs {name}")
    code = PROGRAM.format(
        first=IMPORTS[library],
        body="\n".join(f"    {line}" for line in body.splitlines()),
    )
    off = run_script(code, covered=False)
    on = run_script(code, covered=False, RBTRACE_ENABLED="1")
    assert on.printed == off.printed
    assert "rbtrace" not in on.complaints
    by_id = {span.span_id: span for span in on.spans}
    work = [span for span in on.spans if span.name == "work"]
    assert len(work) == count
    for span in work:
        assert by_id[span.parent_id].name == "run"
    (run,) = [span for span in on.spans if span.name == "run"]
    assert {span.name for span in on.spans} <= {"run", "outer", "before", "work", "hot"}
    hot = [span for span in on.spans if span.name == "hot" and span.is_summary]
    assert sum(span.calls for span in hot) == count
    assert len({span.resource[key.RUN_ID] for span in on.spans}) == 1
    assert run.parent_id is None
