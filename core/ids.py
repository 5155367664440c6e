"""Ids made here, not in the database: they sort by time, so that rows written together lie together in the file."""

import secrets
import sys
import time

_BITS = 74


def new_id() -> str:
    """Return 32 hex digits that begin with the time in milliseconds (the layout of UUID version 7)."""
    random = secrets.randbits(_BITS)
    value = (time.time_ns() // 1_000_000) << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return f"{value:032x}"


def process_id() -> str:
    """Return this process's own id. A PID would not do: a container gives its first process the same one every time.

    It hangs on `sys` because Streamlit loads our modules anew when a file is edited, in the same process.
    """
    return str(sys.__dict__.setdefault("_switchboard_process_id", new_id()))
