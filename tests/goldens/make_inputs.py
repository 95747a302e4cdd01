"""Writes the kept inputs of the goldens: `python -m pytest tests/goldens/make_inputs.py`.

The files in `inputs/` are what counts; this says how they came about. A new input is one more row
of `INPUTS`; `-k NAME` writes it alone. `inputs/search` is a recording: see `record_search.py`.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import zstandard

from rbtrace import conventions as key
from tests.goldens.make_arms import ARMS
from tests.support.encodings import big_endian, collector_zstd, delimited, protobuf
from tests.support.profiles import NASTY, write_profile
from tests.support.spans import EXEMPLAR, SUMMARY, Span, lines, write, write_tally

FOLDER: Final = Path(__file__).with_name("inputs")
START: Final = 1_700_000_000_000_000_000
MS: Final = 1_000_000
NAMES: Final = (
    "<script>alert('x')</script>",
    "a|b `c` *d* _e_ [f](g) #h ~i~ \\j",
    "größe 数量 \U0001f525",
    "عربى \u202eabc",
    "line\none\r\ttwo \x1b[31mred\x07 \x00",
    "a&amp;\"b'",
    "long " + "name " * 60,
    "",
    "{{ 7 * 7 }} {% raw %}",
    "=1+1",
)


def at(ms: float) -> int:
    return START + round(ms * MS)


def took(number: int, name: str, start: float, end: float, parent: int = 0, **more: Any) -> Span:
    """A span whose times are ms after `START`."""
    return Span(number, name, at(start), at(end), parent, **more)


def hot(number: int, name: str, parent: int, calls: int, total_ms: float, **more: Any) -> Span:
    """A summary of hot calls, drawn at the start, without traced children."""
    total = round(total_ms * MS)
    more.setdefault("self_ns", total)
    return Span(
        number, name, START, START + total, parent, kind=SUMMARY, calls=calls, total=total, **more
    )


def histogram(bounds_ms: Sequence[float], reached: Sequence[int], **more: Any) -> dict[str, Any]:
    return {
        key.HISTOGRAM_BOUNDS: [bound / 1000 for bound in bounds_ms],
        key.HISTOGRAM_COUNTS: list(reached),
    } | more


def sweep(workers: int | None = 2) -> list[Span]:
    """A search in workers: trials with scores, CPU and run-queue times, hot calls, categories."""
    resource = {key.RUN_ID: "sweep-1", key.SERVICE_NAME: "rbtrace"}
    known = {} if workers is None else {key.WORKERS: workers}
    spans = [
        took(1, "ParallelOptimizer.run", 0, 1000, process=1, category="search", resource=resource,
             attributes={**known, key.SEARCH_ALGORITHM: "GridSearchAlgorithm"}),
        took(2, "prepare", 10, 60, 1, process=1, category="io", resource=resource),
    ]  # fmt: skip
    for trial in range(6):
        process, begin = 11 + trial % 2, 100 + 140 * (trial // 2) + 7 * trial
        length = 100 + 5 * trial
        number = 10 * (trial + 1)
        where: dict[str, Any] = {"process": process, "resource": resource, "thread": "1"}
        figures = {
            key.TRIAL_NUMBER: trial,
            key.TRIAL_SCORE: float("inf") if trial == 5 else 0.25 * trial - 0.5,
            key.CPU_NS: (60 + trial) * MS,
            key.RUNQUEUE_NS: (10 + trial) * MS,
            key.FINGERPRINT: f"digest-{trial}",
        }
        spans += [
            took(number, "ParallelOptimizer.evaluate", begin, begin + length, 1,
                 category="search", attributes=figures, **where),
            took(number + 1, "run_algorithm", begin + 5, begin + length - 5, number,
                 category="computation", **where),
            hot(number + 2, "DataPortal.get_spot_value", number + 1, 500 + trial, 30 + trial,
                category="data_access", attributes=histogram(
                    [0.05, 0.1, 0.2], [400, 480, 499, 500 + trial],
                    **{key.DURATION_MIN: 20_000, key.DURATION_MAX: 900_000,
                       key.DURATION_AVG: 60_000, key.P95_NS: 110_000}), **where),
            Span(number + 3, "DataPortal.get_spot_value", at(begin + 20), at(begin + 20.9),
                 number + 2, kind=EXEMPLAR, category="data_access", **where),
        ]  # fmt: skip
    return spans


def summaries() -> list[Span]:
    """Nested hot calls with errors, histograms that have one bucket, none, or odd counts."""
    return [
        took(1, "root", 0, 100, category="user"),
        hot(2, "outer", 1, 100, 60, self_ns=20 * MS, category="computation",
            attributes=histogram([0.4, 0.8], [50, 99, 100], **{key.SUMMARY_ERRORS: 3})),
        hot(3, "inner", 2, 10_000, 40, category="data_access",
            attributes=histogram([0.001, 0.004, 0.016], [0, 9_000, 9_990, 10_000])),
        hot(4, "once", 1, 1, 5, attributes=histogram([8], [1, 1])),
        hot(5, "without histogram", 1, 7, 7),
        hot(6, "no time", 1, 12, 0),
        Span(7, "inner", at(30), at(30.5), 3, kind=EXEMPLAR),
        Span(8, "outer", at(40), at(42), 2, kind=EXEMPLAR, attributes={key.ERROR_TYPE: "OSError"}),
    ]  # fmt: skip


def implicit() -> list[Span]:
    """Hot calls that no span encloses, in the main thread and in another."""
    return [
        took(1, key.UNATTACHED, 0, 500),
        hot(2, "price", 1, 50, 40),
        took(3, key.THREAD, 100, 400, thread="9"),
        hot(4, "price", 3, 10, 20, thread="9"),
        took(5, "main", 50, 150),
    ]


def runs() -> list[Span]:
    """Four runs of three arms, one without, in one file."""
    spans = []
    for number, arm in enumerate(("baseline", "candidate", "third|arm", "")):
        resource = {key.RUN_ID: f"run-{number}"} | ({key.ARM: arm} if arm else {})
        begin = number * 1000
        spans += [
            took(1, "backtest", begin, begin + 100 + 10 * number, trace=number + 1,
                 process=number, resource=resource, category="user"),
            took(2, "load", begin, begin + 40, 1, trace=number + 1, process=number,
                 resource=resource, category="io"),
        ]  # fmt: skip
    return spans


def linked_trials() -> list[Span]:
    """Trials that are traces of their own, linked to their sweep."""
    link = {"traceId": f"{1:032x}", "spanId": f"{1:016x}", "attributes": [
        {"key": key.LINK, "value": {"stringValue": "parent"}}]}  # fmt: skip
    spans = [took(1, "Optimizer.optimize", 0, 400, category="search")]
    spans += [
        took(1, "Optimizer.trial", 100 * trial, 100 * trial + 90, trace=2 + trial,
             links=[link], attributes={key.TRIAL_NUMBER: 200 + trial})
        for trial in range(3)
    ]  # fmt: skip
    return spans


def regions() -> list[Span]:
    """Workers that replaced each other, a pool in a pool, one worker without a task."""
    return [
        took(1, "replaced", 0, 100, process=1, attributes={key.WORKERS: 1}),
        took(2, "task", 10, 50, 1, process=11),
        took(3, "task", 60, 100, 1, process=12),
        took(4, "outer", 200, 300, process=1, trace=2, attributes={key.WORKERS: 3}),
        took(5, "task", 210, 290, 4, process=13, trace=2),
        took(6, "inner", 220, 250, 5, process=21, trace=2),
        took(7, "inner", 230, 280, 5, process=22, trace=2),
        took(8, "outlives", 400, 500, process=1, trace=3),
        took(9, "task", 410, 700, 8, process=14, trace=3),
    ]


def clocks() -> list[Span]:
    """A process whose clock is behind, one behind that, two that contradict, one a day off."""
    return [
        took(1, "root", 0, 100, process=1),
        took(2, "behind", -30, 20, 1, process=2),
        took(3, "more behind", -50, 10, 2, process=3),
        took(4, "here", 0, 50, trace=2, process=4),
        took(5, "there", -5, 30, 4, trace=2, process=5),
        took(6, "back", -20, 20, 5, trace=2, process=4),
        took(7, "a day off", -90_000_000, -89_999_000, 1, process=6),
    ]


def anomalies() -> list[Span]:
    """Everything that is amiss with times and parents, in one trace."""
    return [
        took(1, "root", 0, 100),
        took(2, "negative", 50, 40, 1),
        Span(3, "unfinished", at(60), 0, 1),
        took(4, "orphan", 10, 20, 999),
        took(5, "outlives", 90, 130, 1),
        took(6, "in a circle", 0, 10, 7),
        took(7, "in a circle", 0, 10, 6),
        took(8, "own parent", 0, 5, 8),
        Span(9, "no start", 0, at(70), 1),
        took(10, "overfull", 70, 71, 1),
        hot(11, "too long", 10, 5, 9),
        took(1, "root", 0, 100),
        took(12, "instant", 80, 80, 1),
    ]


def deep() -> list[Span]:
    """Sixty levels, and a recursion."""
    spans = [took(1, "level 0", 0, 1000)]
    spans += [took(n + 1, f"level {n}", n, 1000 - n, n) for n in range(1, 60)]
    spans += [took(100 + n, "again", 100 + n, 900 - n, 60 if n == 0 else 99 + n) for n in range(9)]
    return spans


def wide() -> list[Span]:
    """Many operations below the threshold, of spans that take from ns to days."""
    spans = [took(1, "two days", 0, 172_800_000, category="user")]
    spans += [
        took(n + 2, f"operation {n:02}", n * 1000, n * 1000 + 2.0 ** (n - 20) * 3, 1)
        for n in range(45)
    ]
    return spans


def pruned() -> list[Span]:
    """What the collector's processor makes of equal siblings: a summary without a self time."""
    spans = [took(1, "root", 0, 100)]
    for number, name in ((2, "SELECT"), (3, "INSERT")):
        one = took(number, name, 0, 10, 1)
        one.attributes = {
            key.IS_SUMMARY: True, key.SPAN_COUNT: 10 * number, key.DURATION_TOTAL: 20 * MS,
            key.DURATION_MIN: MS, key.DURATION_MAX: 9 * MS, key.DURATION_AVG: 2 * MS,
            **histogram([2, 5], [8 * number, 9 * number, 10 * number]),
        }  # fmt: skip
        spans.append(one)
    return spans


