"""Every program of the corpus is a test: traced, it does what it does untraced."""

from __future__ import annotations

import pytest

from tests.harmless.corpus import PROGRAMS
from tests.harmless.judging import judge
from tests.harmless.runner import PROGRAMS as FOLDER
from tests.harmless.running import Job
from tests.harmless.table import said_in, words
from tests.support.interpreters import OTHERS, THIS

OTHERS_EVERY = 10
"""Of how many runs by this Python one is also by the others, the first included."""


def pytest_generate_tests(metafunc):
    if "job" not in metafunc.fixturenames:
        return
    jobs = [
        Job(program, python, number)
        for number in range(metafunc.config.getoption("--times"))
        for python in (THIS, *(OTHERS if number % OTHERS_EVERY == 0 else ()))
        for program in PROGRAMS
        if python == THIS or not program.needs
    ]
    quick = {program.file: program for program in reversed(PROGRAMS)}
    metafunc.parametrize(
        "job",
        [
            pytest.param(job, id=job.label, marks=() if is_quick(job, quick) else pytest.mark.slow)
            for job in jobs
        ],
    )


def is_quick(job, quick):
    """Whether it is the first run of the first program of a file, which stands for the others."""
    return job.python == THIS and not job.number and quick[job.program.file] is job.program


def test_tracing_changes_nothing(job, finished, unavailable, runs, remarks):
    if reason := unavailable(job):
        if reason not in remarks:
            remarks.append(reason)
        pytest.skip(reason)
    judge(job, finished(job), runs)


def test_every_program_says_what_it_does():
    assert len({program.name for program in PROGRAMS}) == len(PROGRAMS)
    assert [program.name for program in PROGRAMS if not all(words(program))] == []


def test_every_program_is_in_the_table():
    entered = {(program.file, program.function) for program in PROGRAMS}
    files = {program.file for program in PROGRAMS}
    missing = [
        f"{file}.{function}"
        for file in sorted(files)
        for function in said_in(file)
        if (file, function) not in entered and function in runnable(file)
    ]
    assert missing == []


def runnable(file):
    """Functions that a program's last line may be asked for: those of `PROGRAMS` in the file."""
    text = (FOLDER / f"{file}.py").read_text(encoding="utf-8")
    return set(text.rpartition("main(")[2].strip(" )\n").replace(",", " ").split())
