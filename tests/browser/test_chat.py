"""The chat page in a real browser: the demo, switching, reload, page switch, stop."""

import re
from decimal import Decimal

from playwright.sync_api import Page, expect

from core.types import Status
from tests.browser.chat import choose, logged, message_box, open_chat, replies, selector, send
from tests.browser.providers import disable, switch_page
from tests.running_app import RunningApp
from tests.servers.base import Stop
from tests.servers.openai_server import OpenAIServer, stream_reply


def test_a_first_start_without_any_key_gives_a_demo_answer(page: Page, app: RunningApp) -> None:
    open_chat(page, app.url)
    expect(page.get_by_text("You are talking to the demo")).to_be_visible()
    send(page, "What can I do here?")
    expect(replies(page).first).to_contain_text("no other provider can be used")
    [attempt] = logged(page, app)
    assert (attempt.provider_id, attempt.status, attempt.cost_usd) == ("demo", Status.DONE, Decimal(0))


def test_a_switch_takes_effect_on_the_very_next_message(page: Page, two_providers: RunningApp) -> None:
    open_chat(page, two_providers.url)
    choose(page, "Alpha · alpha-1")
    send(page, "first message")
    expect(replies(page).nth(0)).to_contain_text("chosen with the message")
    choose(page, "Beta · beta-2")
    send(page, "second message")
    expect(replies(page).nth(1)).to_contain_text("chosen with the message")
    expect(replies(page).nth(0)).to_contain_text("Alpha · alpha-1")
    expect(replies(page).nth(1)).to_contain_text("Beta · beta-2")
    page.reload()
    expect(selector(page)).to_have_text("beta-2 · Beta")
    assert [(row.provider_name, row.model_requested) for row in logged(page, two_providers)] == [
        ("Alpha", "alpha-1"),
        ("Beta", "beta-2"),
    ]


def test_an_answer_goes_on_through_reload_page_switch_and_model_switch(
    page: Page, two_providers: RunningApp, openai: OpenAIServer
) -> None:
    words = [f"word{number} " for number in range(400)]
    openai.by_model["alpha-1"] = stream_reply(*words, model="alpha-1", pace_s=0.02)
    open_chat(page, two_providers.url)
    choose(page, "Alpha · alpha-1")
    send(page, "talk for a while")
    expect(replies(page).first).to_contain_text("word20 ")
    page.reload()
    expect(replies(page).first).to_contain_text("word60 ")
    page.get_by_role("link", name="Providers").first.click()
    expect(page.get_by_role("heading", name="Providers", exact=True)).to_be_visible()
    page.get_by_role("link", name="Chat").first.click()
    expect(replies(page).first).to_contain_text("word120 ")
    choose(page, "Beta · beta-1")
    expect(replies(page).first).to_contain_text("word399")
    expect(replies(page).first).to_contain_text("Alpha · alpha-1 · first token")
    assert len(openai.chats) == 1
    [attempt] = logged(page, two_providers)
    assert (attempt.model_requested, attempt.status) == ("alpha-1", Status.DONE)


def test_stop_keeps_the_text_and_hangs_up(page: Page, two_providers: RunningApp, openai: OpenAIServer) -> None:
    reply = stream_reply(*[f"word{number} " for number in range(30)], finish=None, pace_s=0.01)
    openai.by_model["alpha-1"] = type(reply)((*reply.steps[:-2], Stop.HANG), headers=reply.headers)
    open_chat(page, two_providers.url)
    choose(page, "Alpha · alpha-1")
    send(page, "talk for ever")
    expect(replies(page).first).to_contain_text("word29")
    page.get_by_role("button", name="Stop").click()
    expect(replies(page).first).to_contain_text("You stopped this answer")
    assert openai.chats[0].hung_up.wait(5)
    page.reload()
    expect(replies(page).first).to_contain_text(re.compile("word29.*You stopped this answer", re.DOTALL))
    [attempt] = logged(page, two_providers)
    assert (attempt.status, attempt.usage.is_estimated) == (Status.STOPPED, True)


def test_a_refused_message_says_why_and_stays_in_the_box(page: Page, two_providers: RunningApp) -> None:
    open_chat(page, two_providers.url)
    choose(page, "Alpha · alpha-1")
    switch_page(page, "Providers")
    disable(page, "Alpha")
    switch_page(page, "Chat")
    expect(selector(page)).to_have_text("alpha-1 · Alpha — is disabled")
    send(page, "are you there?")
    refusal = page.get_by_text("Alpha is disabled: enable it under Providers, or choose another model.")
    expect(refusal).to_be_visible()
    expect(message_box(page)).to_have_value("are you there?")
    choose(page, "Automatic")
    expect(refusal).to_be_hidden()
    message_box(page).press("Enter")
    expect(replies(page).first).to_contain_text("Beta · beta-1")
