"""The doctor: each step broken in turn, what is said of it, and that the fix it offers works."""

import socket
from dataclasses import replace

import pytest

import core.doctor as doctor_module
from core.diagnosis import Diagnosis, Listed, MoveTo, Outcome, Seen, Step, UseModel, judge, model_fixes, variants
from core.doctor import examine
from core.errors import ErrorKind, ProviderError
from core.providers import ProviderForm
from core.types import Candidate, Model, ModelInfo, Provider
from core.verify import Probe
from core.workbench import Workbench
from tests.conftest import Scripted
from tests.servers.anthropic_server import AnthropicServer
from tests.servers.base import Reply, page_reply
from tests.servers.openai_server import OpenAIServer, error_reply, stream_reply

KEY = "sk-canary-0123456789abcdefghijklmnopqrst"


def at(
    workbench: Workbench, url: str, *models: str, protocol: str = "openai", key: str = KEY, requires_key: bool = True
) -> Candidate:
    form = ProviderForm("Loopback", protocol, url, requires_key=requires_key, key=key)
    provider = workbench.providers.add(form)
    for model_id in models:
        workbench.providers.save_model(Model(provider.id, model_id, model_id.title()), is_new=True)
    return next(found for found in workbench.providers.candidates() if found.provider.id == provider.id)


def diagnose(workbench: Workbench, candidate: Candidate) -> Diagnosis:
    found = workbench.engine.run(examine(candidate, workbench.engine), timeout_s=20)
    assert [finding.step for finding in found.findings] == list(Step)
    assert not [finding for finding in found.findings if KEY in finding.words]
    assert all(finding.words.endswith((".", ")")) for finding in found.findings)
    return found


def outcomes(found: Diagnosis) -> str:
    """Return the first letters of all outcomes in the order of the steps: o, d, f, s."""
    return "".join(finding.outcome.value[0] for finding in found.findings)


def words(found: Diagnosis, step: Step) -> str:
    return next(finding.words for finding in found.findings if finding.step is step)


# A provider that is well.


def test_a_provider_that_is_well_passes_every_step_with_its_time(workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY, models=["tiny", "big"]) as server:
        found = diagnose(workbench, at(workbench, server.url, "tiny"))
        assert len(server.requests) == 2
    assert (outcomes(found), found.fixes, found.is_well) == ("oooooo", (), True)
    assert words(found, Step.MODELS) == "2 models, tiny among them."
    assert words(found, Step.ANSWER) == "Tiny answered."
    timed = {finding.step for finding in found.findings if finding.took_ms is not None}
    assert timed == {Step.CONNECTION, Step.KEY, Step.MODELS, Step.ANSWER}


def test_the_demo_needs_neither_address_nor_key(workbench: Workbench) -> None:
    demo = next(found for found in workbench.providers.candidates() if found.is_demo)
    found = diagnose(workbench, demo)
    assert (outcomes(found), words(found, Step.CONNECTION)) == ("oooooo", "None is needed.")


# Each step broken in turn.


def test_an_address_that_cannot_be_used_sends_nothing(workbench: Workbench) -> None:
    with OpenAIServer() as server:
        there = at(workbench, server.url, "tiny")
        broken = replace(there, provider=replace(there.provider, base_url="http://169.254.169.254"))
        found = diagnose(workbench, broken)
        assert not server.requests
    assert (outcomes(found), found.fixes) == ("fsssss", ())
    assert "network service" in words(found, Step.URL)


def test_a_server_that_is_not_running_is_a_failed_connection(workbench: Workbench) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        found = diagnose(workbench, at(workbench, f"http://127.0.0.1:{closed.getsockname()[1]}/v1", "tiny"))
    assert outcomes(found) == "ofssss"
    assert "refused the connection" in words(found, Step.CONNECTION)


def test_a_server_that_says_nothing_is_a_failed_connection(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_module, "LISTING_TIMEOUT_S", 0.2)
    with OpenAIServer() as server:
        server.next = Reply((10.0,))
        found = diagnose(workbench, at(workbench, server.url, "tiny"))
    assert outcomes(found) == "ofssss"
    assert "did not send its model list within 0.2 s" in words(found, Step.CONNECTION)


def test_a_redirect_is_a_wrong_address(workbench: Workbench) -> None:
    with OpenAIServer() as server:
        moved = Reply(status=301, headers={"Location": "https://elsewhere.example/v1"})
        server.replies += [moved] * 20
        found = diagnose(workbench, at(workbench, server.url, "tiny"))
    assert outcomes(found)[0] == "f"
    assert "redirects to another address" in words(found, Step.URL)
    assert not found.fixes


def test_a_key_that_is_refused_is_named_and_nothing_else_is_tried(workbench: Workbench) -> None:
    with OpenAIServer(api_key="another", models=["tiny"]) as server:
        found = diagnose(workbench, at(workbench, server.url, "tiny"))
        assert len(server.requests) == 2
    assert (outcomes(found), found.fixes) == ("oofsfs", ())
    assert "refused the API key" in words(found, Step.KEY)


