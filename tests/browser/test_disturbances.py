"""What happens to real chats: impatient fingers, several tabs, closed browsers, deletions, a stopped server."""

import json
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.config import load_config
from core.projects import DEFAULT_PROJECT_ID
from core.providers import ProviderForm
from core.store.connection import Cursor
from core.types import AUTOMATIC, Conversation, Message, Role, Status
from core.workbench import Workbench
from tests.browser.chat import choose, message_box, open_chat, replies, send
from tests.browser.providers import disable, open_providers
from tests.conftest import wait_until
from tests.running_app import RunningApp, prepare
from tests.servers.base import Reply, Request
from tests.servers.openai_server import OpenAIServer, echo_reply, stream_reply

LONG = "long"  # the id of a conversation of 60 messages


@dataclass
class Stage:
    """A running app whose provider answers by the words of the message; what has no script is echoed."""

    app: RunningApp
    server: OpenAIServer
    scripts: dict[str, Reply] = field(default_factory=dict)

    def answer(self, request: Request) -> Reply:
        return self.scripts.get(str(request.json["messages"][-1]["content"])) or echo_reply(request)

    def hold(self, message: str, before: str, after: str) -> threading.Event:
        """Answer this message with `before`, and with `after` once the event that is returned is set."""
        is_over = threading.Event()
        reply = stream_reply(before, after)
        first = 2  # the role, then the word
        self.scripts[message] = Reply((*reply.steps[:first], is_over, *reply.steps[first:]), headers=reply.headers)
        return is_over

    def asked(self, message: str) -> int:
        return sum(request.json["messages"][-1]["content"] == message for request in self.server.chats)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("disturbed") / "data"
    with OpenAIServer() as server:
        prepare(
            folder,
            (ProviderForm("Alpha", "openai", server.url, requires_key=False), ("alpha-1",)),
            (ProviderForm("Beta", "openai", server.url, requires_key=False), ("beta-1",)),
        )
        write_long_conversation(folder)
        with RunningApp(folder) as app:
            stage = Stage(app, server)
            server.by_model = {"alpha-1": stage.answer, "beta-1": stage.answer}
            yield stage
        assert app.complaints() == []


def write_long_conversation(folder: Path) -> None:
    began = datetime.now(UTC) - timedelta(days=1)
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(folder)}, {}))

    def write(cursor: Cursor) -> None:
        workbench.store.conversations.add(
            cursor, Conversation(LONG, DEFAULT_PROJECT_ID, "A long talk", AUTOMATIC, "m60", began, began)
        )
        for number in range(1, 61):
            role = Role.USER if number % 2 else Role.ASSISTANT
            parent = f"m{number - 1}" if number > 1 else None
            workbench.store.messages.add(
                cursor, Message(f"m{number}", LONG, role, f"part {number}.", Status.DONE, began, number, parent)
            )

    try:
        workbench.store.log.write(write)
    finally:
        workbench.close()


def asked(page: Page) -> Locator:
    return page.get_by_label("Chat message from user")


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def menu(page: Page, action: str) -> None:
    page.locator(".st-key-conversation-menu").get_by_role("button").click()
    page.get_by_role("option", name=action).or_(page.get_by_role("menuitem", name=action)).press("Enter")


def press(message: Locator, icon: str) -> None:
    """Press one of the small buttons under a message."""
    message.get_by_role("button", name=f"{icon} icon").click()


def chat_once(page: Page, url: str, text: str) -> str:
    """Begin a conversation with a message, wait for the answer and return the conversation's address."""
    open_chat(page, f"{url}/?new=1")
    send(page, text)
    expect(replies(page).last).to_contain_text("first token")
    page.wait_for_url(re.compile(r"[?&]c="))
    return page.url


def other_tab(page: Page, url: str) -> Page:
    tab = page.context.new_page()
    open_chat(tab, url)
    return tab


def test_impatient_fingers_send_once(page: Page, stage: Stage) -> None:
    is_over = stage.hold("impatient", "one ", "answer")
    open_chat(page, stage.app.url)
    message_box(page).fill("impatient")
    for _ in range(2):
        page.keyboard.press("Enter")
    page.get_by_test_id("stChatInputSubmitButton").click(force=True)
    expect(replies(page).first).to_contain_text("one")
    page.keyboard.press("Enter")
    is_over.set()
    expect(replies(page).first).to_contain_text(re.compile("one answer.*first token", re.DOTALL))
    expect(asked(page)).to_have_count(1)
    expect(replies(page)).to_have_count(1)
    expect(message_box(page)).to_have_value("")
    assert stage.asked("impatient") == 1


