"""What a tool call changed in a file, as a path and a unified diff. Pure."""

import json
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

from core.text import storable

CHANGES = ("Edit", "Write")
LONGEST = 200_000  # characters of a diff or an input that are kept
LONGEST_RESULT = 20_000
_PATHS = ("file_path", "path", "notebook_path")


def shortened(text: str, limit: int) -> str:
    text = storable(text)
    return text if len(text) <= limit else f"{text[:limit]}\n… {len(text) - limit:,} characters more"


def relative(path: object, folder: str) -> str:
    """Return the path as it reads from the folder."""
    if not isinstance(path, str) or not folder:
        return str(path)
    for base in (Path(folder), Path(folder).resolve()):
        if Path(path).is_relative_to(base):
            return str(Path(path).relative_to(base)) or "."
    return path


def presented(given: Mapping[str, Any], folder: str) -> str:
    """Return an input as JSON for people: paths in the folder read from there."""
    shown = {name: relative(value, folder) if name in _PATHS else value for name, value in given.items()}
    return shortened(json.dumps(shown, ensure_ascii=False), LONGEST)


def diff_of_input(tool: str, given: Mapping[str, Any]) -> str:
    """Return what the call would change, as far as its input says: an edit's old and new text, a file's whole text."""
    old, new = given.get("old_string"), given.get("new_string")
    if tool == "Write":
        old, new = "", given.get("content")
    if not isinstance(old, str) or not isinstance(new, str):
        return ""
    lines = unified_diff(_lines(old), _lines(new), n=2, lineterm="")
    return "\n".join(list(lines)[2:])  # without the names of files, which are not there


def change(tool: str, given: Mapping[str, Any], told: object, folder: str) -> tuple[str, str] | None:
    """Return path and diff of a call that succeeded, or None where it changed no file.

    `told` is what the program says of an edit: hunks with line numbers. It says nothing of a sub-agent's.
    """
    if tool not in CHANGES:
        return None
    hunks = told.get("structuredPatch") if isinstance(told, dict) else None
    diff = _joined(hunks) if isinstance(hunks, list) and hunks else diff_of_input(tool, given)
    return relative(given.get("file_path"), folder), shortened(diff, LONGEST)


def _lines(text: str) -> list[str]:
    return text.splitlines()


def _joined(hunks: Sequence[Any]) -> str:
    parts: list[str] = []
    for hunk in hunks:
        match hunk:
            case {"oldStart": a, "oldLines": b, "newStart": c, "newLines": d, "lines": list(lines)}:
                parts += [f"@@ -{a},{b} +{c},{d} @@", *map(str, lines)]
            case _:
                pass
    return "\n".join(parts)
