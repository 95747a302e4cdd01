"""Settings of any text: said once, replaced by the default, never raised into the program."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rbtrace
from rbtrace.errors import SettingError
from rbtrace.settings import SETTINGS, Settings

WORK = """
    import rbtrace
    with rbtrace.span("x"):
        print("works")
"""


@given(
    st.sampled_from(SETTINGS), st.text() | st.characters(categories=["Cs"]) | st.from_regex("~.*")
)
def test_any_text_is_a_setting_or_a_problem(row, text):
    settings, problems = Settings.read({row.variable: text})
    assert len(problems) <= 1
    assert settings.settled().directory.is_absolute()
    if problems:
        assert getattr(settings, row.field) == getattr(Settings(), row.field)
        assert "\n" not in problems[0]
        with pytest.raises(SettingError, match=row.variable):
            Settings.strict({row.variable: text})


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("RBTRACE_DIR", "~nosuchuser/x"),
        ("RBTRACE_RUN_ID", "x" * 300),
        ("RBTRACE_PAIR", "9" * 3000),
        ("RBTRACE_DETAIL", "everything"),
        ("RBTRACE_PARAMS", "perhaps"),
    ],
)
def test_a_setting_that_cannot_be_costs_one_line(run_script, tmp_path, variable, text):
    ran = run_script(WORK, RBTRACE_ENABLED="1", **{variable: text})
    assert ran.printed == "works\n"
    assert ran.complaints.count("\n") == 1
    assert f"{variable}=" in ran.complaints
    assert "is not understood" in ran.complaints
    assert list(tmp_path.rglob("*.otlp.jsonl"))


@pytest.mark.parametrize("kind", ["empty", "a file", "not text"])
def test_a_folder_of_an_odd_name(run_script, tmp_path, kind):
    (tmp_path / "file").write_text("mine")
    folder = {"empty": "", "a file": str(tmp_path / "file"), "not text": "caf\udce9"}[kind]
    ran = run_script(WORK, RBTRACE_ENABLED="1", RBTRACE_DIR=folder)
    assert ran.printed == "works\n"
    assert (tmp_path / "file").read_text() == "mine"
    written = list(tmp_path.rglob("*.otlp.jsonl"))
    assert len(written) == (0 if kind == "a file" else 1)
    assert ran.complaints.count("\n") == (1 if kind == "a file" else 0)


def test_where_the_working_folder_is_gone_traces_go_elsewhere_and_that_is_said(
    run_script, tmp_path
):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    ran = run_script(
        f"""
        import os
        os.mkdir("gone")
        os.chdir("gone")
        os.rmdir("../gone")
        os.environ.update(RBTRACE_ENABLED="1", RBTRACE_DIR="traces")
        import rbtrace
        with rbtrace.span("x"):
            print("works")
        print(os.listdir({str(tmp_path)!r}).count("gone"))
        """,
        TMPDIR=str(temporary),
    )
    assert ran.printed == "works\n0\n"
    assert ran.complaints.count("rbtrace: warning: the working folder is gone") == 1
    assert len(list(temporary.rglob("*.otlp.jsonl"))) == 1


def test_a_call_with_a_setting_that_cannot_be_says_so():
    for values in ({"directory": "a\0b"}, {"directory": "\ud800"}, {"pair": 2**70}):
        with pytest.raises(SettingError, match="is not understood"):
            rbtrace.configure(**values)


def test_an_empty_folder_means_the_default():
    settings, problems = Settings.read({"RBTRACE_DIR": " "})
    assert (settings.directory, problems) == (Path("rbtrace-out"), [])
    assert Settings().settled().directory == Path.cwd() / "rbtrace-out"