def test_of_two_tabs_that_send_at_once_one_is_told_and_both_follow_the_one_answer(page: Page, stage: Stage) -> None:
    url = chat_once(page, stage.app.url, "two tabs")
    tab = other_tab(page, url)
    expect(replies(tab)).to_have_count(1)
    is_over = [stage.hold(text, "half ", "and half") for text in ("from one", "from two")]
    message_box(page).fill("from one")
    message_box(tab).fill("from two")
    message_box(page).press("Enter")
    message_box(tab).press("Enter")
    told = page.get_by_text("An answer is running").or_(page.get_by_text("Your message was not sent"))
    told_too = tab.get_by_text("An answer is running").or_(tab.get_by_text("Your message was not sent"))
    for each in (page, tab):
        expect(replies(each).nth(1)).to_contain_text("half")
    wait_until(lambda: told.count() + told_too.count() == 1)
    loser = page if told.count() else tab
    expect(message_box(loser)).to_have_value("from one" if loser is page else "from two")
    for event in is_over:
        event.set()
    for each in (page, tab):
        expect(replies(each).nth(1)).to_contain_text(re.compile("half and half.*first token", re.DOTALL))
        expect(asked(each)).to_have_count(2)
    assert stage.asked("from one") + stage.asked("from two") == 1


def test_a_tab_that_is_open_follows_and_what_is_typed_in_it_survives_the_end_of_the_turn(
    page: Page, stage: Stage
) -> None:
    url = chat_once(page, stage.app.url, "follow me")
    tab = other_tab(page, url)
    message_box(tab).fill("typed meanwhile")
    is_over = stage.hold("and on", "half ", "and half")
    send(page, "and on")
    expect(replies(tab).nth(1)).to_contain_text("half")
    menu(page, "Rename")
    dialog(page).get_by_role("textbox", name="Title").fill("Half a tit")
    press(asked(tab).first, "edit")
    dialog(tab).get_by_role("textbox", name="Message").fill("follow me not")
    is_over.set()
    for each in (page, tab):
        expect(replies(each).nth(1)).to_contain_text("half and half")
    expect(replies(page).nth(1)).to_contain_text("first token")
    expect(replies(tab).nth(1)).to_contain_text("first token")
    expect(dialog(page).get_by_role("textbox", name="Title")).to_have_value("Half a tit")
    expect(dialog(tab).get_by_role("textbox", name="Message")).to_have_value("follow me not")
    expect(message_box(tab)).to_have_value("typed meanwhile")
    dialog(page).get_by_role("textbox", name="Title").fill("A whole title")
    dialog(page).get_by_role("button", name="Rename").click()
    expect(page.get_by_role("link", name="A whole title")).to_be_visible()


def test_an_answer_outlives_its_provider_and_its_browser(page: Page, browser: Browser, stage: Stage) -> None:
    is_over = stage.hold("last words", "half ", "and half")
    open_chat(page, f"{stage.app.url}/?new=1")
    choose(page, "Beta · beta-1")
    send(page, "last words")
    expect(replies(page).first).to_contain_text("half")
    page.wait_for_url(re.compile(r"[?&]c="))
    url = page.url
    tab = page.context.new_page()
    open_providers(tab, stage.app.url)
    disable(tab, "Beta")
    tab.get_by_role("button", name="Delete", exact=True).click()
    dialog(tab).get_by_role("button", name="Delete").click()
    expect(dialog(tab)).to_be_hidden()
    expect(replies(page).first).to_contain_text("half")
    page.close()
    tab.close()
    is_over.set()
    context = browser.new_context()
    again = context.new_page()
    again.goto(url)
    expect(replies(again).first).to_contain_text(re.compile("half and half.*Beta · beta-1 · first token", re.DOTALL))
    send(again, "and now?")
    expect(again.get_by_text("The chosen provider no longer exists")).to_be_visible()
    expect(message_box(again)).to_have_value("and now?")
    context.close()


