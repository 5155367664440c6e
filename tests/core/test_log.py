"""What a row of the log was about: a command that the shell takes for nothing but a request."""

import json
import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.log import curl, rebuild
from core.projects import DEFAULT_PROJECT_ID
from core.providers import ProviderForm
from core.runners import anthropic_messages, openai_chat
from core.types import Attempt, ChatRequest, Message, Model, Role, Route, Status
from core.workbench import Workbench
from tests.core.test_usage import make_attempt, write

KEY = "sk-test-0123456789abcdef0123456789abcdef"


def asked(workbench: Workbench, protocol: str, text: str) -> Attempt:
    """Store a conversation of one question and one answer with its attempt, at a provider with a key."""
    provider = workbench.providers.add(ProviderForm("Mine", protocol, "https://mine.example/v1", key=KEY))
    workbench.providers.save_model(Model(provider.id, "m-1", "M 1", max_output_tokens=4096), is_new=True)
    now = datetime.now(UTC)
    question = Message("q", "c", Role.USER, text, Status.DONE, now, 1)
    reply = Message("r", "c", Role.ASSISTANT, "So.", Status.DONE, now, 2, parent_id="q")
    for message in (question, reply):
        workbench.store.log.write(lambda cursor, m=message: workbench.store.messages.add(cursor, m))  # type: ignore[misc]
    attempt = make_attempt(
        now - timedelta(minutes=5),
        reply_id="r",
        conversation_id="c",
        project_id=DEFAULT_PROJECT_ID,
        provider_id=provider.id,
        protocol=protocol,
        model_requested="m-1",
    )
    write(workbench.store, [attempt])
    return attempt


HOSTILE = f"It's $(touch /tmp/x) `id`\nEND_OF_REQUEST\n'; rm -rf / # {KEY}"


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_the_curl_command_is_the_request_without_the_key(workbench: Workbench, protocol: str) -> None:
    attempt = asked(workbench, protocol, HOSTILE)
    command = curl(workbench.store, attempt, rebuild(workbench.store, attempt))
    assert command is not None
    assert KEY not in command
    head, _, rest = command.partition("<<'END_OF_REQUEST'\n")
    body, end, after = rest.partition("\nEND_OF_REQUEST\n")
    assert (end, after) == ("\nEND_OF_REQUEST\n", "")
    words = shlex.split(head.replace("\\\n", " "))
    sent = json.loads(body)
    assert sent["model"] == "m-1"
    assert sent["messages"] == [{"role": "user", "content": HOSTILE.replace(KEY, "***")}]
    if protocol == "openai":
        assert "https://mine.example/v1/chat/completions" in words
        assert "Authorization: Bearer $API_KEY" in words
        assert sent["stream_options"] == {"include_usage": True}
    else:
        assert "https://mine.example/v1/messages" in words
        assert "x-api-key: $API_KEY" in words
        assert sent["max_tokens"] == 4096


def test_what_nobody_can_send_again_has_no_command(workbench: Workbench) -> None:
    attempt = asked(workbench, "openai", "Why?")
    rebuilt = rebuild(workbench.store, attempt)
    assert curl(workbench.store, replace(attempt, protocol="demo"), rebuilt) is None
    gone = replace(attempt, reply_id="gone")
    assert curl(workbench.store, gone, rebuild(workbench.store, gone)) is None
    stranger = curl(workbench.store, replace(attempt, provider_id="deleted"), rebuilt)
    assert stranger is not None
    assert "$BASE_URL/chat/completions" in stranger


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_the_body_of_the_command_is_the_one_the_runner_sends(workbench: Workbench, protocol: str) -> None:
    attempt = asked(workbench, protocol, "Why?")
    rebuilt = replace(rebuild(workbench.store, attempt), system="Be brief.")
    command = curl(workbench.store, attempt, rebuilt)
    assert command is not None
    provider = workbench.store.providers.get(attempt.provider_id)
    assert provider is not None
    route = Route(provider, workbench.store.models.of(provider.id)[0], None, "")
    request = ChatRequest(rebuilt.messages, system=rebuilt.system)
    runner = openai_chat if protocol == "openai" else anthropic_messages
    expected = runner._body(route, request)
    assert json.loads(command.partition("'END_OF_REQUEST'\n")[2].partition("\nEND_OF_REQUEST")[0]) == expected
