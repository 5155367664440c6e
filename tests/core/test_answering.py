"""Trying again, the fallback chain and cool-down: before anything is visible, and each attempt a row of its own."""

import time
from decimal import Decimal

import pytest

from core.answering import Answering
from core.errors import ErrorKind, ProviderError
from core.events import Completed, ReasoningDelta, TextDelta
from core.projects import ProjectForm
from core.retries import COOL_AFTER
from core.types import AUTOMATIC, Attempt, Choice, CostSource, Provider, Route, Status, Usage
from core.workbench import Workbench
from tests.conftest import Gate, Scripted, add_scripted, finished, send, wait_until

DONE = Completed(Usage(3, 2))


def failure(
    kind: ErrorKind = ErrorKind.OVERLOADED, status: int | None = 529, after_s: float | None = 0.0
) -> ProviderError:
    return ProviderError(kind, "It failed.", http_status=status, retry_after_s=after_s)


def rows(workbench: Workbench) -> list[Attempt]:
    return sorted(workbench.store.attempts.recent(), key=lambda row: (row.started_at, row.attempt_number))


@pytest.fixture
def trying(workbench: Workbench) -> Workbench:
    """A workbench that tries twice again, without waiting where the provider asks for nothing."""
    answering = Answering(
        workbench.store, workbench.engine, learn=workbench.providers.take, retries=2, dice=lambda: 0.0
    )
    workbench.turns._answering = answering
    return workbench


def chain(workbench: Workbench, provider: Provider, *others: Provider) -> None:
    entries = tuple(f"{other.id}/alpha" for other in others)
    workbench.store.settings.write(lambda cursor: workbench.store.providers.set_fallbacks(cursor, provider.id, entries))


@pytest.mark.parametrize(
    "error",
    [
        failure(),
        failure(after_s=None),
        failure(ErrorKind.RATE_LIMIT, 429),
        failure(ErrorKind.SERVER_ERROR, 503),
        failure(ErrorKind.NETWORK, None),
        failure(ErrorKind.TIMEOUT, 408),
    ],
    ids=lambda error: f"{error.kind}-{error.retry_after_s}",
)
def test_what_may_pass_is_tried_again_and_each_attempt_is_logged(
    trying: Workbench, scripted: Scripted, provider: Provider, error: ProviderError
) -> None:
    again = replace_error(error)
    scripted.play(error)
    scripted.play(again)
    scripted.play(TextDelta("At last."), DONE)
    reply = finished(trying, send(trying, "Hi", provider))
    assert (reply.status, reply.text) == (Status.DONE, "At last.")
    assert [(row.attempt_number, row.status) for row in rows(trying)] == [
        (1, Status.FAILED),
        (2, Status.FAILED),
        (3, Status.DONE),
    ]
    assert {row.turn_id for row in rows(trying)} == {rows(trying)[0].turn_id}
    assert {row.reply_id for row in rows(trying)} == {reply.id}


def replace_error(error: ProviderError) -> ProviderError:
    """The same failure once more; one exception object cannot be raised twice without growing its traceback."""
    return ProviderError(error.kind, error.message, http_status=error.http_status, retry_after_s=error.retry_after_s)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ErrorKind.AUTH, 401),
        (ErrorKind.PERMISSION, 403),
        (ErrorKind.BAD_REQUEST, 400),
        (ErrorKind.NOT_FOUND, 404),
        (ErrorKind.CONTEXT_LENGTH, 400),
        (ErrorKind.QUOTA, 402),
        (ErrorKind.EMPTY, 200),
    ],
)
def test_a_refusal_is_not_tried_again(
    trying: Workbench, scripted: Scripted, provider: Provider, kind: ErrorKind, status: int
) -> None:
    scripted.play(failure(kind, status))
    reply = finished(trying, send(trying, "Hi", provider))
    assert (reply.status, reply.error_kind, len(rows(trying))) == (Status.FAILED, kind.value, 1)


@pytest.mark.parametrize("visible", [TextDelta("Once upon"), ReasoningDelta("Hm")])
def test_nothing_is_tried_again_once_something_was_visible(
    trying: Workbench, scripted: Scripted, provider: Provider, visible: TextDelta | ReasoningDelta
) -> None:
    scripted.play(visible, failure())
    reply = finished(trying, send(trying, "Hi", provider))
    assert reply.status is Status.FAILED
    assert reply.text + reply.reasoning == visible.text
    assert len(rows(trying)) == 1


def test_a_provider_that_asks_for_more_than_a_minute_is_not_waited_for(
    trying: Workbench, scripted: Scripted, provider: Provider
) -> None:
    scripted.play(failure(after_s=61.0))
    assert finished(trying, send(trying, "Hi", provider)).status is Status.FAILED
    assert len(rows(trying)) == 1


def test_the_chain_answers_when_a_provider_cannot(trying: Workbench, scripted: Scripted, provider: Provider) -> None:
    second, third = add_scripted(trying, "Second"), add_scripted(trying, "Third")
    chain(trying, provider, second, third)
    for _ in range(3):
        scripted.play(failure(ErrorKind.RATE_LIMIT, 429))
    scripted.play(failure(ErrorKind.QUOTA, 402))
    scripted.play(TextDelta("Third here."), DONE)
    reply = finished(trying, send(trying, "Hi", provider))
    assert (reply.text, reply.provider_name, reply.model_id) == ("Third here.", "Third", "alpha")
    assert reply.route_reason == "tried Stage (429), Second (402), answered by Third"
    assert [row.provider_name for row in rows(trying)] == ["Stage", "Stage", "Stage", "Second", "Third"]
    assert [row.attempt_number for row in rows(trying)] == [1, 2, 3, 4, 5]
    refused = [row.cost_source for row in rows(trying)[:4]]
    assert refused == [CostSource.NOT_BILLED] * 4
    assert rows(trying)[-1].cost_usd == Decimal("0.000026")


