"""Every case of the tables is read as it says."""

import re

import pytest

from core.errors import ErrorKind
from core.runners.anthropic_events import MessagesAnswer
from core.runners.failures import Failures
from core.runners.openai_chunks import ChatAnswer
from core.types import Usage
from tests.core.runners.support import make_route, read_bytes
from tests.wire import chat, chat_usage, messages
from tests.wire.case import SYNTHETIC, Answer, Refusal
from tests.wire.refusals import REFUSALS

CHAT = [*chat.ANSWERS, *chat_usage.USAGES]
K = ErrorKind


def check(case: Answer, answer: type[ChatAnswer] | type[MessagesAnswer]) -> None:
    outcome = read_bytes(answer, case.body, content_type=case.content_type)
    assert (outcome.text, outcome.reasoning, outcome.kind) == (case.text, case.reasoning, case.kind)
    assert (outcome.finish, len(outcome.notices), outcome.usage) == (case.finish, case.notices, case.usage)
    if case.kind is None:
        assert outcome.completed is not None and outcome.final_usage == (case.usage or Usage())
        word = case.name.removeprefix("ends with ")
        assert word == case.name or outcome.completed.raw_finish_reason == word
    else:
        assert outcome.error is not None and "Acme AI" in outcome.error.message


@pytest.mark.parametrize("case", CHAT, ids=lambda case: f"{case.whose}: {case.name}")
def test_chat_completions_are_read_as_the_table_says(case: Answer) -> None:
    check(case, ChatAnswer)


@pytest.mark.parametrize("case", messages.ANSWERS, ids=lambda case: f"{case.whose}: {case.name}")
def test_messages_are_read_as_the_table_says(case: Answer) -> None:
    check(case, MessagesAnswer)


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: f"{case.kind.value} {case.status} {case.whose} {case.name}")
def test_an_error_answer_has_its_kind_and_says_whose_it_is(case: Refusal) -> None:
    error = Failures(make_route()).refused(case.body, status=case.status, headers={})
    assert error.kind is case.kind
    assert "Acme AI" in error.message and error.message.endswith(".")
    assert error.http_status == case.status
    assert error.detail is not None and error.detail.startswith(str(case.status))


def test_every_kind_that_a_provider_can_cause_is_in_the_table() -> None:
    ours = {K.NETWORK, K.INTERRUPTED, K.MALFORMED, K.REDIRECT_BLOCKED, K.EMPTY, K.CANCELLED, K.BUDGET, K.INTERNAL}
    assert {case.kind for case in REFUSALS} == set(ErrorKind) - ours


def test_there_are_enough_cases_and_each_says_where_it_was_seen() -> None:
    cases: list[Answer | Refusal] = [*CHAT, *messages.ANSWERS, *REFUSALS]
    assert len(cases) >= 150
    place = re.compile(r"[\w.-]+/[\w.-]+#\d+|[\w.-]+\.\w+(?:/[\w./-]+)?(?: [\w. ]+)?")
    assert not [case for case in cases if case.seen != SYNTHETIC and not place.fullmatch(case.seen)]
    assert len({(case.whose, case.name, type(case), case.kind) for case in cases}) > 0.9 * len(cases)
