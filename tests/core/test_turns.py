"""A turn from prompt to finished log row: it belongs to the server, ends once, and is logged once."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

import pytest

from core.config import ROOT, Config
from core.errors import ErrorKind, InvalidInput, ProviderError, TurnRefused
from core.events import (
    Completed,
    FlagLearned,
    Notice,
    ReasoningDelta,
    TextConfirmed,
    TextDelta,
    ToolCall,
    UsageReport,
)
from core.live import LiveTurn
from core.projects import DEFAULT_PROJECT_ID, ProjectForm
from core.providers import ProviderForm
from core.runners import RUNNERS, ProtocolSpec, Timeouts
from core.types import (
    AUTOMATIC,
    Attempt,
    ChatMessage,
    ChatRequest,
    Choice,
    CostSource,
    FinishReason,
    Message,
    Model,
    Provider,
    ProviderFlag,
    Refusal,
    Role,
    Route,
    Status,
    Usage,
)
from core.workbench import Workbench
from tests.conftest import Gate, Scripted, Step, add_scripted, finished, send, stored, wait_until

DONE = Completed(Usage(1_000, 500), FinishReason.STOP, "end", "alpha-2026", "req-1")


def attempts(workbench: Workbench) -> list[Attempt]:
    return workbench.store.attempts.recent()


def live(workbench: Workbench, conversation_id: str) -> LiveTurn:
    turn = workbench.engine.live(conversation_id)
    assert turn is not None
    return turn


def row_counts(workbench: Workbench) -> list[int]:
    with workbench.store.log.read() as cursor:
        return [
            cursor.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
            for table in ("conversations", "messages", "attempts", "reply_chunks")
        ]


def tick(workbench: Workbench) -> None:
    """Return when the engine has done what it could do without waiting."""

    async def nothing() -> None: ...

    workbench.engine.run(nothing(), timeout_s=10)


@contextmanager
def held(hold: Callable[[Callable[[], None]], object]) -> Iterator[None]:
    """Keep a thread busy, with what `hold` gives it, as long as the block runs."""
    is_held, is_over = threading.Event(), threading.Event()

    def busy() -> None:
        is_held.set()
        assert is_over.wait(10)

    hold(busy)
    assert is_held.wait(10)
    try:
        yield
    finally:
        is_over.set()


@contextmanager
def held_loop(workbench: Workbench) -> Iterator[None]:
    def hold(busy: Callable[[], None]) -> None:
        async def work() -> None:
            busy()

        threading.Thread(target=lambda: workbench.engine.run(work())).start()

    with held(hold):
        yield


@contextmanager
def held_writer(workbench: Workbench) -> Iterator[None]:
    with held(lambda busy: workbench.store.log.submit(lambda cursor: busy())):
        yield


def test_both_rows_are_in_the_store_before_the_request_leaves(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    seen: list[Message] = []

    def look() -> None:
        [conversation] = workbench.store.conversations.recent()
        seen.extend(stored(workbench, conversation.id))

    scripted.play(look, TextDelta("Hello."), DONE)
    finished(workbench, send(workbench, "Hi", provider))
    assert [(message.role, message.text, message.status) for message in seen] == [
        (Role.USER, "Hi", Status.DONE),
        (Role.ASSISTANT, "", Status.STREAMING),
    ]
    assert seen[1].parent_id == seen[0].id
    assert (seen[1].provider_name, seen[1].model_id) == ("Stage", "alpha")
    assert seen[1].route_reason == "chosen with the message"


def test_a_new_conversation_takes_its_title_from_the_first_message(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    id_ = send(workbench, "  # Plans for *Rome*\nand more ", Choice(provider.id, "beta"))
    finished(workbench, id_)
    conversation = workbench.store.conversations.get(id_)
    assert conversation is not None
    assert conversation.title == "Plans for Rome"
    assert conversation.choice == Choice(provider.id, "beta")


def test_a_finished_reply_is_stored_and_logged_once_with_all_its_figures(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    scripted.play(ReasoningDelta("hm"), TextDelta("Hel"), TextDelta("lo."), DONE)
    id_ = send(workbench, "Hi", provider)
    reply = finished(workbench, id_)
    assert (reply.status, reply.text, reply.reasoning) == (Status.DONE, "Hello.", "hm")
    assert reply.reasoning_ms is not None
    assert reply.finish_reason is FinishReason.STOP
    assert reply.error_kind is None
    [row] = attempts(workbench)
    assert (row.reply_id, row.conversation_id, row.project_id) == (reply.id, id_, DEFAULT_PROJECT_ID)
    assert (row.provider_id, row.provider_name, row.protocol) == (provider.id, "Stage", "scripted")
    assert (row.model_requested, row.model_name, row.model_served) == ("alpha", "Alpha", "alpha-2026")
    assert (row.status, row.http_status, row.attempt_number) == (Status.DONE, 200, 1)
    assert (row.finish_reason, row.raw_finish_reason, row.request_id) == (FinishReason.STOP, "end", "req-1")
    assert row.usage == Usage(1_000, 500)
    # 1,000 × 2 + 500 × 10 per million
    assert (row.cost_usd, row.cost_source) == (Decimal("0.007"), CostSource.PRICED)
    assert (row.price.input, row.price.output, row.price.source) == (Decimal(2), Decimal(10), "worked by hand")
    assert row.ttft_ms is not None
    assert row.latency_ms is not None
    assert 0 <= row.ttft_ms <= row.latency_ms
    assert row.started_at <= row.finished_at
    assert scripted.ended == 1


def test_a_stopped_reply_keeps_its_partial_text_and_is_logged_once(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    gate = Gate()
    scripted.play(UsageReport(Usage(1_000, 1)), TextDelta("Half of an ans"), gate, TextDelta("wer"), DONE)
    id_ = send(workbench, "Hi", provider)
    gate.reached()
    assert scripted.ended == 0
    workbench.turns.stop(id_)
    workbench.turns.stop(id_)
    reply = finished(workbench, id_)
    assert scripted.ended == 1, "the iterator, and with it the provider's connection, is closed"
    assert (reply.status, reply.text, reply.error_kind) == (Status.STOPPED, "Half of an ans", None)
    [row] = attempts(workbench)
    assert (row.status, row.ttft_ms is not None) == (Status.STOPPED, True)
    # The last report is from the answer's beginning: what was written since is estimated, 14 bytes are 4 tokens.
    assert row.usage == Usage(1_000, 4, is_estimated=True)
    assert row.cost_usd == Decimal("0.00204")
    workbench.turns.stop(id_)  # nothing runs any more
    assert len(attempts(workbench)) == 1


def test_a_reply_stopped_before_it_began_is_stored_and_logged(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    with held_loop(workbench):
        id_ = send(workbench, "Hi", provider)
        workbench.turns.stop(id_)
    reply = finished(workbench, id_)
    assert (reply.status, reply.text) == (Status.STOPPED, "")
    [row] = attempts(workbench)
    assert (row.status, row.ttft_ms, row.cost_usd) == (Status.STOPPED, None, None)
    finished(workbench, send(workbench, "Again", provider, conversation_id=id_))


def test_a_stop_that_comes_while_the_reply_is_stored_loses_nothing(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    gate = Gate()
    scripted.play(gate, TextDelta("All of it."), DONE)
    id_ = send(workbench, "Hi", provider)
    gate.reached()
    with held_writer(workbench):
        gate.open()
        wait_until(lambda: scripted.ended)
        tick(workbench)
        workbench.turns.stop(id_)
        tick(workbench)
        tick(workbench)
    assert (finished(workbench, id_).status, stored(workbench, id_)[-1].text) == (Status.DONE, "All of it.")
    assert len(attempts(workbench)) == 1


def refused() -> ProviderError:
    return ProviderError(ErrorKind.AUTH, "Stage refused the key.", http_status=401, detail="no", request_id="r")


def unreached() -> ProviderError:
    return ProviderError(ErrorKind.NETWORK, "Stage could not be reached.")


def broken_off() -> ProviderError:
    return ProviderError(ErrorKind.INTERRUPTED, "Stage broke off.")


@pytest.mark.parametrize(
    ("fail", "status"),
    [(refused, Status.FAILED), (unreached, Status.FAILED), (broken_off, Status.INTERRUPTED)],
    ids=["refused", "unreached", "broken off"],
)
@pytest.mark.parametrize("text", ["", "Half"])
def test_a_failed_reply_keeps_its_text_and_says_why_and_is_logged_once(
    workbench: Workbench,
    scripted: Scripted,
    provider: Provider,
    fail: Callable[[], ProviderError],
    status: Status,
    text: str,
) -> None:
    error = fail()
    scripted.play(*([TextDelta(text)] if text else []), error)
    reply = finished(workbench, send(workbench, "Hi", provider))
    assert (reply.status, reply.text) == (status, text)
    assert (reply.error_kind, reply.error_message, reply.error_detail) == (error.kind, error.message, error.detail)
    [row] = attempts(workbench)
    assert (row.status, row.error_kind, row.error_message) == (status, error.kind, error.message)
    assert (row.http_status, row.request_id) == (error.http_status, error.request_id)
    assert (row.ttft_ms is None) == (text == "")


def timed_out() -> ProviderError:
    return ProviderError(ErrorKind.TIMEOUT, "Stage did not answer in time.")


def test_what_was_refused_or_never_reached_costs_nothing_and_what_is_unknown_is_null(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    for error in (refused(), unreached(), timed_out(), broken_off()):
        scripted.play(error)
        finished(workbench, send(workbench, "Hi", provider))
    rows = attempts(workbench)[::-1]
    assert [(row.cost_usd, row.cost_source) for row in rows] == [
        (Decimal(0), CostSource.NOT_BILLED),
        (Decimal(0), CostSource.NOT_BILLED),
        (None, CostSource.UNPRICED),
        (None, CostSource.UNPRICED),
    ]
    assert {row.usage for row in rows} == {Usage()}


@pytest.mark.parametrize(
    ("status", "is_free"),
    [
        *((status, True) for status in (400, 401, 413, 429, 501, 503, 529)),
        *((status, False) for status in (408, 499, 500, 502, 504, 524)),
    ],
)
def test_a_server_s_failure_is_free_only_where_no_work_began(
    workbench: Workbench, scripted: Scripted, provider: Provider, status: int, is_free: bool
) -> None:
    scripted.play(ProviderError(ErrorKind.SERVER_ERROR, "It failed.", http_status=status))
    finished(workbench, send(workbench, "Hi", provider))
    expected = (Decimal(0), CostSource.NOT_BILLED) if is_free else (None, CostSource.UNPRICED)
    assert (attempts(workbench)[0].cost_usd, attempts(workbench)[0].cost_source) == expected


def test_an_answer_whose_connection_broke_is_not_taken_for_one_that_never_began(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    for began in (TextDelta("Half"), ReasoningDelta("Hm."), UsageReport(Usage(input_tokens=1_000))):
        scripted.play(began, unreached())
        finished(workbench, send(workbench, "Hi", provider))
    assert CostSource.NOT_BILLED not in {row.cost_source for row in attempts(workbench)}


def test_an_answer_without_an_end_is_interrupted_not_done(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    scripted.play(TextDelta("Half"))
    reply = finished(workbench, send(workbench, "Hi", provider))
    assert (reply.status, reply.text, reply.error_kind) == (Status.INTERRUPTED, "Half", ErrorKind.INTERRUPTED)
    assert reply.error_message is not None
    assert "Stage" in reply.error_message
    assert attempts(workbench)[0].status is Status.INTERRUPTED


def test_a_bug_in_a_runner_is_an_internal_error_with_a_reference_and_a_trace_in_the_log(
    workbench: Workbench, scripted: Scripted, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.play(TextDelta("Half"), ZeroDivisionError("a bug"))
    reply = finished(workbench, send(workbench, "Hi", provider))
    assert (reply.status, reply.text, reply.error_kind) == (Status.FAILED, "Half", ErrorKind.INTERNAL)
    [row] = attempts(workbench)
    reference = row.turn_id[-8:]
    assert reply.error_message is not None
    assert reference in reply.error_message
    assert "bug" not in reply.error_message
    assert f"Turn {reference} failed" in caplog.text
    assert "ZeroDivisionError: a bug" in caplog.text
    finished(workbench, send(workbench, "Again", provider))
    assert len(attempts(workbench)) == 2


def test_usage_that_was_not_reported_is_estimated_and_marked(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    scripted.play(ReasoningDelta("abcd"), TextDelta("12345678"), Completed())
    finished(workbench, send(workbench, "What is it?!", provider))
    [row] = attempts(workbench)
    assert row.usage == Usage(3, 3, is_estimated=True)
    assert row.cost_usd == Decimal("0.000036")


@pytest.mark.parametrize(
    ("usage", "cost_usd", "source"),
    [
        (Usage(1_000, 500), None, CostSource.UNPRICED),
        (Usage(1_000, 500, reported_cost_usd=Decimal("0.5")), Decimal("0.5"), CostSource.REPORTED),
        (Usage(1_000, 500, reported_cost_usd=Decimal("1e30")), None, CostSource.UNPRICED),
    ],
)
def test_a_model_without_a_price_is_logged_without_a_cost(
    workbench: Workbench,
    scripted: Scripted,
    provider: Provider,
    usage: Usage,
    cost_usd: Decimal | None,
    source: CostSource,
) -> None:
    workbench.providers.save_model(Model(provider.id, "gamma", "Gamma"), is_new=True)
    scripted.play(TextDelta("Hello."), Completed(usage))
    finished(workbench, send(workbench, "Hi", Choice(provider.id, "gamma")))
    [row] = attempts(workbench)
    assert (row.cost_usd, row.cost_source) == (cost_usd, source)
    with workbench.store.log.read() as cursor:
        assert cursor.execute("SELECT cost_usd IS NULL FROM attempts").fetchall() == [(cost_usd is None,)]


def test_the_price_is_the_one_of_the_moment_of_sending(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    gate = Gate()
    scripted.play(gate, TextDelta("Hello."), DONE)
    id_ = send(workbench, "Hi", provider)
    gate.reached()
    [alpha, _] = workbench.store.models.of(provider.id)
    workbench.providers.save_model(replace(alpha, price=replace(alpha.price, input=Decimal(999))), is_new=False)
    gate.open()
    finished(workbench, id_)
    assert attempts(workbench)[0].cost_usd == Decimal("0.007")


def test_words_that_no_file_can_hold_do_not_keep_a_reply_from_being_stored(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    scripted.play(TextDelta("a\ud800b"), Completed(Usage(1, 1), raw_finish_reason="\ud800", served_model="m\ud800"))
    reply = finished(workbench, send(workbench, "Hi", provider))
    assert (reply.status, reply.text) == (Status.DONE, "a\ufffdb")
    assert len(attempts(workbench)) == 1


def test_confirmed_text_is_what_is_stored(workbench: Workbench, scripted: Scripted, provider: Provider) -> None:
    tool = ToolCall("1", "read", "{}")
    scripted.play(TextDelta("wrnog"), TextConfirmed("right"), tool, Notice("slow"), TextDelta(" on"), DONE)
    assert finished(workbench, send(workbench, "Hi", provider)).text == "right on"


def test_a_running_reply_is_seen_live_and_lies_in_the_store_before_it_ends(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    gate = Gate()
    scripted.play(ReasoningDelta("hm"), TextDelta("Half"), gate, TextDelta(" and half"), DONE)
    id_ = send(workbench, "Hi", provider)
    gate.reached()
    turn = live(workbench, id_)
    assert turn.look().text == "Half"
    assert turn.reply == replace(stored(workbench, id_)[-1], text="", reasoning="")
    wait_until(lambda: stored(workbench, id_)[-1].text == "Half")
    gate.open()
    finished(workbench, id_)
    assert turn.look().is_finished
    assert turn.reply == stored(workbench, id_)[-1]
    assert row_counts(workbench) == [1, 2, 1, 0]


def test_the_revision_grows_when_a_turn_begins_and_when_it_ends(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    gate = Gate()
    scripted.play(gate, TextDelta("Hello."), DONE)
    engine = workbench.engine
    everything = engine.revision(None)
    id_ = send(workbench, "Hi", provider)
    begun = engine.revision(id_)
    assert begun > 0
    assert engine.revision(None) > everything
    gate.open()
    finished(workbench, id_)
    wait_until(lambda: engine.revision(id_) > begun)
    assert engine.revision("another") == 0


def test_a_second_message_is_refused_while_an_answer_runs_and_writes_nothing(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    gate = Gate()
    scripted.play(gate, TextDelta("Hello."), DONE)
    id_ = send(workbench, "Hi", provider)
    gate.reached()
    before = row_counts(workbench)
    with pytest.raises(TurnRefused, match="An answer is running in this conversation"):
        send(workbench, "And?", provider, conversation_id=id_)
    assert row_counts(workbench) == before
    other = send(workbench, "Elsewhere", provider)
    assert finished(workbench, other).status is Status.DONE
    gate.open()
    finished(workbench, id_)
    finished(workbench, send(workbench, "And?", provider, conversation_id=id_))
    assert [message.text for message in stored(workbench, id_)] == ["Hi", "Hello.", "And?", "Hello."]


def test_eight_senders_at_once_start_one_turn(workbench: Workbench, scripted: Scripted, provider: Provider) -> None:
    id_ = send(workbench, "Hi", provider)
    finished(workbench, id_)
    gate = Gate()
    scripted.play(gate, TextDelta("Hello."), DONE)
    results: list[str] = []

    def try_to_send() -> None:
        try:
            results.append(send(workbench, "And?", provider, conversation_id=id_))
        except TurnRefused:
            results.append("refused")

    threads = [threading.Thread(target=try_to_send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(results) == sorted([id_, *["refused"] * 7])
    gate.open()
    finished(workbench, id_)
    assert row_counts(workbench) == [1, 4, 2, 0]


@pytest.mark.parametrize(
    ("text", "choice", "error", "words"),
    [
        ("Hi", Choice("ghost"), TurnRefused, "no longer exists"),
        ("Hi", Choice("openai"), TurnRefused, "OpenAI has no key: add one under Providers"),
        ("Hi", Choice("demo", "gpt-4o"), TurnRefused, "Demo has no model gpt-4o"),
        ("Hi", Choice(None, "no-such-model"), TurnRefused, "No provider has a model no-such-model"),
        (" \n\x00", Choice("demo"), InvalidInput, "Type a message first"),
        ("a" * 400_001, Choice("demo"), InvalidInput, "400,000 is the most"),
    ],
)
def test_a_refusal_says_why_and_writes_nothing(
    refusing: Workbench, text: str, choice: Choice, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        send(refusing, text, choice)
    assert row_counts(refusing) == [0, 0, 0, 0]


@pytest.mark.parametrize("is_known", [True, False])
def test_a_message_to_a_deleted_conversation_is_refused(
    workbench: Workbench, scripted: Scripted, provider: Provider, is_known: bool
) -> None:
    id_ = send(workbench, "Hi", provider) if is_known else "never was"
    if is_known:
        finished(workbench, id_)
    workbench.store.log.write(lambda cursor: cursor.execute("UPDATE conversations SET deleted_at = created_at"))
    before = row_counts(workbench)
    with pytest.raises(TurnRefused, match="was deleted"):
        send(workbench, "And?", provider, conversation_id=id_)
    assert row_counts(workbench) == before


def test_a_switch_in_the_middle_changes_the_next_message_not_the_running_turn(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    gate = Gate()
    scripted.play(TextDelta("One"), gate, Completed(Usage(1, 1)))
    id_ = send(workbench, "Hi", Choice(provider.id, "alpha"))
    gate.reached()
    [alpha, beta] = workbench.store.models.of(provider.id)
    workbench.store.conversations.choose(id_, Choice(provider.id, "beta"))
    workbench.providers.set_default(beta)
    workbench.providers.delete_model(alpha)
    gate.open()
    assert finished(workbench, id_).model_id == "alpha"
    conversation = workbench.store.conversations.get(id_)
    assert conversation is not None
    finished(workbench, send(workbench, "And?", conversation.choice, conversation_id=id_))
    assert [row.model_requested for row in attempts(workbench)] == ["beta", "alpha"]
    assert [route.model.id for route, _ in scripted.asked] == ["alpha", "beta"]


def test_a_choice_is_served_as_requested_by_the_very_next_message(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    other = add_scripted(workbench, "Other")
    wanted = [
        (found.id, model_id) for found in (provider, other, other, provider) for model_id in ("alpha", "beta", "beta")
    ]
    wanted = [wanted[(n * 7) % len(wanted)] for n in range(24)]
    id_: str | None = None
    for found, model_id in wanted:
        id_ = send(workbench, "Hi", Choice(found, model_id), conversation_id=id_)
        finished(workbench, id_)
    assert [(row.provider_id, row.model_requested) for row in reversed(attempts(workbench))] == wanted


@pytest.mark.parametrize("verb", ["delete", "disable", "edit"])
def test_what_happens_to_its_provider_does_not_reach_a_running_turn_or_old_messages(
    workbench: Workbench, scripted: Scripted, provider: Provider, verb: str
) -> None:
    gate = Gate()
    scripted.play(FlagLearned(ProviderFlag.MAX_TOKENS), TextDelta("One"), gate, TextDelta(" two"), DONE)
    id_ = send(workbench, "Hi", provider)
    gate.reached()
    if verb == "delete":
        workbench.providers.delete(provider)
    elif verb == "disable":
        workbench.providers.enable(provider, False)
    else:
        workbench.providers.save(provider, ProviderForm("New name", "openai", "https://new.example", True))
    gate.open()
    reply = finished(workbench, id_)
    assert (reply.status, reply.text, reply.provider_name) == (Status.DONE, "One two", "Stage")
    [row] = attempts(workbench)
    assert (row.provider_name, row.protocol) == ("Stage", "scripted")
    words = {"delete": "no longer exists", "disable": "Stage is disabled", "edit": "New name has no key"}[verb]
    with pytest.raises(TurnRefused, match=words):
        send(workbench, "And?", provider, conversation_id=id_)


def test_what_the_wire_taught_is_kept_for_the_next_request(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    scripted.play(FlagLearned(ProviderFlag.NO_STREAM_OPTIONS), TextDelta("Hello."), DONE)
    id_ = send(workbench, "Hi", provider)
    finished(workbench, id_)
    finished(workbench, send(workbench, "Hi", provider, conversation_id=id_))
    assert [route.provider.flags for route, _ in scripted.asked] == [frozenset(), {ProviderFlag.NO_STREAM_OPTIONS}]


def test_what_is_sent_is_the_text_of_the_branch_that_is_shown(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    scripted.play(ReasoningDelta("secret thoughts"), TextDelta("First."), DONE)
    scripted.play(ProviderError(ErrorKind.OVERLOADED, "Stage is overloaded."))
    scripted.play(TextDelta("Half"), ProviderError(ErrorKind.NETWORK, "Stage hung up."))
    id_ = send(workbench, "One", provider)
    for text in ("Two", "Three", "Four"):
        finished(workbench, id_)
        send(workbench, text, provider, conversation_id=id_)
    finished(workbench, id_)
    _, request = scripted.asked[-1]
    assert request.messages == (
        ChatMessage(Role.USER, "One"),
        ChatMessage(Role.ASSISTANT, "First."),
        ChatMessage(Role.USER, "Two"),
        ChatMessage(Role.USER, "Three"),
        ChatMessage(Role.ASSISTANT, "Half"),
        ChatMessage(Role.USER, "Four"),
    )
    assert request.system is None
    # Another branch: what follows the first reply is out of sight now.
    first = stored(workbench, id_)[1]
    workbench.store.log.write(lambda cursor: workbench.store.conversations.move_leaf(cursor, id_, first.id))
    finished(workbench, send(workbench, "Five", provider, conversation_id=id_))
    assert [message.text for message in scripted.asked[-1][1].messages] == ["One", "First.", "Five"]


def test_a_projects_system_prompt_and_provider_are_used(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    project = workbench.projects.save(ProjectForm("Atlas", "Be brief.", model_id="beta", provider_id=provider.id))
    id_ = workbench.turns.send("Hi", AUTOMATIC, conversation_id=None, project_id=project.id)
    finished(workbench, id_)
    finished(workbench, send(workbench, "And?", AUTOMATIC, conversation_id=id_))
    assert [(route.model.id, request.system) for route, request in scripted.asked] == [("beta", "Be brief.")] * 2
    assert {row.project_id for row in attempts(workbench)} == {project.id}


def test_the_preview_is_what_a_message_would_be_answered_by(workbench: Workbench, provider: Provider) -> None:
    route = workbench.turns.preview(AUTOMATIC)
    assert isinstance(route, Route)
    assert (route.provider.name, route.reason) == ("Stage", "the first provider that can be used")
    assert isinstance(workbench.turns.preview(Choice("ghost")), Refusal)
    assert row_counts(workbench) == [0, 0, 0, 0]


def test_the_demo_answers_a_cold_start(workbench: Workbench) -> None:
    reply = finished(workbench, send(workbench, "Hello", Choice("demo", "demo-echo")))
    assert (reply.text, reply.provider_name) == ("Hello", "Demo")
    [row] = attempts(workbench)
    assert (row.cost_usd, row.cost_source) == (Decimal(0), CostSource.FREE)
    route = workbench.turns.preview(AUTOMATIC)
    assert isinstance(route, Route)
    assert route.reason == "no other provider can be used"


@pytest.fixture
def hasty(config: Config, scripted: Scripted) -> Iterator[Workbench]:
    """A workbench whose patience ends at once, and differently for the first token and between two."""
    workbench = Workbench(replace(config, timeouts=Timeouts(first_event_s=0.25, idle_s=0.2)))
    yield workbench
    workbench.close()


@pytest.mark.parametrize(
    ("steps", "text", "words"),
    [
        ([], "", "Stage sent nothing for 0.25 s"),
        # What is not of the answer does not count as its beginning.
        ([UsageReport(Usage(1_000, 1)), Notice("waiting")], "", "Stage sent nothing for 0.25 s"),
        ([TextDelta("Half")], "Half", "Stage fell silent for 0.2 s in the middle of the answer"),
        ([ReasoningDelta("hm")], "", "Stage fell silent for 0.2 s in the middle of the answer"),
    ],
    ids=["nothing", "no token", "text", "reasoning"],
)
def test_a_silent_provider_is_given_up(
    hasty: Workbench, scripted: Scripted, steps: list[Step], text: str, words: str
) -> None:
    provider = add_scripted(hasty)
    scripted.play(*steps, Gate(), DONE)
    reply = finished(hasty, send(hasty, "Hi", provider))
    assert (reply.status, reply.text, reply.error_kind) == (Status.FAILED, text, ErrorKind.TIMEOUT)
    assert reply.error_message is not None
    assert words in reply.error_message
    assert scripted.ended == 1
    [row] = attempts(hasty)
    assert (row.latency_ms or 0) >= (240 if words.startswith("Stage sent") else 190)


def test_who_closes_second_does_not_end_the_loop_under_the_first(workbench: Workbench) -> None:
    release = threading.Event()
    workbench.engine.submit(asyncio.to_thread(release.wait))  # an import that takes its time
    first = threading.Thread(target=workbench.close)
    first.start()
    wait_until(lambda: workbench.engine.is_closing)
    workbench.engine.close(timeout_s=0.05)
    release.set()
    first.join(10)
    assert not first.is_alive()


def test_closing_marks_running_replies_interrupted_and_keeps_their_text(
    config: Config, scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    workbench = Workbench(config)
    provider = add_scripted(workbench)
    scripted.play(TextDelta("Half"), Gate())
    id_ = send(workbench, "Hi", provider)
    wait_until(lambda: live(workbench, id_).look().text)
    workbench.close()
    assert scripted.ended == 1
    assert scripted.is_closed
    again = Workbench(config)
    reply = stored(again, id_)[-1]
    assert (reply.status, reply.text, reply.error_kind) == (Status.INTERRUPTED, "Half", ErrorKind.INTERRUPTED)
    [row] = attempts(again)
    assert (row.status, row.error_kind) == (Status.INTERRUPTED, ErrorKind.INTERRUPTED)
    again.close()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_turn_sent_just_before_closing_is_stored_too(config: Config, scripted: Scripted) -> None:
    workbench = Workbench(config)
    provider = add_scripted(workbench)
    scripted.play(Gate())
    with held_loop(workbench):
        id_ = send(workbench, "Hi", provider)
        closing = threading.Thread(target=workbench.close)
        closing.start()
    closing.join(10)
    again = Workbench(config)
    assert stored(again, id_)[-1].status is Status.INTERRUPTED
    assert len(attempts(again)) == 1
    again.close()


def test_closing_twice_is_closing_once(config: Config) -> None:
    workbench = Workbench(config)
    workbench.close()
    workbench.close()


VICTIM = """
import sys, threading
from core.config import load_config
from core.events import TextDelta
from core.runners import RUNNERS, ProtocolSpec
from core.workbench import Workbench
from tests.conftest import Gate, Scripted, add_scripted, send, stored, wait_until

