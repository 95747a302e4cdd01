"""Rows of results as pandas DataFrames: one column per field, times in integer ns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def frame(rows: Sequence[DataclassInstance], row_type: type[DataclassInstance]) -> pd.DataFrame:
    """A frame of rows of one dataclass; its columns are there even when no row is."""
    names = [one.name for one in fields(row_type)]
    columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in rows] for name in names}
    return pd.DataFrame(columns, columns=names)
