"""A provider is edited in two tabs: the second is told in its dialog, and what is typed there stays."""

from dataclasses import replace

from streamlit.testing.v1 import AppTest

from core.providers import ProviderForm
from core.types import Provider
from core.workbench import Workbench
from tests.pages.conftest import OpenPage

FORM = ProviderForm("Mine", "openai", "https://mine.example/v1")


def save(app: AppTest) -> AppTest:
    next(button for button in app.button if button.label == "Save").click().run()
    assert not app.exception
    return app


def opened(open_page: OpenPage, provider: Provider) -> AppTest:
    app = open_page("providers", provider_id=provider.id, provider_dialog="edit")
    assert app.text_input(key=f"name_{provider.id}").value == "Mine"
    return app


def test_the_second_tab_is_told_keeps_what_is_typed_and_may_save_again(
    open_page: OpenPage, workbench: Workbench
) -> None:
    provider = workbench.providers.add(FORM)
    app = opened(open_page, provider)
    workbench.providers.save(provider, replace(FORM, name="Ours"))
    app.run()  # the page is drawn again with the new row, the dialog over it with the old one
    app.text_input(key=f"name_{provider.id}").set_value("Theirs")
    save(app)
    [error] = [error.value.replace("\\", "") for error in app.error]
    assert error.startswith("Mine was changed meanwhile, in another tab: the name is now Ours.")
    assert app.text_input(key=f"name_{provider.id}").value == "Theirs"
    found = workbench.store.providers.get(provider.id)
    assert found is not None and found.name == "Ours"
    assert not save(app).error
    found = workbench.store.providers.get(provider.id)
    assert found is not None and found.name == "Theirs"


def test_a_dialog_opened_again_begins_with_the_row_of_now(open_page: OpenPage, workbench: Workbench) -> None:
    provider = workbench.providers.add(FORM)
    app = opened(open_page, provider)
    workbench.providers.save(provider, replace(FORM, base_url="https://ours.example"))
    save(app)
    assert ["changed meanwhile" in error.value for error in app.error] == [True]
    tab = app.session_state["switchboard"]
    tab.opened.clear()  # what closing the dialog does
    tab.closings += 1
    app.run()
    assert app.text_input(key=f"base_url_{provider.id}_{tab.closings}").value == "https://ours.example"
    assert not save(app).error
