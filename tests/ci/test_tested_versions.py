"""The versions that the set-up takes are those of all that the project asks for."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.interpreters import OTHERS, kept_versions

ROOT = Path(__file__).parents[2]
FULL = ROOT / ".ci" / "tested-3.12.txt"

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="not in a source distribution")


def required(*, core_only=False):
    """Every requirement of the project, but those on itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    lists = [project["project"]["dependencies"], extras["otlp"]]
    if not core_only:
        lists += [*extras.values(), *project["dependency-groups"].values()]
    requirements = [Requirement(text) for texts in lists for text in texts]
    return [requirement for requirement in requirements if requirement.name != "rbtrace"]


@pytest.mark.parametrize(
    ("path", "requirements"),
    [(FULL, required()), *((kept_versions(other), required(core_only=True)) for other in OTHERS)],
    ids=lambda value: getattr(value, "stem", ""),
)
def test_what_is_required_is_kept_at_a_version_that_will_do(path, requirements):
    pairs = (line.split("==") for line in path.read_text().splitlines())
    kept = {canonicalize_name(name): version for name, version in pairs}

    for requirement in requirements:
        version = kept[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement
