"""THE table of the goldens: one row for each command whose output is kept.

Commands run in a folder that has `inputs/` beneath their own names, `corpus/`, and `empty/`. Each
runs once for each of its formats, with that as `--format`; None is the command as it stands.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final, NamedTuple

CORPUS: Final = Path(__file__).parents[1] / "analysis" / "corpus"
REPORTS: Final = ("markdown", "json", "html", "terminal")
PLAIN: Final = ("markdown", "json")
LISTED: Final = ("markdown", "html", "terminal")
GRAPHS: Final = ("svg", "html", "speedscope", "folded", "session", "pprof", "otlp")
ONCE: Final = (None,)


class Case(NamedTuple):
    """A command and its formats.

    `columns` is the width of the terminal it writes to, 0 where that is none; `stdin` is a file it
    reads; what it writes into `out/` is kept as well. `as_of` names the case whose output it has.
    """

    name: str
    command: str
    formats: tuple[str | None, ...] = REPORTS
    columns: int = 0
    stdin: str | None = None
    as_of: str | None = None

    def arguments(self, format_name: str | None) -> list[str]:
        """The command line in one format."""
        chosen = [] if format_name is None else ["--format", format_name]
        return [*shlex.split(self.command), *chosen]


def _reports(*inputs: str) -> list[Case]:
    """Each of these analyzed, in all formats."""
    return [Case(f"analyze/{name.partition('.')[0]}", f"analyze {name}") for name in inputs]


def _same(*inputs: str) -> list[Case]:
    """Each of these analyzed: the same spans in another format."""
    return [
        Case(f"analyze/{name}", f"analyze {name}", ("json",), as_of="analyze/sweep")
        for name in inputs
    ]


def _refused(*commands: str) -> list[Case]:
    """Each of these refused: what it says is the golden."""
    return [Case(f"refused/{number:02}", text, ONCE) for number, text in enumerate(commands, 1)]


ANALYZED: Final = (
    *_reports(
        "sweep.otlp.jsonl", "jaeger.json", "summaries.otlp.jsonl", "implicit.otlp.jsonl",
        "runs.otlp.jsonl", "linked-trials.otlp.jsonl", "regions.otlp.jsonl", "clocks.otlp.jsonl",
        "anomalies.otlp.jsonl", "deep.otlp.jsonl", "wide.otlp.jsonl", "pruned.otlp.jsonl",
        "names.otlp.jsonl", "broken.otlp.jsonl", "complete", "incomplete", "dead", "open-only",
        "rotated", "samples", "search",
    ),
    *_same(
        "sweep.otlp.jsonl.gz", "sweep.otlp.jsonl.zst", "sweep.binpb", "sweep-lengths.binpb.gz",
        "sweep-collector.binpb", "sweep-collector.zst", "sweep.parquet",
    ),
    *(
        Case(f"analyze/corpus/{file.name}", f"analyze corpus/{file.name}", ("json",))
        for file in sorted(CORPUS.iterdir())
    ),
)  # fmt: skip
OPTIONS: Final = (
    Case("options/workers-unknown", "analyze sweep-workers-unknown.otlp.jsonl"),
    Case("options/workers-unused", "analyze sweep-workers-unused.otlp.jsonl"),
    Case("options/by-path", "analyze sweep.otlp.jsonl --by path", LISTED),
    Case("options/by-category", "analyze sweep.otlp.jsonl --by category", LISTED),
    Case("options/by-process", "analyze sweep.otlp.jsonl --by process", LISTED),
    Case("options/by-path-deep", "analyze deep.otlp.jsonl --by path", ("markdown", "terminal")),
    Case("options/by-path-search", "analyze search --by path", ("markdown", "terminal")),
    Case("options/by-process-names", "analyze names.otlp.jsonl --by process", LISTED),
    Case("options/full", "analyze sweep.otlp.jsonl --full"),
    Case("options/full-search", "analyze search --full", PLAIN),
    Case("options/full-summaries", "analyze summaries.otlp.jsonl --full", ("json",)),
    Case("options/full-wide", "analyze wide.otlp.jsonl --full", ("markdown", "terminal")),
    Case("options/threshold", "analyze search --threshold 5", ("markdown",)),
    Case(
        "options/filter",
        "analyze search --filter 'rustybt.trial.number < 2 and duration > 1ms'",
        PLAIN,
    ),
    Case("options/filter-name", """analyze sweep.otlp.jsonl --filter 'name ~ "run"'""", PLAIN),
    Case("options/filter-nothing", "analyze sweep.otlp.jsonl --filter 'duration > 1h'", PLAIN),
    Case("options/several", "analyze runs.otlp.jsonl sweep.otlp.jsonl", PLAIN),
    Case("options/glob", "analyze '*.binpb'", PLAIN),
    Case("options/stdin", "analyze -", PLAIN, stdin="sweep.otlp.jsonl.gz",
         as_of="analyze/sweep"),
    Case("options/stdin-broken", "analyze -", PLAIN, stdin="broken.otlp.jsonl"),
    Case("options/colours", "analyze search", ONCE, columns=100),
    Case("options/colours-narrow", "analyze names.otlp.jsonl", ONCE, columns=60),
    Case("options/colours-incomplete", "analyze incomplete", ONCE, columns=80),
    Case("options/files", "analyze complete -o out/report.htm", ONCE),
    Case("options/files-txt", "analyze complete -o out/report.txt", ONCE),
    Case("options/memory-limit", "analyze sweep.otlp.jsonl --memory-limit 300MB", PLAIN,
         as_of="analyze/sweep"),
)  # fmt: skip
COMPARED: Final = (
    Case("compare/same", "compare arms/before arms/same"),
    Case("compare/faster", "compare arms/before arms/faster"),
    Case("compare/slower", "compare arms/before arms/slower"),
    Case("compare/other-result", "compare arms/before arms/other-result"),
    Case("compare/elsewhere", "compare arms/before arms/elsewhere", PLAIN),
    Case("compare/other-names", "compare arms/before arms/other-names"),
    Case("compare/few", "compare arms/few arms/faster", PLAIN),
    Case("compare/one", "compare arms/one arms/one", PLAIN),
    Case("compare/work", "compare arms/one arms/one --work", PLAIN),
    Case("compare/work-differs", "compare arms/one arms/one-more-calls --work"),
    Case("compare/pairs", "compare arms/pairs"),
    Case("compare/incomplete", "compare arms/before arms/incomplete", PLAIN),
    Case("compare/many", "compare arms/many-operations arms/many-operations-more"),
    Case("compare/many-full", "compare arms/many-operations arms/many-operations-more --full",
         ("markdown", "terminal")),
    Case("compare/threshold", "compare arms/before arms/faster --threshold 30", PLAIN),
    Case("compare/required", "compare arms/before arms/same --require-improvement", PLAIN),
    Case("compare/max-regression", "compare arms/before arms/slower --max-regression 50", PLAIN),
    Case("compare/result-required", "compare arms/before arms/other-result --work", PLAIN),
    Case("compare/pyperf", "compare arms/pyperf.json arms/pyperf-slower.json"),
    Case("compare/pyperf-uneven", "compare arms/pyperf.json arms/pyperf-uneven.json", PLAIN),
    Case("compare/pytest-benchmark",
         "compare arms/pytest-benchmark arms/pytest-benchmark-faster"),
    Case("compare/bench", "compare arms/bench"),
    Case("compare/bench-stepped", "compare arms/bench-stepped", PLAIN),
    Case("compare/search", "compare search search --work", ("markdown",)),
    Case("compare/colours", "compare arms/before arms/slower", ONCE, columns=90),
    Case("compare/files", "compare arms/before arms/slower -o out/comment.markdown", ONCE),
)  # fmt: skip
DRAWN: Final = (
    Case("flamegraph/search", "flamegraph search", ("svg", "html", "folded", "session")),
    Case("flamegraph/search-spans", "flamegraph search --spans", ("svg", "folded", "speedscope")),
    Case("flamegraph/search-operation",
         "flamegraph search --operation DataPortal.get_history_window", ("folded",)),
    Case("flamegraph/search-trial", "flamegraph search --trial 1", ("folded",)),
    Case("flamegraph/search-slowest",
         "flamegraph search --operation run_algorithm --slowest", ("folded",)),
    Case("flamegraph/search-worker", "flamegraph search --worker 9706", ("folded",)),
    Case("flamegraph/samples", "flamegraph samples", GRAPHS),
    Case("flamegraph/samples-spans", "flamegraph samples --spans", ("svg", "folded")),
    Case("flamegraph/samples-operation", "flamegraph samples --operation load", ("svg", "folded")),
    Case("flamegraph/samples-trial", "flamegraph samples --trial 1", ("svg", "folded")),
    Case("flamegraph/samples-worker", "flamegraph samples --worker host/8", ("svg", "folded")),
    Case("flamegraph/samples-slowest",
         "flamegraph samples --operation Optimizer.trial --slowest", ("svg", "folded")),
    Case("flamegraph/samples-file", "flamegraph samples/host-7-0.otlp.jsonl", ("folded",)),
    Case("flamegraph/odd", "flamegraph odd-samples", GRAPHS),
    Case("flamegraph/names", "flamegraph names.otlp.jsonl", ("svg", "folded", "speedscope")),
    Case("flamegraph/deep", "flamegraph deep.otlp.jsonl", ("svg",)),
    Case("flamegraph/corpus", "flamegraph corpus/summary.jsonl", ("svg", "folded")),
    Case("flamegraph/difference", "flamegraph samples --baseline odd-samples", ("svg",)),
    Case("flamegraph/difference-spans",
         "flamegraph sweep.otlp.jsonl --baseline runs.otlp.jsonl --spans", ("svg",)),
    Case("flamegraph/files", "flamegraph samples -o out/a.folded", ONCE),
)  # fmt: skip
OTHERS: Final = (
    Case("export/sweep", "export sweep.otlp.jsonl incomplete --parquet out/spans.parquet", ONCE),
    *(
        Case(f"help/{name or 'rbtrace'}", f"{name} --help", ONCE)
        for name in ("", "analyze", "bench", "compare", "doctor", "export", "flamegraph",
                     "replay", "run", "scenario", "view")
    ),
    Case("help/version", "--version", ONCE),
)  # fmt: skip
REFUSED: Final = _refused(
    "analyze all-broken.otlp.jsonl",
    "analyze no-spans.otlp.jsonl",
    "analyze empty.otlp.jsonl",
    "analyze notes.txt",
    "analyze nothing",
    "analyze other",
    "analyze empty",
    "analyze sweep-damaged.jsonl.gz",
    "analyze missing",
    "analyze 'missing/*.jsonl'",
    "analyze",
    "analyze sweep.otlp.jsonl --format pdf",
    "analyze sweep.otlp.jsonl --threshold 101",
    "analyze sweep.otlp.jsonl --filter 'nothing == 1'",
    "analyze sweep.otlp.jsonl --filter 'duration > 1'",
    "analyze sweep.otlp.jsonl --filter '(name == \"a\"'",
    "analyze sweep.otlp.jsonl --memory-limit 1MB",
    "analyze sweep.otlp.jsonl --memory-limit much",
    "analyze sweep.otlp.jsonl -o missing/report.md",
    "analyze odd-samples",
    "analyze 'jaeger://nowhere.invalid:1?lookback=much&service=a'",
    "compare arms/several",
    "compare arms/missing",
    "compare empty",
    "compare arms/before arms/pyperf.json",
    "compare arms/pyperf-bytes.json",
    "compare arms/pyperf-damaged.json",
    "compare arms/pyperf.json arms/pyperf.json --work",
    "compare arms/pytest-benchmark-two-hosts",
    "compare arms/bench-unfinished",
    "compare arms",
    "compare arms/before arms/same --threshold -1",
    "compare arms/before arms/same --max-regression nan",
    "flamegraph samples --worker 99",
    "flamegraph samples --operation none",
    "flamegraph samples --trial 7",
    "flamegraph sweep.otlp.jsonl --operation prepare --trial 1 --slowest",
    "flamegraph samples --baseline sweep.otlp.jsonl",
    "flamegraph samples --baseline samples --format html",
    "flamegraph later.profile.jsonl",
    "flamegraph no-samples.profile.jsonl",
    "flamegraph missing",
    "export empty --parquet out/a.parquet",
    "frobnicate",
    "--frobnicate",
    "scenario frobnicate",
    "replay missing",
    "run",
    "bench",
    "view missing",
)
CASES: Final = (*ANALYZED, *OPTIONS, *COMPARED, *DRAWN, *OTHERS, *REFUSED)
