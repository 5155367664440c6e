"""Write docs/providers.md from the tables that the tests read: python -m docs.providers_page

What is handled for whom stands in one place, tests/wire/. A test compares the page with what this makes.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from core.types import Usage
from tests.wire import chat, chat_usage, messages
from tests.wire.case import ANYBODY, SYNTHETIC, Answer, Refusal
from tests.wire.refusals import REFUSALS

Case = TypeVar("Case", Answer, Refusal)
PAGE = Path(__file__).with_name("providers.md")
_HEAD = """# What providers send

Each row is a test: the bytes of the case are read, and what has to come of them is compared. "Seen in" names the issue
or the vendor's document it was read in on 24 November 2026; "synthetic" is what nobody was found to send, but somebody
might. Nothing of it was tried against a paid account. This page is made from `tests/wire/` by `docs/providers_page.py`;
edit those.

{count} cases, {seen} of them seen.

A complete answer is one with a finish reason. Everything else keeps its text and says what happened. An error's kind
decides what follows: `rate_limit`, `overloaded`, `server_error`, `timeout` and `network` are tried again and then
elsewhere, `quota` elsewhere at once, the others are final. A refusal that names `stream_options`, a temperature,
thinking or a limit above the model's is answered once without it (`core/runners/refusals.py`).
"""


def page() -> str:
    """Return the page's Markdown."""
    answers = [*chat.ANSWERS, *chat_usage.USAGES]
    cases: list[Answer | Refusal] = [*answers, *messages.ANSWERS, *REFUSALS]
    parts = [_HEAD.format(count=len(cases), seen=sum(case.seen != SYNTHETIC for case in cases))]
    parts += ["## Answers in chat completions\n", *_answers(answers)]
    parts += ["## Answers in the Messages protocol\n", *_answers(messages.ANSWERS)]
    parts += ["## Refusals\n", *_refusals(REFUSALS)]
    return "\n".join(parts) + "\n"


def _answers(cases: Iterable[Answer]) -> Iterator[str]:
    yield "| Whose | What comes | What is made of it | Seen in |\n|--|--|--|--|"
    for case in _by_owner(cases):
        yield f"| {case.whose} | {_cell(case.name)} | {_outcome(case)} | {_place(case.seen)} |"
    yield ""


def _refusals(cases: Iterable[Refusal]) -> Iterator[str]:
    yield "| Whose | Status | What comes | Kind | Seen in |\n|--|--|--|--|--|"
    for case in _by_owner(cases):
        yield f"| {case.whose} | {case.status} | {_cell(case.name)} | `{case.kind}` | {_place(case.seen)} |"
    yield ""


def _by_owner(cases: Iterable[Case]) -> list[Case]:
    """Return the named owners in the order of the alphabet, then what is anybody's; within one as the table has it."""
    return sorted(cases, key=lambda case: (case.whose == ANYBODY, case.whose.lower()))


def _outcome(case: Answer) -> str:
    parts = ["text" if case.text.strip() else "", "thoughts" if case.reasoning else "", _tokens(case.usage)]
    parts += [f"`{case.finish}`" if case.finish else "", f"error `{case.kind}`" if case.kind else ""]
    parts += ["a notice" if case.notices else ""]
    return ", ".join(filter(None, parts))


def _tokens(usage: Usage | None) -> str:
    if usage is None:
        return ""
    known = ["?" if number is None else str(number) for number in (usage.input_tokens, usage.output_tokens)]
    return " → ".join(known) + " tokens"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<")


def _place(seen: str) -> str:
    name, mark, number = seen.partition("#")
    return f"[{seen}](https://github.com/{name}/issues/{number})" if mark and number.isdigit() else seen


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
