"""The popover beside the model selector: how the next answers are asked for, and what of it this model is not told."""

from dataclasses import dataclass, replace

import streamlit as st

from core.errors import SwitchboardError
from core.runners.parameters import OUTPUT_LIMIT, TEMPERATURE_LIMIT, Takes, fit, nearest, takes
from core.types import UNSET, AnswerSettings, ChatRequest, Choice, Conversation, Refusal, Route, Thinking
from core.workbench import Workbench
from pages.ui.safe import literal
from pages.ui.session import is_shown, session, show, shown

_LEVELS = {level: level.value.capitalize() for level in Thinking}
_SWITCH = {Thinking.OFF: "Off", Thinking.MEDIUM: "On"}
_UNSAID = "As the model does by itself"


def answer_settings(workbench: Workbench, conversation: Conversation | None, choice: Choice) -> AnswerSettings:
    """Draw the popover, keep what was changed in it, and return the settings the next message is sent with."""
    tab = session()
    stored = conversation.settings if conversation else tab.draft_settings
    route = workbench.turns.preview(choice, project_id=conversation.project_id if conversation else tab.project_id)
    if isinstance(route, Refusal):
        st.popover(":material/tune:", disabled=True, help="Nobody can answer yet.", key="settings-off")
        return stored
    fields = _Fields(conversation.id if conversation else "new", takes(route.provider, route.model))
    chosen = fields.read(stored)
    if chosen != stored:
        try:
            if conversation:
                workbench.turns.tune(conversation.id, chosen)
            else:
                tab.draft_settings = chosen
        except SwitchboardError as error:
            tab.refusal = error.message
            chosen = stored
    with st.popover(_label(route, chosen), key=f"settings-{fields.of}", help="Thinking, temperature and length"):
        fields.draw()
        for note in _notes(route, chosen, fields.can):
            st.caption(literal(note))
        if conversation.is_agent if conversation else tab.draft_is_agent:
            st.caption("An agent takes the length, and low, medium or high thinking; the rest does not reach it.")
        if chosen != UNSET:
            st.button("Clear", icon=":material/close:", type="tertiary", key=f"clear-{fields.of}", on_click=fields.fill)
    return chosen


@dataclass(frozen=True, slots=True)
class _Fields:
    """The widgets of one conversation and kind of model. They are read before they are drawn, for their label."""

    of: str
    can: Takes

    @property
    def names(self) -> list[str]:
        named = {"thinking": bool(self.can.thinking), "temperature": self.can.temperature, "max_output_tokens": True}
        return [name for name, is_drawn in named.items() if is_drawn]

    def key(self, name: str) -> str:
        return f"{name}-{self.of}"

    def fill(self, settings: AnswerSettings = UNSET) -> None:
        for name in self.names:
            show(self.key(name), getattr(settings, name))
        if self.can.thinking:
            show(self.key("thinking"), nearest(settings.thinking, self.can))

    def read(self, stored: AnswerSettings) -> AnswerSettings:
        """Return the settings with what the reader changed. Fields that are new, or stale, are filled instead."""
        remembered = session().settings_shown
        if remembered.get(self.of) != (stored, self.can) or not all(is_shown(self.key(n)) for n in self.names):
            self.fill(stored)
            remembered[self.of] = (stored, self.can)
            return stored
        values = {name: shown(self.key(name)) for name in self.names}
        if values.get("thinking") == nearest(stored.thinking, self.can):
            values.pop("thinking", None)  # a switch shows a level as "On": it stays what it is for other models
        chosen = replace(stored, **values)
        remembered[self.of] = (chosen, self.can)
        return chosen

    def draw(self) -> None:
        if self.can.thinking:
            names = _SWITCH if self.can.is_switch else _LEVELS
            st.segmented_control(
                "Thinking",
                self.can.thinking,
                format_func=names.__getitem__,
                key=self.key("thinking"),
                width="stretch",
            )
        if self.can.temperature:
            key = self.key("temperature")
            st.number_input("Temperature", 0.0, TEMPERATURE_LIMIT, None, 0.1, key=key, placeholder=_UNSAID)
        key = self.key("max_output_tokens")
        st.number_input("Longest answer in tokens", 1, OUTPUT_LIMIT, None, 500, key=key, placeholder=_UNSAID)


def _notes(route: Route, chosen: AnswerSettings, can: Takes) -> list[str]:
    """Return what is not sent, or not as it was typed, and why."""
    notes = [f"No {name}: {why}" for name, why in can.why_not.items()]
    most = route.model.max_output_tokens
    if chosen.max_output_tokens and most and chosen.max_output_tokens > most:
        notes.append(f"{route.model.name} writes at most {most:,} tokens, so that is sent.")
    if nearest(chosen.thinking, can) and _sent(route, chosen).thinking is None:
        notes.append("Not enough tokens to think and to answer: no thinking is sent.")
    return notes


def _sent(route: Route, settings: AnswerSettings) -> AnswerSettings:
    return fit(
        route,
        ChatRequest(
            (),
            max_output_tokens=settings.max_output_tokens,
            thinking=settings.thinking,
            temperature=settings.temperature,
        ),
    )


def _label(route: Route, stored: AnswerSettings) -> str:
    """Return what will be sent, short."""
    sent = _sent(route, stored)
    names = _SWITCH if takes(route.provider, route.model).is_switch else _LEVELS
    parts = [
        names[sent.thinking] if sent.thinking else "",
        f"{sent.temperature:g}°" if sent.temperature is not None else "",
        f"≤ {sent.max_output_tokens:,}" if sent.max_output_tokens is not None else "",
    ]
    return f":material/tune: {' · '.join(filter(None, parts))}".strip()
