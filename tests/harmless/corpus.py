"""The table of programs."""

from __future__ import annotations

from typing import Final

from tests.harmless import (
    corpus_language,
    corpus_processes,
    corpus_signals,
    corpus_surroundings,
)
from tests.harmless.program import Program

PROGRAMS: Final[tuple[Program, ...]] = (
    *corpus_processes.PROGRAMS,
    *corpus_signals.PROGRAMS,
    *corpus_language.PROGRAMS,
    *corpus_surroundings.PROGRAMS,
)
