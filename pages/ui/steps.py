"""Draw what an agent did: a timeline of its steps between the text, and the files that it changed. Live and stored."""

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.runners.agent_changes import diff_of_input
from core.types import Decision, Step, StepStatus
from pages.ui.figures import count, duration, money
from pages.ui.long_text import draw_text
from pages.ui.safe import literal, visible

SHOWN = 4_000  # characters of an input, a result or a diff on the page; the log has them whole
DETAILED = 5  # of the steps of a running turn, the last: all of it is drawn again with every word that comes
_STATES: dict[StepStatus, Any] = {StepStatus.RUNNING: "running", StepStatus.DONE: "complete"}
_ENDINGS = {StepStatus.FAILED: "failed", StepStatus.DENIED: "not allowed", StepStatus.STOPPED: "stopped"}
_DECISIONS = {
    Decision.ONCE: "you allowed it",
    Decision.ALWAYS: "you allowed it for this project",
    Decision.DENY: "you did not allow it",
    Decision.TIMED_OUT: "nobody answered whether it may",
}
_WORDS = {
    "Read": "Read",
    "Glob": "Look for files",
    "Grep": "Search",
    "Edit": "Edit",
    "Write": "Write",
    "Agent": "Sub-agent",
    "WebFetch": "Fetch",
    "WebSearch": "Search the web",
}
_TELLING = ("file_path", "path", "pattern", "description", "url", "query")


def draw_work(text: str, steps: Sequence[Step], *, key: str, is_growing: bool = False) -> bool:
    """Draw text and steps in the order they came; return whether it ends in text."""
    children: dict[str | None, list[Step]] = {}
    known = {step.id for step in steps}
    for step in steps:
        children.setdefault(step.parent_id if step.parent_id in known else None, []).append(step)
    detailed = {step.id for step in (steps[-DETAILED:] if is_growing else steps)}
    at = 0
    for offset, group in groupby(children.get(None, []), key=lambda step: min(step.text_offset, len(text))):
        if text[at:offset].strip():
            draw_text(text[at:offset].strip("\n"), key=f"{key}-{at}")
        for step in group:
            _draw_step(None, step, children, detailed)
        at = max(at, offset)
    rest = text[at:].lstrip("\n") if at else text
    draw_text(rest, key=f"{key}-{at}" if at else key, is_growing=is_growing)
    return bool(rest.strip())


def _draw_step(
    parent: DeltaGenerator | None, step: Step, children: dict[str | None, list[Step]], detailed: set[str]
) -> None:
    make = parent.status if parent else st.status
    # Not as a context manager: that would call it complete at its end.
    box = make(_label(step), type="step", state=_STATES.get(step.status, "error"))
    is_detailed = step.id in detailed
    if is_detailed:
        body, language = (_shown(step.diff), "diff") if step.diff else input_view(step.tool, step.input_json)
        box.code(body, language=language, wrap_lines=True)
    for child in children.get(step.id, []):
        _draw_step(box, child, children, detailed)
    if is_detailed and step.result and not (step.diff and step.status is StepStatus.DONE):
        box.code(_shown(step.result), language=None, wrap_lines=True)
    box.caption(_figures(step))


def title(tool: str, given: dict[str, Any], path: str | None = None) -> str:
    """Return what a call is about, as Markdown for a label."""
    words = _WORDS.get(tool)
    if words is None:
        server, _, name = tool.removeprefix("mcp__").partition("__")
        words = f"{name} of {server}" if tool.startswith("mcp__") and name else tool
    about = path or next((str(given[name]) for name in _TELLING if isinstance(given.get(name), str)), "")
    about = " ".join(about.split())
    if tool in ("Read", "Edit", "Write") and len(about) > 60:
        about = f"…{about[-60:]}"
    about = about if len(about) <= 80 else f"{about[:80]}…"
    return f"**{literal(words)}** {literal(about)}".strip()


def arguments(input_json: str) -> dict[str, Any]:
    """Return the input of a call; of one that was cut because it is very long, nothing."""
    try:
        found = json.loads(input_json)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def input_view(tool: str, input_json: str) -> tuple[str, str | None]:
    """Return an input as people read it, and its language: what would change, or the arguments."""
    given = arguments(input_json)
    if diff := diff_of_input(tool, given):
        return _shown(diff), "diff"
    return _shown(json.dumps(given, indent=2, ensure_ascii=False) if given else input_json), "json"


def draw_changes(steps: Sequence[Step]) -> None:
    """Draw the files that were changed, each with all its diffs."""
    by_path: dict[str, list[str]] = {}
    for step in steps:
        if step.path and step.diff is not None and step.status is StepStatus.DONE:
            by_path.setdefault(step.path, []).append(step.diff)
    if not by_path:
        return
    number = "1 file changed" if len(by_path) == 1 else f"{len(by_path)} files changed"
    lines = [line for diffs in by_path.values() for diff in diffs for line in diff.splitlines()]
    with st.expander(f"{number} {_plus_minus(lines)}", icon=":material/difference:"):
        for path, diffs in by_path.items():
            own = [line for diff in diffs for line in diff.splitlines()]
            st.markdown(f"**{literal(path)}** {_plus_minus(own)}")
            st.code(_shown("\n".join(diffs)), language="diff", wrap_lines=True)


def _plus_minus(lines: Sequence[str]) -> str:
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    return f":green[+{added}] :red[−{removed}]"


def _label(step: Step) -> str:
    label = title(step.tool, arguments(step.input_json), step.path)
    ending = _ENDINGS.get(step.status)
    return f"{label} · {ending}" if ending else label


def _figures(step: Step) -> str:
    parts = ["at work" if step.status is StepStatus.RUNNING else duration(step.duration_ms)]
    if step.decision:
        parts.append(_DECISIONS[step.decision])
    if step.input_tokens is not None:
        parts.append(f"{count(step.input_tokens)} → {count(step.output_tokens)} tokens")
    if step.cost_usd is not None:
        parts.append(literal(money(step.cost_usd)))
    return " · ".join(parts)


def _shown(text: str) -> str:
    text = visible(text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n… {len(text) - SHOWN:,} characters more"
