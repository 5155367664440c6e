"""Write a query's parameters into its text, so that a person can read it, run it elsewhere and change it."""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any


def with_literals(sql: str, parameters: Sequence[Any]) -> str:
    """Return the text with each `?` outside of quotes and comments replaced by its parameter as a literal."""
    parts = list(_parts(sql))
    places = parts.count("?")
    if places != len(parameters):
        raise ValueError(f"there are {'more' if places < len(parameters) else 'fewer'} parameters than places")
    left = iter(parameters)
    return "".join(literal(next(left)) if part == "?" else part for part in parts)


def literal(value: Any) -> str:
    """Return a value as DuckDB reads it back. Aware times become UTC, as the log keeps them."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            return f"{value:f}"
        case float():
            if not math.isfinite(value):
                return f"CAST('{value}' AS DOUBLE)"
            return repr(value) if "e" in repr(value) else f"{value!r}e0"  # without an exponent it is a decimal
        case datetime():
            moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            return f"TIMESTAMP '{moment.isoformat(' ')}'"
        case str():
            return _text(value)
        case list() | tuple():
            return f"[{', '.join(literal(one) for one in value)}]"
    raise TypeError(f"no literal for {type(value).__name__}")


def _text(value: str) -> str:
    # A NUL ends nothing in DuckDB, but tools that the text is pasted into may stop at it.
    parts = ["'" + part.replace("'", "''") + "'" for part in value.split("\0")]
    return parts[0] if len(parts) == 1 else f"({' || chr(0) || '.join(parts)})"


def _parts(sql: str) -> Iterator[str]:
    """Yield the places of parameters, each alone, and what stands between them."""
    start = at = 0
    while at < len(sql):
        if sql[at] in "'\"":
            at = (sql.find(sql[at], at + 1) + 1) or len(sql)  # a doubled quote only begins the next stretch
        elif sql.startswith("--", at):
            at = (sql.find("\n", at) + 1) or len(sql)
        elif sql[at] == "?":
            yield sql[start:at]
            yield "?"
            at += 1
            start = at
        else:
            at += 1
    yield sql[start:]
