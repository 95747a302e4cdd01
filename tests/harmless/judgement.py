"""What a traced run did otherwise than the untraced one, in words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.harmless.program import Program
from tests.harmless.runner import Left

MOST_LINES = 30
FAULTS_OF_TRACES = ("orphans", "duplicates", "unfinished", "negative", "invalid_lines", "problem")


@dataclass(frozen=True)
class Run:
    """One program run in every mode, once, by one Python.

    Attributes:
        program: its name in the table.
        python: version of the Python.
        elapsed_s: by mode.
        faults: by mode; empty where all was well.
    """

    program: str
    python: str
    elapsed_s: dict[str, float]
    faults: dict[str, list[str]]


def faults_untraced(program: Program, off: Left) -> list[str]:
    """Whether the program itself does what the table says: else it proves nothing."""
    return [
        *ended(off),
        *differs("exit status", program.status, off.status, off.complaints),
        *(["prints nothing"] if not (off.printed or program.silent) else []),
        *(["records spans while tracing is off"] if off.calls or off.integrity else []),
        *(["is warned while tracing is off"] if off.warnings else []),
    ]


def faults(program: Program, mode: str, off: Left, on: Left) -> list[str]:
    """Everything that tracing changed and may not; empty if all is well."""
    found = ended(on)
    if on.timed_out:
        return found
    found += differs("exit status", off.status, on.status, on.complaints)
    if "stdout" not in program.differs:
        found += differs_in_lines("standard output", off.printed, on.printed)
    if "stderr" not in program.differs:
        found += differs_in_lines("standard error", off.complaints, on.complaints)
    if "files" not in program.differs:
        found += differs_in_lines("files", listing(off), listing(on))
    most = program.warnings + (program.processes if mode.startswith("collector") else 0)
    # On a busy machine samples may cost so much that they are made rarer, which is said.
    warnings = [line for line in on.warnings if "stacks are sampled every" not in line]
    if len(warnings) > most:
        found.append(f"warns {len(warnings)} times, {most} are allowed: {warnings[: most + 2]}")
    return found + faults_of_traces(program, on)


def ended(left: Left) -> list[str]:
    found = []
    if left.timed_out:
        found.append(f"did not end within {left.elapsed_s:.0f} s:\n{left.stacks}")
    if left.processes:
        found.append(f"left processes behind: {left.processes}\n{left.stacks}")
    return found


def differs(what: str, off: int, on: int, complaints: str) -> list[str]:
    return [f"{what} {on}, not {off}: {complaints[-1500:]}"] if on != off else []


def differs_in_lines(what: str, off: str, on: str) -> list[str]:
    if off == on:
        return []
    lines = difflib.unified_diff(off.splitlines(), on.splitlines(), "off", "on", lineterm="", n=1)
    return [what + ":\n" + "\n".join(shortened(lines))]


def shortened(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number == MOST_LINES:
            yield "…"
            return
        yield line[:300]


def listing(left: Left) -> str:
    return "\n".join(f"{name}: {what}" for name, what in left.files.items())


def faults_of_traces(program: Program, on: Left) -> list[str]:
    """Whether the spans it must have left are there, and the report calls them complete."""
    if program.calls is None:
        return []
    found = {name: n for name, n in sorted(on.calls.items()) if not name.startswith("rbtrace.")}
    wanted = dict(sorted(program.calls.items()))
    wrong = [f"recorded {found}, not {wanted}"] if found != wanted else []
    if program.incomplete or not wanted:
        return wrong
    wrong += [
        f"{name} in the traces: {on.integrity[name]}"
        for name in FAULTS_OF_TRACES
        if on.integrity.get(name)
    ]
    if on.integrity.get("complete") is not True:
        said = {name: value for name, value in on.integrity.items() if value or value is False}
        wrong.append(f"the traces are not complete: {said}")
    return wrong
