"""What programs import stays as it is: names, parameters, columns of the frames."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import rbtrace
from tests.goldens import keeping
from tests.goldens.running import lay_out

MODULES = ("rbtrace", "rbtrace.testing", "rbtrace.statistics", "rbtrace.evaluation")
NAMED_IN_DOCS = {
    "rbtrace.profiling": (
        "ProfileContext", "generate_flame_graph", "profile_lines", "profile_memory",
    ),
    "rbtrace.optimization.multi_fidelity": ("MultiFidelitySearch",),
}  # fmt: skip


def parameters(value: Any) -> str:
    """Names, kinds and defaults, without annotations."""
    if not callable(value):
        return f" is a {type(value).__name__}"
    try:
        signature = inspect.signature(value)
    except ValueError:
        return " of no signature"
    plain = [one.replace(annotation=one.empty) for one in signature.parameters.values()]
    return str(signature.replace(parameters=plain, return_annotation=signature.empty))


def names() -> Iterator[str]:
    exported = {module: sorted(import_module(module).__all__) for module in MODULES}
    for module, listed in {**exported, **NAMED_IN_DOCS}.items():
        for name in listed:
            value = getattr(import_module(module), name)
            yield f"{module}.{name}{'' if name == '__version__' else parameters(value)}"
            if inspect.isclass(value):
                yield from (f"  {one}" for one in vars(value) if not one.startswith("_"))


def attributes(found: Any) -> Iterator[str]:
    """Attributes of a result; of those that are frames, columns and dtypes."""
    yield repr(found)
    for name in dir(found):
        if not name.startswith("_"):
            value = getattr(found, name)
            yield f"  {name}{parameters(value) if callable(value) else ''}"
            yield from (
                f"    {column}: {kind}" for column, kind in getattr(value, "dtypes", {}).items()
            )


@pytest.mark.engine
@pytest.mark.filterwarnings("ignore")
def test_the_names_of_the_library_are_what_is_kept(request: pytest.FixtureRequest) -> None:
    require("library/names.txt", names(), request)


def test_the_results_in_python_are_what_is_kept(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = lay_out(tmp_path)
    found = rbtrace.analyze(folder / "search")
    compared = rbtrace.compare(folder / "arms" / "before", folder / "arms" / "slower")
    require("library/results.txt", [*attributes(found), *attributes(compared)], request)


def require(name: str, lines: Any, request: pytest.FixtureRequest) -> None:
    content = "".join(f"{line}\n" for line in lines).encode()
    if request.config.getoption("--record-goldens"):
        keeping.keep(name, content)
    keeping.require_same(name, content)
