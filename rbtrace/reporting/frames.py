"""Rows of results as pandas DataFrames: one column per field, times in integer ns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    import pandas as pd


def frame(rows: Sequence[Struct], row_type: type[Struct]) -> pd.DataFrame:
    """A frame of rows of one type; its columns are there even when no row is."""
    import pandas as pd  # noqa: PLC0415 - importing it takes a second

    names = row_type.__struct_fields__
    columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in rows] for name in names}
    return pd.DataFrame(columns, columns=list(names))