def test_a_key_that_is_missing_leaves_the_answer_unasked(workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY, models=["tiny"]) as server:
        found = diagnose(workbench, at(workbench, server.url, "tiny", key=""))
        assert not server.chats
    assert outcomes(found) == "oofsss"
    assert words(found, Step.KEY) == "No API key. Enter one."


def test_a_server_that_wants_a_key_after_all_says_what_to_tick(workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY, models=["tiny"]) as server:
        found = diagnose(workbench, at(workbench, server.url, "tiny", key="", requires_key=False))
    assert outcomes(found) == "oofsfs"
    assert "Needs a key" in words(found, Step.KEY)


def test_a_list_that_is_open_to_all_does_not_vouch_for_the_key(workbench: Workbench) -> None:
    with OpenAIServer(models=["tiny"]) as server:
        server.by_model["tiny"] = error_reply(401, "No auth credentials found", code="invalid_api_key")
        found = diagnose(workbench, at(workbench, server.url, "tiny"))
    assert outcomes(found) == "oofofs"


def test_a_missing_model_list_does_no_harm(workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY) as server:
        found = diagnose(workbench, at(workbench, server.url, "tiny"))
    assert (outcomes(found), found.is_well, found.fixes) == ("ooodoo", True, ())
    assert words(found, Step.MODELS).endswith("Chat works without a list.")


def test_an_empty_account_is_neither_the_address_nor_the_key(workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY, models=["tiny"]) as server:
        server.by_model["tiny"] = error_reply(429, "You exceeded your current quota", code="insufficient_quota")
        found = diagnose(workbench, at(workbench, server.url, "tiny"))
        assert len(server.requests) == 2
    assert (outcomes(found), found.fixes) == ("oooofs", ())
    assert "no credit or quota left" in words(found, Step.ANSWER)


def test_an_answer_that_breaks_off_fails_at_the_answer(workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY, models=["tiny"]) as server:
        server.by_model["tiny"] = stream_reply("O", finish=None)
        found = diagnose(workbench, at(workbench, server.url, "tiny"))
    assert outcomes(found) == "oooofs"
    assert "broke off" in words(found, Step.ANSWER)


def test_missing_token_counts_are_doubtful_only(workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY, models=["tiny"]) as server:
        server.by_model["tiny"] = stream_reply("OK", usage=None)
        found = diagnose(workbench, at(workbench, server.url, "tiny"))
    assert (outcomes(found), found.is_well) == ("oooood", True)
    assert "estimates" in words(found, Step.USAGE)


# The fixes: what is offered works when it is taken.


def cured(workbench: Workbench, candidate: Candidate) -> Diagnosis:
    """Take the first fix and examine again."""
    match diagnose(workbench, candidate).fixes[0]:
        case MoveTo(protocol, base_url):
            moved = replace(candidate.provider, protocol=protocol, base_url=base_url)
            return diagnose(workbench, replace(candidate, provider=moved))
        case UseModel(model):
            return diagnose(workbench, replace(candidate, models=(replace(model, is_default=True),)))


@pytest.mark.parametrize("models", [["tiny"], None], ids=["with a list", "without a list"])
def test_a_missing_v1_is_found(workbench: Workbench, models: list[str] | None) -> None:
    with OpenAIServer(api_key=KEY, models=models) as server:
        there = at(workbench, server.origin, "tiny")
        found = diagnose(workbench, there)
        assert (outcomes(found)[0], found.fixes) == ("f", (MoveTo("openai", server.url),))
        assert cured(workbench, there).is_well


def test_a_v1_too_many_is_found(workbench: Workbench) -> None:
    class Bare(OpenAIServer):
        path_prefix = ""

        def choose(self, request):  # type: ignore[no-untyped-def]
            if request.path.startswith("/v1/"):
                return error_reply(404, "not found")
            return super().choose(replace(request, path=f"/v1{request.path}"))

    with Bare(api_key=KEY, models=["tiny"]) as server:
        there = at(workbench, f"{server.origin}/v1", "tiny")
        assert diagnose(workbench, there).fixes == (MoveTo("openai", server.origin),)
        assert cured(workbench, there).is_well


def test_a_page_in_the_place_of_the_api_is_a_wrong_address(workbench: Workbench) -> None:
    class WithPage(OpenAIServer):
        def answer(self, request):  # type: ignore[no-untyped-def]
            return super().answer(request) if request.path.startswith("/v1/") else page_reply()

    with WithPage(api_key=KEY, models=["tiny"]) as server:
        there = at(workbench, server.origin, "tiny")
        found = diagnose(workbench, there)
        assert (outcomes(found), found.fixes) == ("fosdfs", (MoveTo("openai", server.url),))


def test_the_other_protocol_is_found_in_both_directions(workbench: Workbench) -> None:
    with AnthropicServer(api_key=KEY, models=["tiny"]) as server:
        there = at(workbench, f"{server.url}/v1", "tiny")
        assert diagnose(workbench, there).fixes == (MoveTo("anthropic", server.url),)
        assert cured(workbench, there).is_well
    workbench.providers.delete(there.provider)
    with OpenAIServer(api_key=KEY, models=["tiny"]) as server:
        there = at(workbench, server.url, "tiny", protocol="anthropic")
        assert diagnose(workbench, there).fixes == (MoveTo("openai", server.url),)
        assert cured(workbench, there).is_well


