"""Verify and the doctor on the Providers page: of what is saved, and of what is only typed."""

import socket

from streamlit.testing.v1 import AppTest

from core.diagnosis import Step
from core.providers import ProviderForm
from core.types import Model, Provider
from core.workbench import Workbench
from tests.pages.conftest import OpenPage
from tests.pages.test_providers import KEY, _candidate, _labels, _press, _settled
from tests.servers.openai_server import OpenAIServer, error_reply


def _provider(workbench: Workbench, url: str, *models: str, key: str = KEY) -> Provider:
    provider = workbench.providers.add(ProviderForm("Loopback", "openai", url, key=key))
    for model_id in models:
        workbench.providers.save_model(Model(provider.id, model_id, model_id.title()), is_new=True)
    return provider


def _results(app: AppTest) -> list[str]:
    """Return what the doctor says, step by step."""
    lines = [text.value.replace("\\", "") for text in app.markdown]
    return [line for step in Step for line in lines if f"**{step.value}**" in line]


def test_the_doctor_is_offered_only_where_verify_failed(open_page: OpenPage, workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY, models=["tiny"]) as server:
        provider = _provider(workbench, server.url, "tiny")
        app = _press(open_page("providers", provider_id=provider.id), "Verify")
        assert app.success
        assert "Find out why" not in _labels(app)


def test_a_missing_v1_is_found_shown_and_mended_by_a_button(open_page: OpenPage, workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY, models=["tiny"]) as server:
        provider = _provider(workbench, server.origin, "tiny")
        app = _press(open_page("providers", provider_id=provider.id), "Verify")
        app = _press(app, "Find out why")
        assert "no API was found there" in _results(app)[0]
        assert any(f"`{server.origin}` → `{server.url}`" in text.value for text in app.caption)
        assert _candidate(workbench, provider.id).provider.base_url == server.origin
        app = _press(app, "Use this address")
        changed = _candidate(workbench, provider.id)
        assert changed.provider.base_url == server.url
        assert changed.key is not None and changed.key.secret.reveal() == KEY
        app = _press(app, "Verify")
        assert app.success


def test_a_model_that_is_gone_is_replaced_by_one_of_the_list(open_page: OpenPage, workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY, models=["tiny-2"]) as server:
        server.by_model["tiny-1"] = error_reply(404, "The model `tiny-1` does not exist", code="model_not_found")
        provider = _provider(workbench, server.url, "tiny-1")
        app = _press(open_page("providers", provider_id=provider.id), "Verify")
        app = _press(app, "Find out why")
        app = _press(app, r"Add tiny\-2")
        default = _candidate(workbench, provider.id).default_model
        assert default is not None and default.id == "tiny-2"
        assert "tiny\\-2 is now the default" in app.toast[0].value


def test_the_doctor_helps_a_provider_without_models(open_page: OpenPage, workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY, models=["tiny"]) as server:
        provider = _provider(workbench, server.url)
        app = _press(_press(open_page("providers", provider_id=provider.id), "Verify"), "Find out why")
        app = _press(app, "Add tiny")
    assert [model.id for model in _candidate(workbench, provider.id).models] == ["tiny"]


def test_no_step_shows_the_key(open_page: OpenPage, workbench: Workbench) -> None:
    with OpenAIServer() as server:
        server.replies += [error_reply(401, f"Incorrect API key provided: {KEY}.", code="invalid_api_key")] * 5
        provider = _provider(workbench, server.url, "tiny")
        app = _press(_press(open_page("providers", provider_id=provider.id), "Verify"), "Find out why")
    assert "refused the API key" in _results(app)[2]
    assert KEY[12:] not in str(app)


# What is typed in the form.


def _typed(app: AppTest, **values: str) -> AppTest:
    for key, text in values.items():
        app.text_input(key=key).set_value(text)
    next(button for button in app.button if button.label == "Verify" and button.form_id).click()
    return _settled(app.run())


def test_what_is_typed_is_tried_and_not_saved(open_page: OpenPage, workbench: Workbench) -> None:
    before = workbench.providers.candidates()
    with OpenAIServer(api_key=KEY, models=["text-embed", "tiny"]) as server:
        app = _press(open_page("providers"), "Add provider")
        app = _typed(app, name_new="Gateway", base_url_new=server.url, api_key_new=KEY)
        assert server.chats[0].model == "tiny"
    assert "This works. Nothing is saved yet." in [success.value for success in app.success]
    assert workbench.providers.candidates() == before
    assert not workbench.store.keys.has_any()
    next(button for button in app.button if button.label == "Add provider" and button.form_id).click()
    app.run()
    assert [candidate.provider.name for candidate in workbench.providers.candidates()][-1] == "Gateway"


def test_a_fix_changes_the_field_and_not_the_store(open_page: OpenPage, workbench: Workbench) -> None:
    before = workbench.providers.candidates()
    with OpenAIServer(api_key=KEY, models=["tiny"]) as server:
        app = _press(open_page("providers"), "Add provider")
        app = _typed(app, name_new="Gateway", base_url_new=server.origin, api_key_new=KEY)
        app = _press(app, "Use this address")
        assert app.text_input(key="base_url_new").value == server.url
        assert app.text_input(key="name_new").value == "Gateway"
        assert app.text_input(key="api_key_new").value == KEY
        app = _typed(app)
        assert "This works. Nothing is saved yet." in [success.value for success in app.success]
    assert workbench.providers.candidates() == before


def test_a_bad_field_is_refused_before_anything_is_sent(open_page: OpenPage) -> None:
    app = _press(open_page("providers"), "Add provider")
    app = _typed(app, name_new="Gateway", base_url_new="javascript:alert(1)", api_key_new=KEY)
    assert len(app.error) == 1
    assert "Cancel" not in _labels(app)


def test_an_edited_address_is_tried_with_the_stored_key_only_at_the_same_origin(
    open_page: OpenPage, workbench: Workbench
) -> None:
    with OpenAIServer(api_key=KEY, models=["tiny"]) as server, OpenAIServer(models=["tiny"]) as other:
        provider = _provider(workbench, f"{server.origin}/v2", "tiny")
        field = f"base_url_{provider.id}"
        app = _press(open_page("providers", provider_id=provider.id), "Edit")
        app = _typed(app, **{field: server.url})
        assert "This works. Nothing is saved yet." in [success.value for success in app.success]
        assert _candidate(workbench, provider.id).provider.base_url == f"{server.origin}/v2"
        app = _typed(app, **{field: other.url})
        assert "No API key" in _results(app)[2]
        assert not any("authorization" in request.headers for request in other.requests)


def test_an_answer_for_one_form_is_not_shown_in_another(open_page: OpenPage, workbench: Workbench) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        provider = _provider(workbench, url, "tiny")
        app = _typed(
            _press(open_page("providers", provider_id=provider.id), "Add provider"),
            name_new="New",
            base_url_new=url,
            api_key_new=KEY,
        )
        assert "refused the connection" in _results(app)[1]
        app.session_state["switchboard"].provider_dialog = "edit"
        assert not _results(app.run())
