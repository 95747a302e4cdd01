"""Rows of results as pandas DataFrames: one column per field, times in integer ns.

The type of a field settles the dtype of its column, also where there are no rows: what may be
unknown is `Int64` if whole, NaN if not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, get_type_hints

from msgspec import Struct

if TYPE_CHECKING:
    import pandas as pd

_DTYPES: Final[dict[Any, str]] = {
    int: "int64",
    float: "float64",
    int | None: "Int64",
    float | None: "float64",
}
"""Texts and lists are objects."""


def frame(rows: Sequence[Struct], row_type: type[Struct]) -> pd.DataFrame:
    """A frame of rows of one type; its columns are there even when no row is."""
    import pandas as pd  # noqa: PLC0415 - importing it takes a second

    return pd.DataFrame(
        {
            name: pd.Series([getattr(row, name) for row in rows], dtype=_DTYPES.get(kind, "object"))
            for name, kind in get_type_hints(row_type).items()
        }
    )