def named() -> list[Span]:
    """Names, categories, processes and runs that mean something in Markdown, HTML, a terminal."""
    spans = [took(1, "root", 0, 100, resource={key.RUN_ID: "<run>|1"}, category="<i>|user")]
    for number, name in enumerate(NAMES, 2):
        spans.append(
            took(number, name, 5 * number, 5 * number + 4, 1, category=name[:20],
                 resource={key.RUN_ID: "<run>|1", key.HOST_NAME: name[:12], key.ARM: "*arm*"},
                 attributes={key.TRIAL_NUMBER: number, key.TRIAL_SCORE: 1e300})
        )  # fmt: skip
    return spans


def to(make: Callable[[], Sequence[Span]]) -> Callable[[Path], None]:
    return lambda path: [write(path, make()), None][1]


def content(make: Callable[[], bytes]) -> Callable[[Path], None]:
    return lambda path: [path.write_bytes(make()), None][1]


def complete_folder(folder: Path) -> None:
    """Two processes with tallies that agree with what is there."""
    for process in (7, 8):
        spans = [took(process, "work", 0, 100, process=process)]
        write_tally(write(folder / f"host-{process}-0.otlp.jsonl", spans), pid=process, ended=1)


def incomplete_folder(folder: Path) -> None:
    """One process fell short, one is all gone, one dropped spans, one tally is broken."""
    spans = [took(1, "work", 0, 100), hot(2, "call", 1, 9, 5)]
    write_tally(write(folder / "host-7-0.otlp.jsonl", spans), ended=5, exported=5, delivered=2)
    gone = folder / "host-8-0.otlp.jsonl"
    write_tally(gone, pid=8, ended=4, exported=1, dropped=3)
    (folder / "host-9-0.tally").write_text('{"pid": "nine"}\n')
    (folder / "host-7-0.sent").write_text("[]\n")


