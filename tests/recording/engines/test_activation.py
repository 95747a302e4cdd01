"""Tracing by environment alone; off, nothing is imported and nothing is written."""

from __future__ import annotations

import statistics
import subprocess
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

import rbtrace
from rbtrace.errors import SettingError
from rbtrace.recording.engines.imports import AfterImport
from tests.support.environment import uncovered

UNWANTED = ("opentelemetry", "numpy", "pandas", "scipy", "msgspec", "rich", "click")


def imported_by(statement, *options, **variables):
    environment = {k: v for k, v in uncovered().items() if not k.startswith("RBTRACE_")}
    done = subprocess.run(
        [sys.executable, *options, "-c", statement],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr


def test_off_imports_nothing_heavy():
    _, timed = imported_by("import rbtrace; rbtrace.traced; rbtrace.span", "-X", "importtime")
    modules = [line.rpartition("|")[2].strip() for line in timed.splitlines()]
    assert "rbtrace" in modules
    assert not [name for name in modules if name.split(".")[0] in UNWANTED]


def test_off_costs_little_to_import():
    code = "import time; t = time.process_time(); import rbtrace; print(time.process_time() - t)"
    seconds = [float(imported_by(code)[0]) for _ in range(20)]
    assert statistics.median(seconds) < 0.020


def test_on_by_environment_imports_no_opentelemetry_until_it_is_used():
    code = f"import sys; print([m for m in sys.modules if m.split('.')[0] in {UNWANTED!r}])"
    assert imported_by(code, RBTRACE_ENABLED="1")[0].strip() == "[]"


def test_the_start_up_file_is_enough(run_script):
    done = run_script(
        """
        import os
        print("RBTRACE_RUN_ID" in os.environ)
        """,
        RBTRACE_ENABLED="1",
    )
    assert done.printed.strip() == "True"
    assert done.files == []


@pytest.mark.parametrize("value", ["", "0", "false", "off", "no"])
def test_off_stays_off(run_script, value):
    done = run_script(
        """
        import rbtrace
        def work(): pass
        print(rbtrace.traced(work) is work)
        """,
        RBTRACE_ENABLED=value,
    )
    assert done.printed.strip() == "True"


def test_without_the_start_up_file_importing_rbtrace_is_enough(run_script):
    done = run_script(
        """
        import sys
        sys.path[:0] = SITE
        import rbtrace
        with rbtrace.span("run"): pass
        """.replace("SITE", repr([path for path in sys.path if path])),
        launcher=("-S",),
        RBTRACE_ENABLED="1",
    )
    assert [span.name for span in done.spans] == ["run"]


def test_children_inherit_run_id_and_absolute_folder(run_script):
    done = run_script(
        """
        import os, subprocess, sys
        import rbtrace
        with rbtrace.span("parent"): pass
        os.chdir("/")
        subprocess.run([sys.executable, "-c", "import rbtrace\\nwith rbtrace.span('child'): pass"],
                       check=True)
        """,
        RBTRACE_ENABLED="1",
        RBTRACE_DIR="relative",
    )
    from rbtrace.testing import read_spans

    spans = read_spans((done.folder.parent / "relative").rglob("*.otlp.jsonl"))
    assert sorted(span.name for span in spans) == ["child", "parent"]
    assert len({span.resource["rbtrace.run.id"] for span in spans}) == 1


def test_configure_refuses_what_is_not_a_setting():
    with pytest.raises(SettingError, match="colour"):
        rbtrace.configure(colour="red")
    with pytest.raises(SettingError, match="detail"):
        rbtrace.configure(detail="everything")


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = rbtrace.nonsense
    assert set(dir(rbtrace)) >= {"traced", "span", "instrument"}


@pytest.fixture
def watched(tmp_path, monkeypatch):
    (tmp_path / "rbtrace_example.py").write_text("value = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    seen = []
    watch = AfterImport(
        ["rbtrace_example", "rbtrace_missing"], lambda _, module: seen.append(module)
    )
    watch.install()
    yield seen
    watch.remove()
    sys.modules.pop("rbtrace_example", None)


def test_a_watched_module_is_reported_once_it_has_run(watched):
    import rbtrace_example

    assert watched == [rbtrace_example]
    assert rbtrace_example.value == 1
    assert type(rbtrace_example.__loader__).__name__ == "SourceFileLoader"
    assert rbtrace_example.__spec__.loader is rbtrace_example.__loader__


def test_reloading_reports_again(watched):
    import importlib

    import rbtrace_example

    importlib.reload(rbtrace_example)
    assert watched == [rbtrace_example, rbtrace_example]


def test_a_missing_module_stays_missing(watched):
    with pytest.raises(ModuleNotFoundError):
        __import__("rbtrace_missing")
    assert watched == []


def test_a_module_already_imported_is_reported_at_once(watched):
    module = ModuleType("rbtrace_present")
    module.__spec__ = ModuleSpec("rbtrace_present", None)
    sys.modules["rbtrace_present"] = module
    seen = []
    watch = AfterImport(["rbtrace_present"], lambda _, module: seen.append(module))
    watch.install()
    watch.remove()
    watch.remove()
    del sys.modules["rbtrace_present"]
    assert seen == [module]
