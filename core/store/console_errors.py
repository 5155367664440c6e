"""Why a query of the SQL console gave no answer, in words for the person who wrote it."""

import re

from core.errors import SwitchboardError

_CARET = re.compile(r"\n\nLINE (\d+): (?P<line>[^\n]*)\n(?P<caret> *\^+)")


class QueryFailed(SwitchboardError):
    """A query gave no answer. `excerpt` is its line with a caret below the place, where DuckDB names one."""

    def __init__(self, message: str, *, excerpt: str | None = None) -> None:
        super().__init__(message)
        self.excerpt = excerpt


def too_much_memory(memory_mb: int) -> str:
    return (
        f"The query needs more memory than the {memory_mb} MB it may use. Select fewer columns or rows, or "
        "aggregate before you sort or join."
    )


def failure(kind: str, text: str, *, memory_mb: int) -> QueryFailed:
    """Return what DuckDB said, in words for the person who wrote the query: no prefix, no advice about settings."""
    if kind == "Refused":
        return QueryFailed(text)
    if kind in ("OutOfMemoryException", "MemoryError", "ArrowMemoryError") or "failed to allocate" in text:
        return QueryFailed(too_much_memory(memory_mb))
    if "file system operations are disabled" in text or kind in ("PermissionException", "IOException", "HTTPException"):
        return QueryFailed("Files, the network and extensions are out of reach here: a query reads the log only.")
    if "read-only" in text:
        return QueryFailed("Nothing can be changed here: a query reads a copy of the log.")
    if "configuration has been locked" in text:
        return QueryFailed("Settings cannot be changed here.")
    place = _CARET.search(text)
    indent = len(f"LINE {place.group(1)}: ") if place else 0  # the caret stands below "LINE n: …"
    excerpt = f"{place.group('line')}\n{place.group('caret')[indent:]}" if place else None
    message = _CARET.split(text)[0].split("\n\nLINE ")[0].strip()
    message = re.sub(r"^[A-Z][\w ]* Error: ", "", message)
    message = re.sub(r'\nDid you mean "pg_\w+"\?', "", message)
    message = re.sub(r' Use "?SET .*', "", re.sub(r"\s*\n\s*", " ", message))
    where = f" (line {place.group(1)})" if place and place.group(1) != "1" else ""
    message = message[:1].upper() + message[1:]
    if not message.endswith((".", "!", "?")):
        message += "."
    return QueryFailed(message[:600] + where, excerpt=excerpt)