def test_a_refused_key_does_not_go_down_the_chain(trying: Workbench, scripted: Scripted, provider: Provider) -> None:
    chain(trying, provider, add_scripted(trying, "Second"))
    scripted.play(failure(ErrorKind.AUTH, 401))
    reply = finished(trying, send(trying, "Hi", provider))
    assert (reply.provider_name, reply.status, len(rows(trying))) == ("Stage", Status.FAILED, 1)


def test_the_chain_leaves_out_what_cannot_be_used_and_the_demo(
    trying: Workbench, scripted: Scripted, provider: Provider
) -> None:
    disabled = add_scripted(trying, "Disabled")
    trying.providers.enable(disabled, False)
    entries = (f"{disabled.id}/alpha", "demo/demo-guide", "gone/alpha", f"{provider.id}/nope", f"{provider.id}/beta")
    trying.store.settings.write(lambda cursor: trying.store.providers.set_fallbacks(cursor, provider.id, entries))
    scripted.play(failure(ErrorKind.QUOTA, 402))
    scripted.play(TextDelta("Beta."), DONE)
    reply = finished(trying, send(trying, "Hi", provider))
    assert (reply.provider_name, reply.model_id, len(rows(trying))) == ("Stage", "beta", 2)


def test_stop_between_two_attempts_ends_the_turn(trying: Workbench, scripted: Scripted, provider: Provider) -> None:
    scripted.play(failure(after_s=60.0))
    id_ = send(trying, "Hi", provider)
    wait_until(lambda: len(rows(trying)) == 1)
    began_s = time.monotonic()
    trying.turns.stop(id_)
    reply = finished(trying, id_)
    assert time.monotonic() - began_s < 5
    assert (reply.status, reply.error_message, len(rows(trying))) == (Status.STOPPED, None, 1)
    assert finished(trying, send(trying, "Again", provider, conversation_id=id_)).status is Status.DONE


def test_a_provider_that_fails_in_a_row_rests_and_the_next_one_answers(
    trying: Workbench, scripted: Scripted, provider: Provider
) -> None:
    add_scripted(trying, "Second")
    for _ in range(COOL_AFTER):
        scripted.play(failure())
    assert finished(trying, send(trying, "Hi")).status is Status.FAILED
    route = trying.turns.preview(AUTOMATIC)
    assert isinstance(route, Route)
    assert (route.provider.name, route.reason) == (
        "Second",
        "the first provider that can be used; passed over: Stage rests after failing",
    )
    assert finished(trying, send(trying, "Hi", provider)).provider_name == "Stage"  # chosen: never replaced
    again = trying.turns.preview(AUTOMATIC)
    assert isinstance(again, Route) and again.provider.name == "Stage"  # a success ends the rest


def test_the_only_provider_never_rests(trying: Workbench, scripted: Scripted, provider: Provider) -> None:
    for _ in range(COOL_AFTER):
        scripted.play(failure())
    assert finished(trying, send(trying, "Hi")).status is Status.FAILED
    route = trying.turns.preview(AUTOMATIC)
    assert isinstance(route, Route) and route.provider.id == provider.id  # nor does the demo take its place


def test_a_running_turn_shows_who_is_asked_now(trying: Workbench, scripted: Scripted, provider: Provider) -> None:
    chain(trying, provider, add_scripted(trying, "Second"))
    gate = Gate()
    scripted.play(failure(ErrorKind.QUOTA, 402))
    scripted.play(gate, TextDelta("Hello"), DONE)
    id_ = send(trying, "Hi", provider)
    gate.reached()
    turn = trying.engine.live(id_)
    assert turn is not None and turn.reply.provider_name == "Second"
    assert turn.look().notice == "Stage failed (402), asking another provider."
    gate.open()
    assert finished(trying, id_).provider_name == "Second"


def test_a_project_s_chain_wins_over_the_provider_s(trying: Workbench, scripted: Scripted, provider: Provider) -> None:
    other, third = add_scripted(trying, "Other"), add_scripted(trying, "Third")
    chain(trying, provider, other)
    form = ProjectForm("Atlas", fallbacks=(f"{third.id}/beta", f"{third.id}/beta", f"{other.id}/alpha"))
    project = trying.projects.save(form)
    assert project.fallbacks == (f"{third.id}/beta", f"{other.id}/alpha")
    for _ in range(3):
        scripted.play(failure(ErrorKind.RATE_LIMIT, 429))
    id_ = trying.turns.send("Hi", Choice(provider.id), conversation_id=None, project_id=project.id)
    reply = finished(trying, id_)
    assert (reply.provider_name, reply.model_id, reply.route_reason) == (
        "Third",
        "beta",
        "tried Stage (429), answered by Third",
    )
    assert [row.provider_name for row in rows(trying)] == ["Stage", "Stage", "Stage", "Third"]
    trying.projects.save(ProjectForm("Atlas"), project=project)
    for _ in range(3):
        scripted.play(failure(ErrorKind.RATE_LIMIT, 429))
    trying.turns.send("And?", Choice(provider.id), conversation_id=id_, project_id=project.id)
    assert finished(trying, id_).provider_name == "Other"
