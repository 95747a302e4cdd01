"""The command `rbtrace`: finds subcommands, and turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import traceback
from importlib.util import find_spec
from typing import Final, cast

import click

from rbtrace import commands
from rbtrace.errors import EXIT_BUG, EXIT_GOOD, RbtraceError, exit_code_of_interrupt
from rbtrace.version import __version__

_DEBUG: Final = "RBTRACE_DEBUG"
_REPORT: Final = f"this is a bug in rbtrace: please report it, with the output of {_DEBUG}=1"


class _Subcommands(click.Group):
    """A group whose commands are the modules of `rbtrace.commands`, imported when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(
            module.name.replace("_", "-")
            for module in pkgutil.iter_modules(commands.__path__)
            if module.name != "main" and not module.name.startswith("_")
        )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        return cast("click.Command", importlib.import_module(_module(cmd_name)).command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _help_line(name)) for name in self.list_commands(ctx)])


def _module(command_name: str) -> str:
    return f"{commands.__name__}.{command_name.replace('-', '_')}"


def _help_line(command_name: str) -> str:
    """First line of a command's docstring, read without importing what the command needs."""
    import ast  # noqa: PLC0415 - for the help alone

    loader = getattr(find_spec(_module(command_name)), "loader", None)
    get_source = getattr(loader, "get_source", None)
    source = get_source(_module(command_name)) if get_source else None
    docstring = ast.get_docstring(ast.parse(source or "")) or ""
    return docstring.partition("\n")[0]


@click.group(
    cls=_Subcommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"{_DEBUG}=1 shows the traceback of an unexpected error.",
)
@click.version_option(__version__, prog_name="rbtrace")
def rbtrace() -> None:
    """Tracing and performance evidence for rustybt."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command.

    Returns:
        The exit code. What went wrong has been said on standard error, in one line.
    """
    try:
        code = rbtrace.main(arguments, prog_name="rbtrace", standalone_mode=False)
        sys.stdout.flush()
    except Exception as problem:  # noqa: BLE001 - users get no traceback
        return _exit_code(problem)
    except KeyboardInterrupt:
        return exit_code_of_interrupt()
    return code if isinstance(code, int) else EXIT_GOOD


def _exit_code(problem: Exception) -> int:
    """Say what went wrong, and give the exit code for it."""
    match problem:
        case click.exceptions.Exit():
            return problem.exit_code
        case click.ClickException():
            problem.show()
            return problem.exit_code
        case RbtraceError():
            _say_error(str(problem))
            return problem.exit_code
        case click.Abort():
            return exit_code_of_interrupt()
        case BrokenPipeError():
            # The reader has seen enough. Without this Python complains once more as it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_GOOD
        case _:
            return _say_bug(problem)


def _say_error(message: str) -> None:
    click.echo(f"rbtrace: error: {' '.join(message.split())}", err=True)


def _say_bug(problem: Exception) -> int:
    if os.environ.get(_DEBUG, "0") not in {"", "0"}:
        traceback.print_exception(problem)
    _say_error(f"{type(problem).__name__}: {problem} ({_REPORT})")
    return EXIT_BUG
