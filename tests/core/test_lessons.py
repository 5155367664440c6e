"""What refusals teach in a whole turn: kept on the provider or the model, sent no more, and forgotten on request."""

from core.providers import ProviderForm
from core.types import AnswerSettings, Choice, CostSource, Model, ProviderFlag, Status
from core.workbench import Workbench
from tests.conftest import finished, send
from tests.servers.openai_server import OpenAIServer, error_reply


def test_a_lesson_is_kept_for_the_next_request_and_can_be_forgotten(workbench: Workbench) -> None:
    with OpenAIServer() as server:
        provider = workbench.providers.add(ProviderForm("Acme", "openai", server.url, requires_key=False))
        workbench.providers.save_model(Model(provider.id, "m", "M"), is_new=True)
        server.replies += [
            error_reply(400, "Unknown parameter: temperature"),
            error_reply(400, "max_tokens is too large: 9000. This model supports at most 4096 completion tokens"),
        ]
        choice = Choice(provider.id, "m")
        id_ = workbench.turns.send(
            "One",
            choice,
            conversation_id=None,
            project_id="default",
            settings=AnswerSettings(temperature=0.5, max_output_tokens=9000),
        )
        reply = finished(workbench, id_)
        assert (reply.text, reply.status) == ("One", Status.DONE)
        known = workbench.store.providers.get(provider.id)
        assert known is not None and known.flags == {ProviderFlag.NO_TEMPERATURE}
        assert workbench.store.models.of(provider.id)[0].max_output_tokens == 4096
        send(workbench, "Two", choice, conversation_id=id_)
        finished(workbench, id_)
        workbench.providers.forget(provider, ProviderFlag.NO_TEMPERATURE)
        send(workbench, "Three", choice, conversation_id=id_)
        finished(workbench, id_)
        sent = [(body.get("temperature"), body["max_tokens"]) for body in (request.json for request in server.chats)]
    assert sent == [(0.5, 9000), (None, 9000), (None, 4096), (None, 4096), (0.5, 4096)]
    rows = workbench.store.attempts.recent()[::-1]
    assert [row.parameters for row in rows] == [
        "at most 4,096 tokens",
        "at most 4,096 tokens",
        "temperature 0.5, at most 4,096 tokens",
    ]
    assert {row.cost_source for row in rows} == {CostSource.UNPRICED}
