"""The rows that a query of the SQL console gave, and the files they are taken away in. Nothing is read or written."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query, at most as many as the limits allow; `is_truncated`: there would be more."""

    table: Any  # pyarrow.Table, which has no types
    elapsed_ms: int
    is_truncated: bool
    as_of: datetime

    @property
    def columns(self) -> list[str]:
        return list(self.table.column_names)

    @property
    def numeric(self) -> list[str]:
        """Return the columns a chart can measure."""
        return [entry.name for entry in self.table.schema if _is_number(entry.type)]

    @property
    def temporal(self) -> list[str]:
        return [entry.name for entry in self.table.schema if pa.types.is_temporal(entry.type)]

    @property
    def row_count(self) -> int:
        return int(self.table.num_rows)

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the rows as Python values; money is Decimal."""
        return list(zip(*(column.to_pylist() for column in self.table.columns), strict=True))

    def csv(self) -> bytes:
        """Return the rows as CSV in UTF-8: NULL is empty, lists and structs are JSON."""
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(self.columns)
        writer.writerows([_cell(value) for value in row] for row in self.rows())
        return out.getvalue().encode()

    def parquet(self) -> bytes:
        """Return the rows as Parquet with their types; what Parquet cannot hold, such as an empty struct, as JSON."""
        out = io.BytesIO()
        try:
            pq.write_table(self.table, out, compression="zstd")
        except pa.ArrowNotImplementedError:
            out = io.BytesIO()
            columns = [
                pa.array([_cell(value) for value in column.to_pylist()], pa.string())
                if pa.types.is_nested(column.type)
                else column
                for column in self.table.columns
            ]
            pq.write_table(pa.table(columns, names=self.columns), out, compression="zstd")
        return out.getvalue()


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value
