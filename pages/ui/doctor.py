"""What the doctor found, step by step, and its fixes in words. It changes nothing."""

import re

import streamlit as st

from core.diagnosis import Diagnosis, Fix, MoveTo, Outcome, UseModel
from core.runners import RUNNERS
from core.types import Provider
from pages.ui.figures import duration
from pages.ui.safe import literal

_ADDRESS = re.compile(r"(https?://[^\s`]+[^\s`.,:])")
_ICONS = {
    Outcome.OK: ":green[:material/check_circle:]",
    Outcome.DOUBTFUL: ":orange[:material/error:]",
    Outcome.FAILED: ":red[:material/cancel:]",
    Outcome.SKIPPED: ":gray[:material/remove:]",
}


def show_diagnosis(found: Diagnosis) -> None:
    """Draw each step with its time and what was seen: lines, since a table would not fit a phone."""
    with st.container(gap="xsmall"):
        for finding in found.findings:
            took = f" ({duration(finding.took_ms)})" if finding.took_ms is not None else ""
            st.markdown(f"{_ICONS[finding.outcome]} **{finding.step.value}**{took}: {_linkless(finding.words)}")


def _linkless(words: str) -> str:
    """Return the words as they are, addresses as code: Streamlit makes a link of any other."""
    parts = _ADDRESS.split(words)
    return "".join(f"`{part}`" if number % 2 else literal(part) for number, part in enumerate(parts))


def fix_label(fix: Fix) -> str:
    match fix:
        case MoveTo():
            return "Use this address"
        case UseModel(model, is_new):
            return f"{'Add' if is_new else 'Use'} {literal(model.name)}"


def fix_words(provider: Provider, fix: Fix) -> str:
    """Say what a fix would change, as Markdown."""
    match fix:
        case MoveTo(protocol, base_url):
            words = f"It answers there: base URL `{provider.base_url}` → `{base_url}`"
            if protocol != provider.protocol:
                words += f", protocol → {literal(RUNNERS[protocol].label)}"
            return words
        case UseModel(model, is_new):
            verb = "is in the provider's list: add it and" if is_new else "is in the provider's list:"
            return f"`{model.id}` {verb} make it the default"
