"""One query of the SQL console, in a process of its own that can reach nothing but a snapshot of the log.

The console starts this file as a script: it imports nothing of ours, is given no environment, and lowers its own
limits before it reads the query. After that it can open no file and no connection, write nothing, and use only so much
memory. DuckDB's own switches are the first wall and these the second: they also hold where DuckDB's do not (a text of
2 GB made by `repeat` is in no `memory_limit`, and no interrupt stops it; measured 2026-11-24).
"""

import json
import os
import select
import sys
import time
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, BinaryIO

os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # the usual one reserves a gigabyte at once

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]

BATCH_ROWS = 1000


class _NoPandas:
    """Says that pandas is not there: pyarrow would load it, for 0.3 s, and not use it."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


STARTERS = {
    "SELECT", "WITH", "FROM", "VALUES", "TABLE", "PIVOT", "PIVOT_WIDER", "PIVOT_LONGER", "UNPIVOT", "EXPLAIN",
    "DESCRIBE", "DESC", "SHOW", "SUMMARIZE",
}  # fmt: skip
# What tells about this machine instead of the log, or runs a text as a query.
_HIDDEN = {
    "current_setting", "pg_settings", "pragma_database_list", "which_secret", "json_execute_serialized_sql",
    "pg_conf_load_time", "write_log", "enable_logging", "enable_profiling",
}  # fmt: skip
_HIDDEN_FUNCTIONS = {"query", "query_table"}  # good names for a column
_SHAPES = {
    "duckdb_tables", "duckdb_columns", "duckdb_views", "duckdb_functions", "duckdb_types", "duckdb_keywords",
    "duckdb_constraints", "duckdb_schemas", "duckdb_indexes",
}  # fmt: skip


def main() -> None:
    sys.meta_path.insert(0, _NoPandas)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints does not get into the answer
    if sys.platform != "win32" and not select.select([sys.stdin], [], [], float(sys.argv[1]))[0]:
        return  # started ahead of a query that never came
    asked: dict[str, Any] = json.loads(sys.stdin.buffer.readline() or b"{}")
    if not asked:
        return
    os.chdir(asked["folder"])
    connection = duckdb.connect(
        "log.duckdb",
        read_only=True,
        config={
            "enable_external_access": "false",
            "python_enable_replacements": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": "",
            "memory_limit": f"{asked['memory_mb']}MB",
            "threads": str(asked["threads"]),
            "lock_configuration": "true",
        },
    )
    _lower_limits(asked["process_mb"])
    try:
        _answer(connection, asked, out)
    except (duckdb.Error, Refused, MemoryError, pa.ArrowException, OSError, ValueError, ImportError) as error:
        _send(out, {"error": type(error).__name__, "message": str(error)[:4000]})


class Refused(Exception):
    """A statement that the console does not run."""


def _answer(connection: duckdb.DuckDBPyConnection, asked: dict[str, Any], out: BinaryIO) -> None:
    started = time.perf_counter()
    statements = connection.extract_statements(asked["sql"])
    _check(asked["sql"], statements)
    connection.execute("BEGIN TRANSACTION READ ONLY")
    try:
        reader = connection.sql(statements[0]).to_arrow_reader(BATCH_ROWS)
    except (duckdb.BinderException, duckdb.CatalogException):
        connection.cursor().execute(asked["sql"])  # fails the same way, and names the place
        raise
    batches: list[pa.RecordBatch] = []
    rows_left, bytes_left, is_truncated = asked["rows"], asked["bytes"], False
    for batch in reader:
        kept = batch.slice(0, rows_left)
        while kept.num_rows and kept.nbytes > bytes_left:
            kept = kept.slice(0, kept.num_rows * bytes_left // max(kept.nbytes, 1))
        batches.append(kept)
        rows_left -= kept.num_rows
        bytes_left -= kept.nbytes
        if kept.num_rows < batch.num_rows:
            is_truncated = True
            break
    table = _plain(pa.Table.from_batches(batches, reader.schema))
    elapsed_ms = round((time.perf_counter() - started) * 1000)
    _send(out, {"elapsed_ms": elapsed_ms, "is_truncated": is_truncated})
    with pa.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)
    out.flush()


def _check(sql: str, statements: list[Any]) -> None:
    """Raise Refused for anything but one statement that reads. What slips through meets a read-only file."""
    tokens = [(word, kind) for word, kind in _tokens(sql) if kind != "comment"]
    if not statements:
        raise Refused("Type a query first.")
    if len(statements) > 1:
        raise Refused(f"These are {len(statements)} statements. Run them one by one.")
    # PIVOT is several statements in one: MULTI.
    is_reading = statements[0].type.name in ("SELECT", "EXPLAIN", "MULTI") and _reads([word for word, _ in tokens])
    if not is_reading:
        raise Refused("Only reading is possible here: SELECT, WITH, FROM, PIVOT, EXPLAIN, DESCRIBE, SHOW, SUMMARIZE.")
    for (word, kind), (following, _) in pairwise([*tokens, ("", "")]):
        name = word.strip('"').casefold()
        is_hidden = name in _HIDDEN or (name.startswith("duckdb_") and name not in _SHAPES)
        if kind != "string_const" and (is_hidden or (name in _HIDDEN_FUNCTIONS and following == "(")):
            raise Refused(f"{name} is not available here: a query reads the log only.")


def _reads(words: list[str]) -> bool:
    """Whether the statement begins with a word that reads; after EXPLAIN and its options, the next one too."""
    at = 0
    while at < len(words) and words[at] == "(":
        at += 1
    first = words[at].upper() if at < len(words) else ""
    if first != "EXPLAIN":
        return first in STARTERS
    at += 1
    if words[at : at + 1] == ["("]:
        while at < len(words) and words[at] != ")":
            at += 1
        at += 1
    if at < len(words) and words[at].upper() == "ANALYZE":
        at += 1
    return _reads(words[at:])


def _tokens(sql: str) -> list[tuple[str, str]]:
    """Return the query's tokens with their kinds. DuckDB counts bytes."""
    data = sql.encode()
    found = duckdb.tokenize(sql)
    ends = [start for start, _ in found[1:]] + [len(data)][: len(found)]
    return [
        (data[start:end].decode(errors="replace").strip(), str(kind).rpartition(".")[2])
        for (start, kind), end in zip(found, ends, strict=True)
    ]


