"""Which project a conversation is in: chosen before its first message, shown above it, changed later."""

from core.projects import ProjectForm
from core.types import Choice
from core.workbench import Workbench
from pages.ui.session import Dialog
from tests.conftest import finished, send
from tests.pages.conftest import OpenPage


def test_a_new_conversation_goes_where_the_welcome_page_says(open_page: OpenPage, workbench: Workbench) -> None:
    assert not open_page("chat").selectbox, "one project is no choice"
    atlas = workbench.projects.save(ProjectForm("Atlas", model_id="demo-echo"))
    app = open_page("chat")
    app.selectbox[0].set_value(atlas.id).run()
    app.chat_input[0].set_value("hello").run()
    [conversation] = workbench.store.conversations.recent()
    assert conversation.project_id == atlas.id
    finished(workbench, conversation.id)
    app.run()
    assert any(":gray-badge[:material/folder: Atlas]" in element.value for element in app.markdown)


def test_a_project_that_was_removed_elsewhere_is_not_chosen_any_more(open_page: OpenPage, workbench: Workbench) -> None:
    app = open_page("chat", project_id="gone")
    app.chat_input[0].set_value("hello").run()
    [conversation] = workbench.store.conversations.recent()
    assert conversation.project_id == "default"


def test_a_moved_conversation_is_answered_as_its_new_project_says(open_page: OpenPage, workbench: Workbench) -> None:
    atlas = workbench.projects.save(ProjectForm("Atlas", model_id="demo-echo"))
    conversation_id = send(workbench, "hello", Choice("demo", "demo-guide"))
    finished(workbench, conversation_id)
    app = open_page("chat", conversation_id=conversation_id, dialog=Dialog("move", conversation_id))
    assert getattr(app.selectbox[0].value, "id", None) == "default"
    app.selectbox[0].set_value(next(p for p in workbench.store.projects.all() if p.id == atlas.id))
    next(button for button in app.button if button.label == "Move").click()
    app.run()
    moved = workbench.store.conversations.get(conversation_id)
    assert moved is not None and moved.project_id == atlas.id
    send(workbench, "again", Choice(), conversation_id=conversation_id)
    assert finished(workbench, conversation_id).model_id == "demo-echo"
    assert {row.project_id for row in workbench.store.attempts.recent()} == {"default", atlas.id}
