"""Look for model servers on this machine, only when the user asks, and add what was found."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.discovery import list_models, new_models
from core.engine import Engine
from core.errors import ProviderError
from core.providers import ProviderForm, Providers
from core.text import name_key
from core.types import Candidate, ModelInfo, Provider
from core.urls import origin

LOOK_TIMEOUT_S = 1.5  # a server on this machine answers within milliseconds, or is not there
# Where each listens unless it is told otherwise (their documentation, 2026-11-24). All speak OpenAI's protocol at /v1.
PORTS = {11434: "Ollama", 1234: "LM Studio", 8080: "llama.cpp", 8000: "vLLM"}


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that sent a model list. What it is, is a guess from its port."""

    name: str
    base_url: str
    models: tuple[ModelInfo, ...]


async def look(engine: Engine, *, ports: Mapping[int, str] = PORTS) -> list[LocalServer]:
    """Ask all ports of this machine at once for a model list; return those that sent one, in the order of `ports`."""
    found = await asyncio.gather(*(_ask(engine, port, name) for port, name in ports.items()))
    return [server for server in found if server]


async def _ask(engine: Engine, port: int, name: str) -> LocalServer | None:
    url = f"http://127.0.0.1:{port}/v1"
    server = Candidate(Provider("local", name, "openai", url, requires_key=False))
    try:
        return LocalServer(name, url, tuple(await list_models(server, engine, timeout_s=LOOK_TIMEOUT_S)))
    except ProviderError:
        return None  # nobody there, or nobody who lists models: both are an answer


def known_as(server: LocalServer, providers: Sequence[Provider]) -> str | None:
    """Return the name under which this server is a provider already, also if it was entered as localhost."""
    port = origin(server.base_url).rpartition(":")[2]
    here = {f"http://{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")}
    return next((provider.name for provider in providers if origin(provider.base_url) in here), None)


def add_server(server: LocalServer, providers: Providers) -> Provider:
    """Add the server with its models as a provider without a key. Raises InvalidInput."""
    taken = {name_key(candidate.provider.name) for candidate in providers.candidates()}
    names = [server.name, *(f"{server.name} {number}" for number in range(2, 100))]
    name = next((name for name in names if name_key(name) not in taken), server.name)
    form = ProviderForm(name, "openai", server.base_url, requires_key=False)
    return providers.add(form, models=new_models(Provider("", name, "openai", server.base_url), server.models))
