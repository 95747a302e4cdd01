"""The versions that the set-up takes are those of all that the project asks for."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
TESTED = sorted((ROOT / ".ci").glob("tested-*.txt"))

pytestmark = pytest.mark.skipif(not TESTED, reason="not in a source distribution")


def asked_for():
    """Every requirement of the project, but those on itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    lists = [project["project"]["dependencies"], *extras, *project["dependency-groups"].values()]
    found = [Requirement(one) for several in lists for one in several]
    return [one for one in found if one.name != "rbtrace"]


@pytest.mark.parametrize("path", TESTED, ids=lambda path: path.stem)
def test_what_is_asked_for_is_kept_at_a_version_that_will_do(path):
    pairs = (line.split("==") for line in path.read_text().splitlines())
    kept = {canonicalize_name(name): version for name, version in pairs}

    for one in asked_for():
        assert one.specifier.contains(kept[canonicalize_name(one.name)]), one