runner = Scripted()
RUNNERS["scripted"] = ProtocolSpec("Scripted", lambda timeouts: runner)
workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": sys.argv[1]}, {}))
runner.play(TextDelta("What had arrived"), Gate())
conversation_id = send(workbench, "Hi", add_scripted(workbench))
wait_until(lambda: stored(workbench, conversation_id)[-1].text)
print(conversation_id, flush=True)
threading.Event().wait(60)
"""


def test_after_a_kill_the_next_start_marks_the_reply_interrupted_with_what_had_arrived(
    config: Config, scripted: Scripted
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(config.data_dir)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as victim:
        assert victim.stdout is not None
        id_ = victim.stdout.readline().strip()
        os.kill(victim.pid, signal.SIGKILL)
    workbench = Workbench(config)
    asked, reply = stored(workbench, id_)
    assert (asked.text, reply.text) == ("Hi", "What had arrived")
    assert (reply.status, reply.error_kind) == (Status.INTERRUPTED, ErrorKind.INTERRUPTED)
    assert row_counts(workbench)[3] == 0
    assert reply.provider_id is not None
    finished(workbench, send(workbench, "Go on", Choice(reply.provider_id), conversation_id=id_))
    workbench.close()


def test_a_workbench_built_again_in_the_process_leaves_live_turns_alone(
    workbench: Workbench, config: Config, scripted: Scripted, provider: Provider
) -> None:
    gate = Gate()
    scripted.play(TextDelta("Half"), gate, TextDelta(" and half"), DONE)
    id_ = send(workbench, "Hi", provider)
    gate.reached()
    again = Workbench(config)
    assert stored(again, id_)[-1].status is Status.STREAMING
    again.close()
    gate.open()
    reply = finished(workbench, id_)
    assert (reply.status, reply.text) == (Status.DONE, "Half and half")


def test_the_end_of_one_turn_does_not_hide_the_next_one(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    """The store knows that a reply has ended a moment before the engine does; the next message may be faster."""
    first, second = Gate(), Gate()
    request = ChatRequest(())
    id_ = send(workbench, "Hi", provider)
    reply = finished(workbench, id_)
    route = workbench.turns.preview(Choice(provider.id))
    assert isinstance(route, Route)
    turns = [
        LiveTurn(turn_id=name, reply=reply, project_id="default", route=route, request=request) for name in ("a", "b")
    ]
    for turn, gate in zip(turns, (first, second), strict=True):
        workbench.engine.start(turn, gate.hold())
        gate.reached()
    first.open()
    for _ in range(5):
        tick(workbench)
    assert workbench.engine.live(id_) is turns[1]
    workbench.turns.stop(id_)
    wait_until(lambda: workbench.engine.live(id_) is None)


def test_a_runner_that_could_not_be_made_is_tried_again(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runner = Scripted()
    broken = [ImportError("no SDK")]

    def load(timeouts: Timeouts) -> Scripted:
        if broken:
            raise broken.pop()
        return runner

    monkeypatch.setitem(RUNNERS, "scripted", ProtocolSpec("Scripted", load))
    provider = add_scripted(workbench)
    assert finished(workbench, send(workbench, "Hi", provider)).error_kind == ErrorKind.INTERNAL
    assert "ImportError: no SDK" in caplog.text
    assert finished(workbench, send(workbench, "Hi", provider)).text == "Hello."


def test_a_workbench_closes_although_a_runner_could_not_be_made(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(timeouts: Timeouts) -> Scripted:
        raise ImportError("no SDK")

    monkeypatch.setitem(RUNNERS, "scripted", ProtocolSpec("Scripted", load))
    workbench = Workbench(config)
    finished(workbench, send(workbench, "Hi", add_scripted(workbench)))
    workbench.close()
    Workbench(config).close()


def test_a_stop_while_the_runner_is_being_made_takes_it_from_nobody(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, is_loading, is_loaded = Scripted(), threading.Event(), threading.Event()

    def load(timeouts: Timeouts) -> Scripted:
        is_loading.set()
        assert is_loaded.wait(10)
        return runner

    monkeypatch.setitem(RUNNERS, "scripted", ProtocolSpec("Scripted", load))
    provider = add_scripted(workbench)
    impatient, patient = send(workbench, "Hi", provider), send(workbench, "Hi", provider)
    assert is_loading.wait(10)
    tick(workbench)
    workbench.turns.stop(impatient)
    assert finished(workbench, impatient).status is Status.STOPPED
    is_loaded.set()
    assert finished(workbench, patient).text == "Hello."
    assert finished(workbench, send(workbench, "Hi", provider)).text == "Hello."


def test_a_protocol_this_version_does_not_have_is_a_failed_reply(
    workbench: Workbench, scripted: Scripted, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(RUNNERS, "scripted")
    reply = finished(workbench, send(workbench, "Hi", provider))
    assert (reply.status, reply.error_kind) == (Status.FAILED, ErrorKind.BAD_REQUEST)
