"""Local servers: found on this machine only when asked, and added with one click."""

import socket
import time

import pytest

import core.local_servers as local_servers
from core.local_servers import LocalServer, add_server, known_as, look
from core.types import ModelInfo, Provider
from core.workbench import Workbench
from tests.conftest import finished, send
from tests.servers.base import Reply, page_reply
from tests.servers.openai_server import OpenAIServer


def port_of(server: OpenAIServer) -> int:
    return int(server.origin.rpartition(":")[2])


def test_each_known_server_is_looked_for_at_its_usual_port() -> None:
    assert local_servers.PORTS == {11434: "Ollama", 1234: "LM Studio", 8080: "llama.cpp", 8000: "vLLM"}


def test_what_lists_models_is_found_and_nothing_else_is(workbench: Workbench) -> None:
    with OpenAIServer(models=["llama3:8b", "qwen3"]) as ollama, OpenAIServer() as website, socket.socket() as closed:
        website.replies += [page_reply()]
        closed.bind(("127.0.0.1", 0))
        ports = {closed.getsockname()[1]: "LM Studio", port_of(website): "vLLM", port_of(ollama): "Ollama"}
        found = workbench.engine.run(look(workbench.engine, ports=ports), timeout_s=10)
        assert found == [LocalServer("Ollama", ollama.url, (ModelInfo("llama3:8b"), ModelInfo("qwen3")))]
        assert not any("authorization" in request.headers for request in ollama.requests)


def test_silent_servers_are_waited_for_together_and_not_long(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_servers, "LOOK_TIMEOUT_S", 0.5)
    workbench.engine.run(workbench.engine.runner("openai"), timeout_s=20)
    with OpenAIServer() as one, OpenAIServer() as two, OpenAIServer() as three:
        for server in (one, two, three):
            server.next = Reply((10.0,))
        began_s = time.monotonic()
        ports = {port_of(server): "vLLM" for server in (one, two, three)}
        assert workbench.engine.run(look(workbench.engine, ports=ports), timeout_s=10) == []
    assert time.monotonic() - began_s < 1.4


def test_an_added_server_answers_at_once_without_a_key(workbench: Workbench) -> None:
    with OpenAIServer(models=["llama3:8b", "qwen3"]) as server:
        [found] = workbench.engine.run(look(workbench.engine, ports={port_of(server): "Ollama"}), timeout_s=10)
        provider = add_server(found, workbench.providers)
        assert (provider.name, provider.base_url, provider.requires_key) == ("Ollama", server.url, False)
        assert [model.id for model in workbench.store.models.of(provider.id)] == ["llama3:8b", "qwen3"]
        reply = finished(workbench, send(workbench, "Hello", provider))
    assert (reply.text, reply.model_id) == ("Hello", "llama3:8b")


def test_a_taken_name_gets_a_number(workbench: Workbench) -> None:
    for _ in range(2):
        add_server(LocalServer("vLLM", "http://127.0.0.1:8000/v1", ()), workbench.providers)
    names = [provider.name for provider in workbench.store.providers.all()]
    assert names[-2:] == ["vLLM", "vLLM 2"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_server_that_is_a_provider_already_is_known(host: str) -> None:
    provider = Provider("p", "My llama", "openai", f"http://{host}:8080/v1")
    assert known_as(LocalServer("llama.cpp", "http://127.0.0.1:8080/v1", ()), [provider]) == "My llama"
    assert known_as(LocalServer("vLLM", "http://127.0.0.1:8000/v1", ()), [provider]) is None
