"""A provider that sends the key back, wherever it can: after a whole turn it is in no page, file or line of the log."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.providers import ProviderForm
from core.types import Choice, Model
from core.workbench import Workbench
from tests.conftest import finished, send
from tests.pages.conftest import OpenPage
from tests.servers import anthropic_server, openai_server
from tests.servers.anthropic_server import AnthropicServer
from tests.servers.base import Framing, Reply, json_reply, raw_reply
from tests.servers.openai_server import OpenAIServer

CANARY = "sk-canary-7b1f04c9d25e4a6f8811"
CHAT, MESSAGES = openai_server.sse, anthropic_server.sse
EVERYBODY = {
    "header": Reply((b"no",), status=500, headers={"x-request-id": f"req-{CANARY}", "X-Echo": CANARY}),
    "error body": json_reply({"error": {"message": f"Bad key {CANARY}", "code": CANARY, "type": CANARY}}, 401),
    "page": Reply((f"<html><title>{CANARY}</title></html>".encode(),), headers={"Content-Type": "text/html"}),
    "redirect": Reply(status=307, headers={"Location": f"http://{CANARY}.example/?k={CANARY}"}, framing=Framing.LENGTH),
}
STREAMS = {
    "openai": {
        "answer": openai_server.stream_reply("Hi ", *CANARY, " and again ", CANARY),
        "stream error": raw_reply(CHAT({"error": {"message": f"Bearer {CANARY}"}})),
        "last word": raw_reply(CHAT({"choices": [{"delta": {"content": "Hi"}, "finish_reason": CANARY}]})),
        "names": raw_reply(CHAT({"id": CANARY, "model": CANARY, "choices": [{"delta": {}, "finish_reason": "stop"}]})),
        "refused parameter": openai_server.error_reply(400, f"Unknown parameter: stream_options, key {CANARY}"),
    },
    "anthropic": {
        "answer": anthropic_server.stream_reply("Hi ", CANARY[:9], CANARY[9:], reasoning=f"the key is {CANARY}"),
        "stream error": raw_reply(MESSAGES({"type": "error", "error": {"type": CANARY, "message": CANARY}})),
        "last word": raw_reply(anthropic_server.text_delta("Hi"), anthropic_server.message_delta(CANARY)),
        "names": raw_reply(MESSAGES({"type": "message_start", "message": {"id": CANARY, "model": CANARY}})),
        "refused parameter": anthropic_server.error_reply(400, "x", f"max_tokens: 9 > 8, key {CANARY}"),
    },
}
CASES = [(protocol, name) for protocol, streams in STREAMS.items() for name in [*EVERYBODY, *streams]]


def shown(page: AppTest) -> str:
    elements = [*page.markdown, *page.caption, *page.text, *page.error, *page.warning, *page.info, *page.code]
    return "\n".join(str(element.value) for element in elements) + "\n".join(str(table.value) for table in page.table)


@pytest.mark.parametrize(("protocol", "name"), CASES)
def test_a_key_that_comes_back_is_nowhere_after_the_turn(
    open_page: OpenPage,
    workbench: Workbench,
    data_dir: Path,
    caplog: pytest.LogCaptureFixture,
    protocol: str,
    name: str,
) -> None:
    caplog.set_level(0)
    with AnthropicServer() if protocol == "anthropic" else OpenAIServer() as server:
        provider = workbench.providers.add(ProviderForm("Acme", protocol, server.url, key=CANARY))
        workbench.providers.save_model(Model(provider.id, "m-1", "M 1"), is_new=True)
        server.by_model["m-1"] = (EVERYBODY | STREAMS[protocol])[name]
        id_ = send(workbench, "Hi", Choice(provider.id, "m-1"))
        reply = finished(workbench, id_)
        assert server.chats[0].headers["authorization"] == f"Bearer {CANARY}"
    attempt = workbench.store.attempts.recent()[0]
    assert CANARY not in repr(reply) + repr(attempt)
    chat = open_page("chat", conversation_id=id_)
    log = open_page("log")
    assert CANARY not in shown(chat) + shown(log) and "Hi" in shown(chat)
    assert CANARY not in "\n".join(f"{record.getMessage()} {record.exc_text}" for record in caplog.records)
    workbench.store.log.write(lambda cursor: cursor.execute("CHECKPOINT"))
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    assert files and not [path for path in files if CANARY.encode() in path.read_bytes()]
