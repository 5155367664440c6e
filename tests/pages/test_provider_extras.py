"""Local servers, stored keys, the trash and the settings file on the Providers page."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from streamlit.testing.v1 import AppTest

import core.local_servers as local_servers
from core.providers import ProviderForm
from core.types import Model, Provider
from core.workbench import Workbench
from pages.ui.enter import _workbench, close_workbench
from tests.pages.conftest import WAIT_S, OpenPage
from tests.pages.test_providers import KEY, _candidate, _labels, _press
from tests.servers.openai_server import OpenAIServer


def _custom(workbench: Workbench, name: str = "Mine") -> Provider:
    form = ProviderForm(name, "openai", f"https://{name.lower()}.example", key=KEY)
    return workbench.providers.add(form, models=[Model("", "a", "A")])


def test_a_local_server_is_found_and_added_with_one_click(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer(models=["llama3", "qwen3"]) as server:
        ports = {int(server.origin.rpartition(":")[2]): "Ollama"}
        monkeypatch.setattr(local_servers.look, "__kwdefaults__", {"ports": ports})
        app = open_page("providers")
        assert not server.requests
        app = _press(app, "Look for local servers")
        app = _press(app, "Add")
        assert [toast.value for toast in app.toast] == ["Ollama added with 2 models. It needs no key."]
        added = workbench.providers.candidates()[-1]
        assert added.is_usable and [model.id for model in added.models] == ["llama3", "qwen3"]
        assert "Ollama" in app.subheader[0].value
        app = _press(app, "Look for local servers")
        assert "Add" not in _labels(app)
        assert any(caption.value == "Here as Ollama" for caption in app.caption)


def test_no_local_server_is_said_with_where_was_looked(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_servers.look, "__kwdefaults__", {"ports": {}})
    app = _press(open_page("providers"), "Look for local servers")
    assert "No server answered" in app.info[0].value
    assert any("Ollama (11434), LM Studio (1234)" in caption.value for caption in app.caption)


def test_keys_are_reencrypted_after_a_change_of_the_encryption_key(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    _custom(workbench)
    close_workbench()
    new = Fernet.generate_key().decode()
    monkeypatch.setenv("ENCRYPTION_KEY", new)
    app = open_page("providers")
    assert list(app.dataframe[-1].value["Encrypted"]) == ["under an older encryption key"]
    app = _press(app, "Re-encrypt keys")
    assert app.toast[0].value == "1 of 1 keys are now under the newest encryption key."
    assert list(app.dataframe[-1].value["Encrypted"]) == ["under the newest encryption key"]
    close_workbench()
    (data_dir / "encryption.key").unlink()
    assert _candidate(_workbench(), _workbench().providers.candidates()[-1].provider.id).key is not None


def test_a_lost_encryption_key_names_the_providers_that_need_their_key_again(
    open_page: OpenPage, workbench: Workbench, data_dir: Path
) -> None:
    _custom(workbench)
    before = workbench.store.keys.all()
    close_workbench()
    (data_dir / "encryption.key").unlink()
    app = open_page("providers")
    assert app.expander[0].label == "Stored keys (1) · 1 cannot be read"
    assert app.dataframe[-1].value.iloc[0]["Provider"] == "Mine"
    assert any("encryption key is missing" in warning.value for warning in app.warning)
    button = next(button for button in app.button if button.label == "Re-encrypt keys")
    assert button.disabled
    assert _workbench().store.keys.all() == before


def test_a_deleted_provider_is_restored_from_the_trash(open_page: OpenPage, workbench: Workbench) -> None:
    provider = _custom(workbench)
    workbench.providers.delete(provider)
    app = open_page("providers")
    assert app.expander[0].label == "Trash (1)"
    assert any("Mine · 29 days left" in text.value for text in app.markdown)
    app = _press(app, "Restore")
    assert [model.id for model in _candidate(workbench, provider.id).models] == ["a"]
    assert "Restore" not in _labels(app)


def test_a_restore_whose_name_is_taken_says_what_to_do(open_page: OpenPage, workbench: Workbench) -> None:
    workbench.providers.delete(_custom(workbench))
    _custom(workbench, "MINE")
    app = _press(open_page("providers"), "Restore")
    assert "Rename that one first" in app.error[0].value


def _preview() -> None:
    import streamlit as st

    from pages.ui.enter import enter
    from pages.ui.provider_extras import import_preview

    import_preview(enter(is_main=True), st.query_params["file"].encode())


FILE = 'format = 1\n[[providers]]\nname = "New"\nprotocol = "openai"\nbase_url = "https://new.example"\n'


def _open_preview(text: str) -> AppTest:
    app = AppTest.from_function(_preview, default_timeout=WAIT_S)
    app.query_params["file"] = text
    return app.run()


def test_a_file_is_previewed_before_it_is_imported(workbench: Workbench) -> None:
    app = _open_preview(FILE + FILE.replace("format = 1\n", "").replace('"New"', '"OpenAI"'))
    assert list(app.dataframe[0].value["Standing"]) == ["new", "refused"]
    assert workbench.providers.candidates()[-1].is_demo
    _press(app, "Import 1 provider")
    assert workbench.providers.candidates()[-1].provider.name == "New"


def test_another_file_is_refused_in_the_page(workbench: Workbench) -> None:
    app = _open_preview("hello")
    assert "not a TOML file" in app.error[0].value
    assert not app.button