def dead_folder(folder: Path) -> None:
    """One process died in the middle of two spans, one before any of its spans ended."""
    path = write(folder / "host-7-0.otlp.jsonl", [took(1, "done", 0, 100)])
    write_tally(path, ended=1, exported=1, started="boot:1")
    still = [
        Span(2, "stuck", at(110), 0),
        hot(3, "call", 2, 4, 9, attributes={key.LAST_END_NS: at(160)}),
        Span(1, "done", at(0), 0),
    ]
    path.with_name("host-7-0.open").write_bytes(lines(still))
    path.with_name("host-8-0.open").write_bytes(lines([Span(4, "first", at(5), 0, process=8)]))


def open_only_folder(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "host-7-0.open").write_bytes(lines([Span(1, "first", at(5), 0)]))


def nothing_folder(folder: Path) -> None:
    """A spans file that is empty, with a tally that says so."""
    write_tally(write(folder / "host-7-0.otlp.jsonl", []), ended=0)


def other_folder(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("no trace\n")
    (folder / "other.json").write_text('{"neither": "a trace"}\n')


def rotated_folder(folder: Path) -> None:
    """What the collector's file exporter leaves: a line goes on in the next file."""
    whole = lines([took(n, f"part {n}", n, n + 5) for n in range(1, 7)], per_line=2)
    folder.mkdir(parents=True)
    (folder / "t-2024-01-02T03-04-05.678.jsonl").write_bytes(whole[:700])
    (folder / "t.jsonl").write_bytes(whole[700:])


def broken() -> bytes:
    """Lines of all kinds that cannot be read, among some that can, the last one cut off."""
    good = lines([took(1, "good", 0, 10)])
    return b"".join([
        good, b"\n", b"{broken}\n", b"\xff\xfe\n", b"[]\n", b"null\n", b'{"resourceSpans": 3}\n',
        lines([took(2, "also good", 0, 10, 1)]), b"\x00\x00\n", good[:-40],
    ])  # fmt: skip


def jaeger() -> bytes:
    """An answer of Jaeger's API: two processes, references, tags of all types, warnings."""

    def one(number: int, name: str, process: str, parent: int = 0, **tags: Any) -> dict[str, Any]:
        kinds = {bool: "bool", int: "int64", float: "float64", str: "string"}
        reference = {"refType": "CHILD_OF", "traceID": f"{1:032x}", "spanID": f"{parent:016x}"}
        return {
            "traceID": f"{1:032x}", "spanID": f"{number:016x}", "operationName": name,
            "references": [reference] if parent else [], "flags": 1,
            "startTime": START // 1000 + 1000 * number, "duration": 50_000 // number,
            "tags": [{"key": k.replace("__", "."), "type": kinds[type(v)], "value": v}
                     for k, v in tags.items()],
            "logs": [], "processID": process, "warnings": None,
        }  # fmt: skip

    def process(pid: int) -> dict[str, Any]:
        values = {"host.name": "host", "process.pid": pid, "rbtrace.run.id": "run-1"}
        tags = [{"key": k, "type": "int64" if isinstance(v, int) else "string", "value": v}
                for k, v in values.items()]  # fmt: skip
        return {"serviceName": "rbtrace", "tags": tags}

    summary = {"aggregation__is_summary": True, "aggregation__span_count": 12,
               "aggregation__duration_total_ns": 9_000_000, "rbtrace__summary__self_ns": 9_000_000,
               "aggregation__histogram_bucket_bounds_s": "[0.001,0.002]",
               "aggregation__histogram_bucket_counts": "[10,11,12]"}  # fmt: skip
    spans = [
        one(1, "sweep", "p1", rbtrace__category="search", rustybt__workers=1),
        one(2, "trial", "p2", 1, rustybt__trial__number=0, rustybt__trial__score=0.5),
        one(3, "price", "p2", 2, **summary),
        one(4, "orphan", "p2", 99),
    ]
    document = {"data": [{"traceID": f"{1:032x}", "spans": spans,
                          "processes": {"p1": process(1), "p2": process(2)}, "warnings": None}],
                "total": 0, "limit": 0, "offset": 0, "errors": None}  # fmt: skip
    return json.dumps(document, indent=1).encode() + b"\n"


def samples_folder(folder: Path) -> None:
    """Spans and the samples of two processes that ran them."""
    for process in (7, 8):
        spans = [
            took(process, "Optimizer.trial", 0, 100, process=process,
                 attributes={key.TRIAL_NUMBER: process - 7}),
            took(10 + process, "load", 10, 60, process, process=process),
        ]  # fmt: skip
        path = write(folder / f"host-{process}-0.otlp.jsonl", spans)
        stacks = [
            (5, 10, ["main@/app/a.py", "Optimizer.trial@/app/b.py"], process),
            (20, 25, ["main@/app/a.py", "Optimizer.trial@/app/b.py", "load@/app/b.py"],
             10 + process),
            (40, 30, ["main@/app/a.py", "Optimizer.trial@/app/b.py", "load@/app/b.py",
                      "read@/app/c.py"], 10 + process),
            (90, 5 * process, ["main@/app/a.py"], 0),
        ]  # fmt: skip
        rows = [
            (at(ms), weight * MS, stack, 1 if span else 0, span)
            for ms, weight, stack, span in stacks
        ]
        write_profile(path.with_name(f"host-{process}-0.profile.jsonl"), rows, process)
    for file in folder.glob("*.profile.jsonl"):
        text = file.read_text().replace('"host":"h"', '"host":"host"')
        file.write_text(text.replace('"interval_ns":10,', '"interval_ns":10000000,'))


def odd_samples_folder(folder: Path) -> None:
    """A profile with everything there is to warn of, and frames that are left out."""
    folder.mkdir(parents=True)
    path = folder / "host-7-0.profile.jsonl"
    own, imports = "call@/x/rbtrace/recording/wrapping.py", "load@<frozen importlib._bootstrap>"
    rows = [(at(n), 10 * MS, stack, 0, 0) for n, stack in enumerate((
        ["main", own, "work"], ["main", own], ["main", imports], ["main", imports, "module"], [],
        *(["main", name.replace("@", "")] for name in NASTY if "\ud800" not in name),
    ))]  # fmt: skip
    write_profile(path, rows)
    written = path.read_bytes().splitlines()
    said = {
        "dropped": 3, "cut": 2, "interval_ns": 40 * MS, "unsampled": ["Thread-1 <b>", "pool"],
        "until": at(120_000),
    }  # fmt: skip
    nothing: dict[str, Any] = {"frames": [], "stacks": [], "spans": []}
    minute = {"times": [at(60_000)], "counts": [9], "weights": [90 * MS], "at": [1], "in": [0]}
    last = {
        "known": [99, 99], **nothing, "from": at(99), "times": [0], "weights": [MS], "at": [98],
        "in": [0], "minutes": {**minute, "spans": []}, **said,
    }  # fmt: skip
    added = [b"{broken}", json.dumps(last).encode(), written[1][:50]]
    path.write_bytes(b"\n".join([*written, *added]))


def later_profile(path: Path) -> None:
    path.write_text(
        '{"version":99,"host":"h","pid":7,"interval_ns":10,"sampler":"signal"}\n', encoding="utf-8"
    )


def no_samples(path: Path) -> None:
    path.write_text(
        '{"version":1,"host":"h","pid":7,"interval_ns":10,"sampler":"signal"}\n', encoding="utf-8"
    )


def parquet(path: Path) -> None:
    """A file as `rbtrace export` wrote it: later versions must go on to read it."""
    from rbtrace.commands.main import run

    source = write(path.with_name("source.otlp.jsonl"), sweep())
    assert run(["export", str(source), "--parquet", str(path)]) == 0
    source.unlink()


INPUTS: Final[dict[str, Callable[[Path], None]]] = {
    "sweep.otlp.jsonl": to(sweep),
    "sweep-workers-unknown.otlp.jsonl": to(lambda: sweep(None)),
    "sweep-workers-unused.otlp.jsonl": to(lambda: sweep(4)),
    "sweep.otlp.jsonl.gz": content(lambda: gzip.compress(lines(sweep()), mtime=0)),
    "sweep.otlp.jsonl.zst": content(lambda: zstandard.compress(lines(sweep()))),
    "sweep.binpb": content(lambda: protobuf(sweep())),
    "sweep-lengths.binpb.gz": content(lambda: gzip.compress(delimited(sweep()), mtime=0)),
    "sweep-collector.binpb": content(lambda: big_endian(sweep())),
    "sweep-collector.zst": content(
        lambda: collector_zstd([protobuf(sweep()[at : at + 5]) for at in range(0, 26, 5)])
    ),
    "sweep-damaged.jsonl.gz": content(lambda: gzip.compress(lines(sweep()), mtime=0)[:-900]),
    "sweep.parquet": parquet,
    "jaeger.json": content(jaeger),
    "summaries.otlp.jsonl": to(summaries),
    "implicit.otlp.jsonl": to(implicit),
    "runs.otlp.jsonl": to(runs),
    "linked-trials.otlp.jsonl": to(linked_trials),
    "regions.otlp.jsonl": to(regions),
    "clocks.otlp.jsonl": to(clocks),
    "anomalies.otlp.jsonl": to(anomalies),
    "deep.otlp.jsonl": to(deep),
    "wide.otlp.jsonl": to(wide),
    "pruned.otlp.jsonl": to(pruned),
    "names.otlp.jsonl": to(named),
    "broken.otlp.jsonl": content(broken),
    "all-broken.otlp.jsonl": content(lambda: b"{broken}\n" * 3 + b'{"resourceSpans":[{"sco'),
    "no-spans.otlp.jsonl": content(lambda: b'{"resourceSpans":[]}\n'),
    "empty.otlp.jsonl": content(bytes),
    "notes.txt": content(lambda: b"This is not a trace.\n"),
    "complete": complete_folder,
    "incomplete": incomplete_folder,
    "dead": dead_folder,
    "open-only": open_only_folder,
    "nothing": nothing_folder,
    "other": other_folder,
    "rotated": rotated_folder,
    "samples": samples_folder,
    "odd-samples": odd_samples_folder,
    "later.profile.jsonl": later_profile,
    "no-samples.profile.jsonl": no_samples,
    **ARMS,
}


@pytest.mark.parametrize("name", INPUTS)
def test_make(name: str) -> None:
    path = FOLDER / name
    if path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    INPUTS[name](path)