def test_a_conversation_deleted_in_another_tab_stops_and_comes_back_from_undo_and_from_the_trash(
    page: Page, stage: Stage
) -> None:
    url = chat_once(page, stage.app.url, "doomed")
    stage.hold("the end", "half ", "and half")
    send(page, "the end")
    expect(replies(page).nth(1)).to_contain_text("half")
    tab = other_tab(page, url)
    menu(tab, "Delete")
    expect(page.get_by_text("This conversation does not exist any more")).to_be_visible()
    assert stage.server.chats[-1].hung_up.wait(5)
    tab.get_by_role("button", name="Undo").click()
    expect(replies(tab).nth(1)).to_contain_text(re.compile("half.*You stopped this answer", re.DOTALL))
    menu(tab, "Delete")
    expect(tab.get_by_role("link", name="doomed")).to_be_hidden()
    tab.get_by_role("button", name="Trash").click()
    dialog(tab).get_by_role("button", name="Restore").first.click()
    expect(tab.get_by_role("link", name="doomed")).to_be_visible()
    open_chat(tab, url)
    expect(replies(tab)).to_have_count(2)


def test_links_and_the_back_button_lead_where_the_next_message_goes(page: Page, stage: Stage) -> None:
    first = chat_once(page, stage.app.url, "the first one")
    page.get_by_role("link", name="New chat").click()
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    is_over = stage.hold("the second one", "half ", "and half")
    send(page, "the second one")
    expect(replies(page).first).to_contain_text("half")
    expect(asked(page)).to_have_count(1)
    second = page.url
    page.get_by_role("link", name="the first one").click()
    expect(asked(page).first).to_contain_text("the first one")
    expect(page).to_have_url(first)
    send(page, "to the first")
    expect(replies(page).nth(1)).to_contain_text(re.compile("to the first.*first token", re.DOTALL))
    is_over.set()
    page.go_back()
    expect(page).to_have_url(second)
    expect(asked(page).first).to_contain_text("the second one")
    expect(replies(page).first).to_contain_text("half and half")
    send(page, "to the second")
    expect(replies(page).nth(1)).to_contain_text(re.compile("to the second.*first token", re.DOTALL))
    expect(asked(page)).to_have_count(2)
    page.reload()
    expect(asked(page)).to_have_count(2)
    expect(asked(page).last).to_contain_text("to the second")


def test_an_answer_has_versions_and_a_message_too(page: Page, stage: Stage) -> None:
    url = chat_once(page, stage.app.url, "version one")
    press(replies(page).first, "refresh")
    expect(replies(page).first).to_contain_text("2/2")
    press(replies(page).first, "chevron_left")
    expect(replies(page).first).to_contain_text("1/2")
    press(asked(page).first, "edit")
    dialog(page).get_by_role("textbox", name="Message").fill("version two")
    dialog(page).get_by_role("button", name="Send").click()
    expect(dialog(page)).to_be_hidden()
    expect(asked(page).first).to_contain_text(re.compile("version two.*2/2", re.DOTALL))
    expect(replies(page).first).to_contain_text(re.compile("version two.*first token", re.DOTALL))
    page.goto(url)
    press(asked(page).first, "chevron_left")
    expect(asked(page).first).to_contain_text(re.compile("version one.*1/2", re.DOTALL))
    expect(replies(page).first).to_contain_text(re.compile("version one.*2/2", re.DOTALL))


def test_search_finds_a_message_and_export_takes_it_along(page: Page, stage: Stage) -> None:
    chat_once(page, stage.app.url, "a needle in *this* haystack")
    open_chat(page, f"{stage.app.url}/?new=1")
    page.get_by_placeholder("Search all messages").fill("NEEDLE in *th")
    page.keyboard.press("Enter")
    expect(page.get_by_text("a needle in *this* haystack")).to_have_count(2)
    page.get_by_role("link", name="a needle in this haystack").first.click()
    expect(asked(page)).to_have_count(1)
    menu(page, "Export")
    with page.expect_download() as download:
        dialog(page).get_by_role("button", name="Markdown").click()
    text = download.value.path().read_text()
    assert text.startswith("# a needle in this haystack\n\n## You\n\na needle in *this* haystack\n\n## alpha-1 · Alpha")
    with page.expect_download() as download:
        dialog(page).get_by_role("button", name="JSON").click()
    content = json.loads(download.value.path().read_text())
    assert [message["text"] for message in content["messages"]] == ["a needle in *this* haystack"] * 2


