"""Verify: one tiny real request, and what was seen in words."""

from dataclasses import replace

import pytest

import core.verify as verify_module
from core.errors import ErrorKind, ProviderError
from core.events import Completed, ReasoningDelta, TextDelta, UsageReport
from core.types import Candidate, ChatMessage, Check, FinishReason, Model, Provider, Role, Usage
from core.verify import VERIFY_TOKENS, verify
from core.workbench import Workbench
from tests.conftest import Gate, Scripted, Step


@pytest.fixture
def found(workbench: Workbench, provider: Provider) -> Candidate:
    return next(found for found in workbench.providers.candidates() if found.provider.id == provider.id)


def check(workbench: Workbench, candidate: Candidate, model: Model | None = None) -> Check:
    return workbench.engine.run(verify(candidate, workbench.engine, model=model), timeout_s=10)


@pytest.mark.parametrize(
    "steps",
    [
        [TextDelta("OK"), Completed(Usage(5, 1))],
        [ReasoningDelta("The user wants"), Completed(finish_reason=FinishReason.LENGTH)],
    ],
    ids=["text", "only thoughts"],
)
def test_an_answer_is_a_pass_with_its_times(
    workbench: Workbench, scripted: Scripted, found: Candidate, steps: list[Step]
) -> None:
    scripted.play(*steps)
    seen = check(workbench, found)
    assert (seen.is_ok, seen.message) == (True, "Alpha answered.")
    assert seen.latency_ms is not None
    assert seen.ttft_ms is not None
    assert 0 <= seen.ttft_ms <= seen.latency_ms
    assert scripted.ended == 1


def test_an_empty_answer_cut_by_length_is_a_pass(workbench: Workbench, scripted: Scripted, found: Candidate) -> None:
    scripted.play(UsageReport(Usage(5, 16)), Completed(finish_reason=FinishReason.LENGTH))
    seen = check(workbench, found)
    assert (seen.is_ok, seen.ttft_ms) == (True, None)
    assert seen.latency_ms is not None


def test_the_request_is_tiny_and_goes_to_the_model_asked_for_or_the_default(
    workbench: Workbench, scripted: Scripted, found: Candidate
) -> None:
    alpha, beta = found.models
    no_default = replace(found, models=(replace(beta, is_default=False),))
    for candidate, model, asked in (
        (found, None, alpha),
        (found, beta, beta),
        (no_default, None, no_default.models[0]),
    ):
        assert check(workbench, candidate, model).is_ok
        route, request = scripted.asked[-1]
        assert (route.model, route.key) == (asked, candidate.key)
        assert request.max_output_tokens == VERIFY_TOKENS == 16
        assert [message.role for message in request.messages] == [Role.USER]
        assert isinstance(request.messages[0], ChatMessage)


def test_a_missing_key_and_missing_models_are_answers_of_their_own(
    workbench: Workbench, scripted: Scripted, found: Candidate
) -> None:
    locked = replace(found, provider=replace(found.provider, requires_key=True))
    for candidate, words in (
        (locked, "No API key"),
        (replace(locked, key_problem="The stored key is lost."), "The stored key is lost."),
        (replace(found, models=()), "No models"),
    ):
        seen = check(workbench, candidate)
        assert (seen.is_ok, seen.latency_ms) == (False, None)
        assert words in seen.message
    assert not scripted.asked


@pytest.mark.parametrize("text", ["", "OK"])
def test_a_failure_is_told_in_its_own_words_with_its_latency(
    workbench: Workbench, scripted: Scripted, found: Candidate, text: str
) -> None:
    scripted.play(*([TextDelta(text)] if text else []), ProviderError(ErrorKind.AUTH, "Stage refused the key."))
    seen = check(workbench, found)
    assert (seen.is_ok, seen.message) == (False, "Stage refused the key.")
    assert seen.latency_ms is not None


def test_a_stream_without_an_end_is_a_failure_and_does_not_say_answered(
    workbench: Workbench, scripted: Scripted, found: Candidate
) -> None:
    scripted.play(TextDelta("O"))
    seen = check(workbench, found)
    assert not seen.is_ok
    assert "broke off" in seen.message
    assert "answered." not in seen.message


def test_nobody_waits_longer_than_the_limit(
    workbench: Workbench, scripted: Scripted, found: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_module, "VERIFY_TIMEOUT_S", 0.2)
    scripted.play(TextDelta("O"), Gate())
    seen = check(workbench, found)
    assert not seen.is_ok
    assert "Stage did not finish within 0.2 s" in seen.message
    assert scripted.ended == 1


def test_a_check_is_no_turn_and_leaves_no_message(workbench: Workbench, scripted: Scripted, found: Candidate) -> None:
    check(workbench, found)
    assert workbench.store.conversations.recent() == []