def test_a_right_address_is_found_behind_a_wrong_key(workbench: Workbench) -> None:
    with OpenAIServer(models=["tiny"]) as server:

        def strict(path: str) -> Reply:
            return error_reply(401, "bad key", code="invalid_api_key") if path.startswith("/v1/") else page_reply(404)

        server.replies += [lambda request: strict(request.path)] * 20
        found = diagnose(workbench, at(workbench, server.origin, "tiny"))
        assert MoveTo("openai", server.url) in found.fixes


def test_an_existing_model_is_picked_where_the_asked_one_is_not_listed(workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY, models=["text-embed", "big-2", "small"]) as server:
        for model_id in ("old", "big-1"):
            server.by_model[model_id] = error_reply(
                404, f"The model `{model_id}` does not exist", code="model_not_found"
            )
        there = at(workbench, server.url, "old", "small")
        found = diagnose(workbench, there)
        assert outcomes(found) == "oooffs"
        assert found.fixes == (UseModel(there.models[1], is_new=False),)
        assert cured(workbench, there).is_well
        workbench.providers.delete(there.provider)
        there = at(workbench, server.url, "big-1")
        assert [fix.model.id for fix in diagnose(workbench, there).fixes if isinstance(fix, UseModel)] == ["big-2"]
        assert cured(workbench, there).is_well


def test_a_provider_without_models_gets_one_that_answered(workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY, models=["text-embed", "small"]) as server:
        there = at(workbench, server.url)
        found = diagnose(workbench, there)
        assert server.chats[0].model == "small"
    assert found.fixes == (UseModel(Model(there.provider.id, "small", "small"), is_new=True),)


def test_nothing_is_sent_to_another_origin_and_a_built_in_stays_where_it_is(workbench: Workbench) -> None:
    providers = [found.provider for found in workbench.providers.candidates()]
    assert not any(variants(provider) for provider in providers)
    gateway = Provider("g", "G", "openai", "https://gateway.example:8443/api/v2")
    moves = variants(gateway)
    assert {move.base_url.split("/api")[0] for move in moves} == {"https://gateway.example:8443"}
    assert [(move.protocol, move.base_url.rpartition(":8443")[2]) for move in moves] == [
        ("openai", "/api/v1"),
        ("openai", "/api"),
        ("anthropic", "/api"),
    ]


def test_a_protocol_of_your_own_is_examined_like_any_other(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    scripted.play(ProviderError(ErrorKind.AUTH, "Stage refused the key."))
    found = diagnose(workbench, next(c for c in workbench.providers.candidates() if c.provider.id == provider.id))
    assert outcomes(found) == "oofofs"


# Judging, without a network.


def probed(kind: ErrorKind | None, status: int | None = None) -> Probe:
    return Probe(5, None, ProviderError(kind, "said.", http_status=status) if kind else None, None)


def test_a_key_sent_in_the_open_is_doubtful_except_to_this_network(workbench: Workbench) -> None:
    key = at(workbench, "https://x.example", "m").key
    for host, outcome in (("198.51.100.7.example.com", "doubtful"), ("localhost:8000", "ok"), ("192.168.1.4", "ok")):
        candidate = Candidate(Provider("g", "G", "openai", f"http://{host}/v1"), key=key)
        finding = judge(candidate, Seen(Listed(1), Model("g", "m", "M"), probed(None)))[0]
        assert (host, finding.outcome.value) == (host, outcome)


def test_a_key_without_the_right_to_a_model_is_doubtful(workbench: Workbench) -> None:
    key = at(workbench, "https://x.example", "m").key
    seen = Seen(Listed(1, (ModelInfo("m"),)), Model("g", "m", "M"), probed(ErrorKind.PERMISSION, 403))
    provider = Provider("g", "G", "openai", "https://g.example")
    assert judge(Candidate(provider, key=key), seen)[2].outcome is Outcome.DOUBTFUL
    assert judge(Candidate(replace(provider, requires_key=False)), seen)[2].outcome is Outcome.OK


def test_the_vendors_replacement_is_the_first_that_is_offered() -> None:
    old = Model("g", "old-1", "Old", replacement="new")
    listed = Listed(1, tuple(map(ModelInfo, ("old-2", "new", "x"))))
    candidate = Candidate(Provider("g", "G", "openai", "https://g.example"), (old,))
    seen = Seen(listed, old, probed(ErrorKind.NOT_FOUND, 404))
    assert [fix.model.id for fix in model_fixes(candidate, seen)] == ["new", "old-2"]
    known = Candidate(candidate.provider, (old, Model("g", "x", "X"), Model("g", "new", "New")))
    assert [(fix.model.id, fix.is_new) for fix in model_fixes(known, seen)] == [("new", False), ("x", False)]
    assert model_fixes(known, replace(seen, answer=probed(None))) == []
