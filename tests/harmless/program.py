"""What a row of the table says about a program."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

USUAL: Final = ("summaries", "calls", "sampler", "collector away")
WITH_SILENCE: Final = (*USUAL, "collector silent")
WITHOUT_COLLECTOR: Final = ("summaries", "calls", "sampler")


@dataclass(frozen=True)
class Program:
    """One row of the table.

    Attributes:
        file: its file in `programs/`, without the suffix.
        function: which of the programs in that file; empty if it is the file.
        calls: calls of each operation that its trace must have, and no others; None if its traces
            cannot be found, or what is in them is a matter of time.
        arguments: of the program.
        options: of the interpreter.
        command: what follows them, if it is not the file, the function and the arguments.
        environ: variables to be set, or removed where the value is None.
        typed: its standard input.
        status: how it ends: exit status, or minus the signal.
        silent: whether it prints nothing on standard output.
        modes: in which it is run.
        differs: which of stdout, stderr and files may differ, and why.
        incomplete: why its traces need not be complete.
        warnings: how many lines tracing may write to standard error.
        processes: how many may each say once that a collector is away.
        needs: packages without which it is left out, and which only this Python has.
        what: what it does, if its docstring does not say.
        longest_s: after how many seconds it is said to hang; a machine may be busy.
        title: what it is called, if its command line is too long to be a name.
        case: what distinguishes it from other rows with the same command.
    """

    file: str
    function: str = ""
    calls: Mapping[str, int] | None = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environ: Mapping[str, str | None] = field(default_factory=dict)
    typed: str = ""
    status: int = 0
    silent: bool = False
    modes: tuple[str, ...] = USUAL
    differs: Mapping[str, str] = field(default_factory=dict)
    incomplete: str = ""
    warnings: int = 0
    processes: int = 1
    needs: tuple[str, ...] = ()
    what: str = ""
    longest_s: float = 60.0
    title: str = ""
    case: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """What follows the interpreter's options on the command line."""
        if self.command:
            return self.command
        chosen = (self.function,) if self.function else ()
        return (f"{{programs}}/{self.file}.py", *chosen, *self.arguments)

    @property
    def name(self) -> str:
        """What distinguishes it from all others."""
        command = " ".join((*self.options, *self.words)).replace("{programs}/", "")
        name = self.title or command
        return f"{name} ({self.case})" if self.case else name

    def by_hand(self, programs: Path) -> str:
        """A command that runs it traced."""
        variables = [f"{name}={text or ''}" for name, text in self.environ.items()]
        words = shlex.join([sys.executable, *self.options, *self.words])
        return " ".join(["RBTRACE_ENABLED=1", *variables, words]).replace(
            "{programs}", str(programs)
        )


def worked(times: int, calls: int | None = None, **others: int) -> dict[str, int]:
    """So many calls of `work`, with so many hot calls in all, and what else there is."""
    return {"work": times, "hot": 3 * times if calls is None else calls, **others}