def _plain(table: pa.Table) -> pa.Table:
    """Return the table in types that pages, CSV and Parquet take, under names that occur once."""
    names: list[str] = []
    columns: list[pa.ChunkedArray] = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        number = 2
        unique = name
        while unique in names:
            unique, number = f"{name}_{number}", number + 1
        names.append(unique)
        columns.append(_plain_column(column))
    return pa.table(columns, names=names) if names else table


def _plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        column = column.cast(kind.storage_type)
        kind = column.type
    if pa.types.is_decimal(kind) and kind.scale == 0:  # HUGEINT, which every sum of integers is
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:
            return column.cast(pa.string())
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _texts(value.hex() if value is not None else None for value in column.to_pylist())
    if pa.types.is_interval(kind) or pa.types.is_union(kind):
        return _texts(_words(value) for value in column.to_pylist())
    if pa.types.is_timestamp(kind) and kind.tz:
        column = column.cast(pa.timestamp(kind.unit))  # UTC, as every time in the log
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    try:
        column.to_pylist()
    except (OverflowError, ValueError, ImportError):  # infinity, and years that Python does not know
        try:
            return column.cast(pa.string())
        except pa.ArrowException:
            return _texts("out of range" for _ in range(len(column)))
    return column


def _texts(values: Iterable[str | None]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


def _words(value: Any) -> str | None:
    if not isinstance(value, pa.MonthDayNano):
        return None if value is None else str(value)
    parts = ((value.months, "months"), (value.days, "days"), (value.nanoseconds / 1e9, "s"))
    return " ".join(f"{number:g} {unit}" for number, unit in parts if number) or "0 s"


def _send(out: BinaryIO, head: dict[str, Any]) -> None:
    out.write(json.dumps(head).encode() + b"\n")
    out.flush()


def _lower_limits(process_mb: int) -> None:
    try:
        import resource  # POSIX only: elsewhere DuckDB's own switches and the time limit remain
    except ImportError:
        return
    held = 0
    if sys.platform == "linux":
        with open("/proc/self/status", encoding="ascii") as status:
            held = next((int(line.split()[1]) for line in status if line.startswith("VmData:")), 0) * 1024
    pa.array([1]).cast(pa.int64())  # what this loads, it loads while files can still be opened
    most = held + process_mb * 1024 * 1024
    for limit, value in (
        (resource.RLIMIT_DATA, most),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main()
    os._exit(0)  # short of memory, the libraries do not always survive their own end
