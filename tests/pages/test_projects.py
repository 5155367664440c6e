"""The Projects page: every verb and refusal, and a key that is never shown."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from core.projects import ProjectForm
from core.providers import ProviderForm
from core.types import Choice, Model, Project, Provider
from core.workbench import Workbench
from pages.ui.project_forms import model_words
from pages.ui.session import Session
from tests.core.test_usage import make_attempt, write
from tests.pages.conftest import WAIT_S, OpenPage
from tests.pages.test_model_selector import drawn
from tests.pages.test_providers import KEY, _labels, _press


@pytest.fixture
def mine(workbench: Workbench) -> Provider:
    form = ProviderForm("Mine", "openai", "https://mine.example/v1", key="providers-own-key")
    return workbench.providers.add(form, models=[Model("", "m", "Model M")])


def _save(workbench: Workbench, provider: Provider | None = None, *, key: str = "") -> Project:
    form = ProjectForm("Atlas", "Be *brief*.", "m" if provider else None, provider.id if provider else None, key)
    return workbench.projects.save(form)


def test_the_default_project_is_shown_and_cannot_be_archived(open_page: OpenPage) -> None:
    app = open_page("projects")
    assert list(app.dataframe[0].value["Name"]) == ["Default"]
    assert list(app.dataframe[0].value["Answers"]) == ["Automatic"]
    assert "Edit" in _labels(app)
    assert not {"Archive", "Remove key"} & set(_labels(app))


def test_a_projects_own_key_is_shown_masked_and_can_be_removed(
    open_page: OpenPage, workbench: Workbench, mine: Provider
) -> None:
    project = _save(workbench, mine, key=KEY)
    app = open_page("projects", project_shown_id=project.id)
    assert list(app.dataframe[0].value["Own key"]) == ["", "stored"]
    shown = str(app.table[0].value)
    assert KEY not in str(app)
    assert "stored" in shown
    app = _press(app, "Remove key")
    assert not workbench.projects.has_key(project)
    assert "Remove key" not in _labels(app)


def test_new_conversations_go_where_the_user_says(open_page: OpenPage, workbench: Workbench) -> None:
    project = _save(workbench)
    app = _press(open_page("projects", project_shown_id=project.id), "Use for new conversations")
    assert app.session_state["switchboard"].project_id == project.id
    assert "New conversations go here" in app.subheader[0].value


def test_a_system_prompt_is_shown_as_it_is(open_page: OpenPage, workbench: Workbench) -> None:
    app = open_page("projects", project_shown_id=_save(workbench).id)
    assert app.code[0].value == "Be *brief*."


def test_a_projects_usage_is_told_and_nobody_elses(open_page: OpenPage, workbench: Workbench) -> None:
    project = _save(workbench)
    now = datetime.now(UTC)
    write(
        workbench.store,
        [
            make_attempt(now, project_id=project.id, cost_usd=Decimal("0.25")),
            make_attempt(now, project_id=project.id, cost_usd=None),
            make_attempt(now - timedelta(days=31), project_id=project.id, cost_usd=Decimal(9)),
            make_attempt(now, project_id="default", cost_usd=Decimal(7)),
        ],
    )
    app = open_page("projects", project_shown_id=project.id)
    assert "2 messages, ≥ $0.2500, 1 unpriced" in str(app.table[0].value).replace("\\", "")


def test_an_archived_project_is_listed_below_and_comes_back(open_page: OpenPage, workbench: Workbench) -> None:
    project = _save(workbench)
    app = open_page("projects", project_shown_id=project.id)
    assert {"Archive"} <= set(_labels(app))
    workbench.projects.archive(project)
    app.run()
    assert list(app.dataframe[0].value["Name"]) == ["Default"]
    _press(app, "Restore")
    assert list(app.dataframe[0].value["Name"]) == ["Default", "Atlas"]
    assert "Restore" not in _labels(app)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (Choice(), "Automatic"),
        (Choice("gone", "m"), "a provider that is gone · m"),
        (Choice(None, "m"), "any provider · m"),
        (Choice("openai"), "OpenAI · its default"),
        (Choice("openai", "gpt-6-luna"), "OpenAI · GPT-6 Luna"),
        (Choice("openai", "gone"), "OpenAI · gone"),
    ],
)
def test_who_answers_in_words(workbench: Workbench, choice: Choice, words: str) -> None:
    assert model_words(choice, workbench.providers.candidates()) == words


# The form, drawn without its dialog.


def _form() -> None:
    import streamlit as st

    from pages.ui.enter import enter
    from pages.ui.project_forms import project_form

    known = enter(is_main=True).store.projects.get(st.query_params.get("project", ""))
    if saved := project_form(enter(is_main=True), known):
        st.text(saved.id)


def _open(project: Project | None = None, *, chosen: Choice | None = None) -> AppTest:
    """Open the form, as it is once this choice was made in its selector: AppTest cannot click in a component."""
    app = AppTest.from_function(_form, default_timeout=WAIT_S)
    app.session_state["switchboard"] = Session(project_choices={"new": chosen} if chosen else {})
    if project:
        app.query_params["project"] = project.id
    return app.run()


def _send(app: AppTest) -> AppTest:
    app.button[0].click()
    app.run()
    assert not app.exception
    return app


def test_provider_and_model_are_set_together_with_a_key(workbench: Workbench, mine: Provider) -> None:
    app = _open(chosen=Choice(mine.id, "m"))
    app.text_input(key="project_name_new").set_value("Atlas")
    app.text_area(key="system_prompt_new").set_value("Be brief.")
    app.text_input(key="project_key_new").set_value(KEY)
    app.multiselect(key="project_fallbacks_new").set_value([f"{mine.id}/m"])
    project = workbench.store.projects.get(_send(app).text[0].value)
    assert project is not None
    assert project == Project(project.id, "Atlas", "Be brief.", "m", mine.id, (f"{mine.id}/m",))
    assert workbench.projects.has_key(project)


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("project_name_new", "", "Enter a name"),
        ("project_name_new", "dEFAULT", "already a project called"),
        ("project_name_new", "[x](http://x)", "may not contain"),
        ("project_key_new", KEY, "choose one first"),
    ],
)
def test_a_bad_project_is_refused_in_the_form(workbench: Workbench, field: str, text: str, reason: str) -> None:
    app = _open()
    app.text_input(key="project_name_new").set_value("Atlas")
    app.text_input(key=field).set_value(text)
    app = _send(app)
    assert len(app.error) == 1
    assert reason in app.error[0].value.replace("\\", "")
    assert len(workbench.store.projects.all()) == 1


def test_an_edit_begins_with_what_is_stored_but_the_key(workbench: Workbench, mine: Provider) -> None:
    project = _save(workbench, mine, key=KEY)
    app = _open(project)
    assert app.text_input(key=f"project_key_{project.id}").value == ""
    assert drawn(app)["button"] == {"name": "Model M", "detail": "Mine", "problem": ""}
    app.text_input(key=f"project_name_{project.id}").set_value("Borealis")
    _send(app)
    saved = workbench.store.projects.get(project.id)
    assert saved is not None and saved.name == "Borealis"
    assert workbench.projects.has_key(saved)


def test_a_project_whose_provider_is_gone_can_still_be_opened(
    open_page: OpenPage, workbench: Workbench, mine: Provider
) -> None:
    project = _save(workbench, mine)
    workbench.providers.delete(mine)
    app = open_page("projects", project_shown_id=project.id)
    assert list(app.dataframe[0].value["Answers"])[1] == "a provider that is gone · m"
    form = _open(project)
    assert drawn(form)["button"] == {"name": "m", "detail": "", "problem": "no longer there"}
    assert "Choose another" in _send(form).error[0].value