def test_a_stale_address_says_so_and_a_new_chat_can_begin(page: Page, stage: Stage) -> None:
    open_chat(page, f"{stage.app.url}/?c=00000000000000000000000000000000")
    expect(page.get_by_text("This conversation does not exist any more")).to_be_visible()
    send(page, "from a stale address")
    expect(replies(page).first).to_contain_text("first token")
    expect(page.get_by_text("This conversation does not exist any more")).to_be_hidden()


def test_a_long_conversation_shows_its_end_and_loads_what_is_earlier(page: Page, stage: Stage) -> None:
    open_chat(page, f"{stage.app.url}/?c={LONG}")
    expect(page.get_by_text("part 60.")).to_be_visible()
    expect(asked(page)).to_have_count(20)
    page.get_by_role("button", name="Load earlier (20)").click()
    expect(asked(page)).to_have_count(30)
    expect(page.get_by_text("part 1.", exact=True)).to_be_attached()
    expect(page.get_by_role("button", name="Load earlier")).to_have_count(0)


def test_a_second_server_on_the_folder_says_who_holds_it(page: Page, stage: Stage) -> None:
    assert stage.app.process is not None
    with RunningApp(stage.app.data_dir) as second:
        page.goto(second.url)
        expect(page.get_by_role("heading", name="Already running")).to_be_visible()
        expect(page.get_by_text(f"Switchboard is already running (PID {stage.app.process.pid})")).to_be_visible()
        page.goto("about:blank")
    assert second.complaints() == []
    open_chat(page, stage.app.url)


def damage_wal(folder: Path, seeded_folder: Path) -> bytes:
    """Leave a data folder as a kill does, with a log that nobody checkpointed, and turn a byte in the middle of it."""
    source = shutil.copytree(seeded_folder, folder.parent / "source")
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(source)}, {}))
    try:
        workbench.store.log.write(lambda cursor: cursor.execute("CREATE TABLE filler AS FROM range(2000)"))
        shutil.copytree(source, folder)
    finally:
        workbench.close()
    wal = folder / "log.duckdb.wal"
    content = bytearray(wal.read_bytes())
    content[len(content) // 2] ^= 0xFF
    wal.write_bytes(content)
    return bytes(content)


def test_the_page_of_a_damaged_log_leads_out_and_keeps_the_log(page: Page, tmp_path: Path, seeded_folder: Path) -> None:
    folder = tmp_path / "data"
    content = damage_wal(folder, seeded_folder)
    with RunningApp(folder) as app:
        page.goto(app.url)
        expect(page.get_by_role("heading", name="A file of Switchboard is damaged")).to_be_visible()
        assert (folder / "log.duckdb.wal").read_bytes() == content
        page.get_by_role("button", name="Set the write-ahead log aside").click()
        expect(message_box(page)).to_be_visible()
        page.goto("about:blank")
    assert app.complaints() == []
    [kept] = folder.glob("log.duckdb.wal.damaged-*")
    assert kept.read_bytes() == content


@pytest.mark.parametrize("is_plain_script", [False, True], ids=["st.App", "plain script"])
def test_a_server_that_is_stopped_in_the_middle_of_an_answer_stores_what_had_arrived(
    page: Page, tmp_path: Path, openai: OpenAIServer, is_plain_script: bool
) -> None:
    folder = tmp_path / "data"
    prepare(folder, (ProviderForm("Alpha", "openai", openai.url, requires_key=False), ("alpha-1",)))
    words = [f"word{number} " for number in range(300)]
    steps = stream_reply(*words).steps
    with RunningApp(folder, is_plain_script=is_plain_script) as app:
        openai.by_model["alpha-1"] = Reply((*steps[:301], threading.Event()), headers=stream_reply().headers)
        open_chat(page, app.url)
        send(page, "talk")
        expect(replies(page).first).to_contain_text("word299")
        page.goto("about:blank")
        app.stop()
    assert app.complaints() == []
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(folder)}, {}))
    try:
        [conversation] = workbench.store.conversations.recent()
        sent, reply = workbench.turns.history(conversation)
        [attempt] = workbench.store.attempts.recent()
    finally:
        workbench.close()
    assert (sent.text, reply.text) == ("talk", "".join(words))
    assert (reply.status, attempt.status) == (Status.INTERRUPTED, Status.INTERRUPTED)
