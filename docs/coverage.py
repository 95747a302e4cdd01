"""Simulate how often the statistical rules err, and write it into the documentation.

python docs/coverage.py          # rewrite the tables in docs/methodology.md
python docs/coverage.py --check  # say if they are out of date; exit status 1 if they are

The experiments are those of the tests, with their fixed seeds.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).with_name("methodology.md")
SIMULATION = Path(__file__).parents[1] / "tests" / "statistics" / "simulation.py"
_BEGIN, _END = "<!-- simulated -->", "<!-- end of simulated -->"


def _simulation() -> Any:
    spec = importlib.util.spec_from_file_location("simulation", SIMULATION)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def tables() -> str:
    """All tables, as Markdown."""
    found = _simulation()
    parts = [_coverage(found), _alarms(found), _power(found), _several(found), _controls(found)]
    return "\n\n".join(parts)


def _coverage(found: Any) -> str:
    rows = {}
    for regime in found.REGIMES:
        for paired, design in ((False, "log-Welch"), (True, "paired log-t")):
            rows[f"{design}, {regime.name}"] = [
                found.ratio_coverage(regime, runs, paired=paired) for runs in found.RUNS
            ]
    rows["log-Welch, unequal numbers and spreads"] = [
        found.unequal_coverage(runs) for runs in found.RUNS
    ]
    rows["share, logit-jackknife"] = [found.share_coverage(runs) for runs in found.RUNS]
    rows["*share, one run in twenty with a giant span*"] = [
        found.giant_share_coverage(runs) for runs in found.RUNS
    ]
    noisy = found.BY_NAME["noisy"]
    rows["*rustybt's interval of the mean, noisy*"] = [
        found.rustybt_coverage(noisy, runs) for runs in found.RUNS
    ]
    return _table("Coverage of intervals that say 95 %", found.RUNS, rows)


def _alarms(found: Any) -> str:
    rows = {}
    for regime in found.REGIMES:
        for paired, design in ((False, "log-Welch"), (True, "paired log-t")):
            rows[f"{design}, {regime.name}"] = [
                found.false_alarms(regime, runs, paired=paired) for runs in found.RUNS
            ]
    shared = found.BY_NAME["shared"]
    rows["*one arm after the other, log-Welch, shared*"] = [
        found.sequential_false_alarms(shared, runs) for runs in found.RUNS
    ]
    return _table("Equal arms that come out as different (5 % are meant)", found.RUNS, rows)


def _power(found: Any) -> str:
    rows = {
        f"{design}, {effect} % faster": [
            found.power(runs, effect, paired=paired) for runs in found.RUNS
        ]
        for effect in (2, 5, 10)
        for paired, design in ((False, "log-Welch"), (True, "paired log-t"))
    }
    return _table("Improvements found, of arms that take turns (shared)", found.RUNS, rows)


def _several(found: Any) -> str:
    families = [found.family_errors(runs) for runs in found.RUNS]
    rows = {
        "*20 equal operations, raw p*": [raw for raw, _ in families],
        "20 equal operations, Holm": [adjusted for _, adjusted in families],
    }
    family = _table("At least one false alarm among many operations", found.RUNS, rows)
    looks = {regime.name: found.look_errors(regime) for regime in found.REGIMES}
    rows = {
        "*looking at 10, 20 and 30 pairs with p < 0.05*": [one[0] for one in looks.values()],
        "looking with O'Brien–Fleming bounds": [one[1] for one in looks.values()],
    }
    return family + "\n\n" + _table("At least one false alarm among three looks", looks, rows)


def _controls(found: Any) -> str:
    errors = {regime.name: found.control_errors(regime, 10) for regime in found.REGIMES}
    titles = {
        "rbtrace": "log-Welch on runs",
        "pooled spans": "*Welch on the spans of all runs*",
        "rustybt differs": "*baseline's mean outside rustybt's interval of the candidate*",
        "rustybt accepts": "*rustybt accepts an improvement of 5 %*",
    }
    rows = {title: [errors[name][key] for name in errors] for key, title in titles.items()}
    return _table("Ten runs of equal arms: how often a rule says that they differ", errors, rows)


def _table(title: str, columns: Any, rows: dict[str, list[float]]) -> str:
    head = [f"**{title}**", "", f"| | {' | '.join(map(str, columns))} |"]
    rule = f"|:--|{'--:|' * len(columns)}"
    lines = [
        f"| {name} | {' | '.join(f'{rate:.1%}' for rate in row)} |" for name, row in rows.items()
    ]
    return "\n".join([*head, rule, *lines])


def expected() -> str:
    """The text the document should have: its own words around the tables."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{tables()}\n{_END}{after}"


def main() -> int:
    """Rewrite or check."""
    text = expected()
    stale = DOCUMENT.read_text(encoding="utf-8") != text
    if "--check" in sys.argv[1:]:
        if stale:
            sys.stderr.write("docs/methodology.md is out of date: run python docs/coverage.py\n")
        return int(stale)
    DOCUMENT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
