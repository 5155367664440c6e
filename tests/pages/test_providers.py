import base64
import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import ErrorKind, InvalidInput, ProviderError
from core.providers import ProviderForm
from core.types import Candidate, Check, Choice, Model, Price, Provider, ProviderFlag
from core.workbench import Workbench
from pages.ui.enter import close_workbench
from pages.ui.model_words import price_words, retirement
from pages.ui.price_form import parse_price, parse_tokens
from pages.ui.provider_words import FLAG_WORDS, ago, facts
from pages.ui.session import Answered
from tests.conftest import Gate, Scripted, finished, send, wait_until
from tests.pages.conftest import WAIT_S, OpenPage
from tests.servers.openai_server import OpenAIServer

KEY = "sk-canary-0123456789abcdefghijklmnopqrst"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return _settled(app.run())


def _settled(app: AppTest) -> AppTest:
    """Run the page until what it asked a provider is answered: AppTest has no clock that would run its fragments."""
    while "Cancel" in _labels(app):
        app.run()
    return app


def _labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def _row(app: AppTest, name: str) -> dict[str, object]:
    """Return what the table of providers shows about one."""
    table = app.dataframe[0].value
    return dict(table[table["Name"] == name].iloc[0])


def _candidate(workbench: Workbench, provider_id: str) -> Candidate:
    return next(c for c in workbench.providers.candidates() if c.provider.id == provider_id)


# The table and the chosen provider.


def test_built_ins_come_first_then_by_creation(open_page: OpenPage, workbench: Workbench) -> None:
    for name in ("Zebra", "Ant"):
        workbench.providers.add(ProviderForm(name, "openai", "https://gateway.example/v1"))
    table = open_page("providers").dataframe[0].value
    assert list(table["Name"]) == ["Anthropic", "OpenAI", "DeepSeek", "Qwen", "GLM", "Demo", "Zebra", "Ant"]
    assert list(table["Key"]) == ["missing"] * 5 + ["not needed"] + ["missing"] * 2
    assert dict(table.iloc[0])["Default model"] == "Sonnet 5.5"


def test_a_key_from_the_environment_is_named_and_not_shown(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    app = open_page("providers", provider_id="deepseek")
    assert _row(app, "DeepSeek")["Key"] == "from DEEPSEEK_API_KEY"
    assert "Enter key" in _labels(app)
    assert "Remove key" not in _labels(app)
    assert KEY[:12] not in str(app)


def test_a_stored_key_is_shown_masked_only_and_can_be_removed(open_page: OpenPage, workbench: Workbench) -> None:
    workbench.providers.put_key(_candidate(workbench, "openai").provider, KEY)
    app = open_page("providers", provider_id="openai")
    assert _row(app, "OpenAI")["Key"] == "stored sk-canary-01***"
    assert KEY not in str(app)
    assert "Replace key" in _labels(app)
    _press(app, "Remove key")
    assert _row(app, "OpenAI")["Key"] == "missing"
    assert [toast.value for toast in app.toast] == ["Stored key of OpenAI removed."]
    assert _candidate(workbench, "openai").key is None


def test_a_key_that_cannot_be_read_says_what_to_do(open_page: OpenPage, workbench: Workbench, data_dir: Path) -> None:
    workbench.providers.put_key(_candidate(workbench, "openai").provider, KEY)
    close_workbench()
    (data_dir / "encryption.key").write_bytes(base64.urlsafe_b64encode(os.urandom(32)))
    app = open_page("providers", provider_id="openai")
    assert _row(app, "OpenAI")["Key"] == "cannot be read"
    assert "enter the key again" in app.warning[0].value
    assert {"Replace key", "Remove key"} <= set(_labels(app))


def test_the_demo_is_labelled_and_has_nothing_to_edit(open_page: OpenPage) -> None:
    app = open_page("providers", provider_id="demo")
    assert "Demo" in app.subheader[0].value
    assert not {"Enter key", "Edit", "Delete", "Add model", "Discover models", "Edit model"} & set(_labels(app))
    assert {"Verify", "Disable", "Verify this model", "Make default"} <= set(_labels(app))


def test_only_a_custom_provider_can_be_edited_and_deleted(open_page: OpenPage, provider: Provider) -> None:
    own = {"Edit", "Delete"}
    assert not own & set(_labels(open_page("providers", provider_id="glm")))
    assert own <= set(_labels(open_page("providers", provider_id=provider.id)))


def test_a_region_is_offered_only_where_the_vendor_has_several(open_page: OpenPage) -> None:
    assert "Region" in _labels(open_page("providers", provider_id="glm"))
    assert "Region" not in _labels(open_page("providers", provider_id="anthropic"))


def test_a_provider_can_be_disabled_and_enabled(open_page: OpenPage, workbench: Workbench) -> None:
    app = _press(open_page("providers", provider_id="qwen"), "Disable")
    assert not _candidate(workbench, "qwen").provider.is_enabled
    assert "Disabled" in app.subheader[0].value
    _press(app, "Enable")
    assert _candidate(workbench, "qwen").provider.is_enabled


def test_a_chosen_provider_that_is_gone_gives_way_to_the_first(open_page: OpenPage) -> None:
    assert "Anthropic" in open_page("providers", provider_id="deleted").subheader[0].value


def test_names_are_shown_as_they_are(open_page: OpenPage, workbench: Workbench) -> None:
    provider = workbench.providers.add(ProviderForm("_Odd_ :red: #1", "openai", "https://gateway.example/v1"))
    app = open_page("providers", provider_id=provider.id)
    assert r"\_Odd\_ \:red\: \#1" in app.subheader[0].value


def test_the_dialogs_open_with_an_empty_password_field(open_page: OpenPage, workbench: Workbench) -> None:
    workbench.providers.put_key(_candidate(workbench, "openai").provider, KEY)
    for label in ("Add provider", "Replace key"):
        app = _press(open_page("providers", provider_id="openai"), label)
        field = next(field for field in app.text_input if field.label == "API key")
        assert field.value == ""
        assert field.proto.type == field.proto.PASSWORD


# Verify.


def _loopback(workbench: Workbench, server: OpenAIServer, *, key: str) -> Provider:
    provider = workbench.providers.add(ProviderForm("Loopback", "openai", server.url, key=key))
    workbench.providers.save_model(Model(provider.id, "tiny", "Tiny"), is_new=True)
    return provider


def test_verify_shows_and_keeps_what_a_real_answer_took(open_page: OpenPage, workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY) as server:
        provider = _loopback(workbench, server, key=KEY)
        app = _press(open_page("providers", provider_id=provider.id), "Verify")
        assert len(server.chats) == 1
    assert app.success[0].value.startswith(r"Tiny answered\. First token after")
    assert str(_row(app, "Loopback")["Last check"]).startswith("✓ ")
    assert workbench.store.providers.checks()[provider.id].is_ok


def test_verify_says_why_it_failed(open_page: OpenPage, workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY) as server:
        provider = _loopback(workbench, server, key="sk-wrong-0123456789")
        app = _press(open_page("providers", provider_id=provider.id), "Verify")
    assert "Loopback refused the API key" in app.error[0].value
    assert str(_row(app, "Loopback")["Last check"]).startswith("✗ refused the API key")


@pytest.mark.parametrize(
    ("key", "message"), [("", r"No API key\. Add one first\."), (KEY, r"No models\. Add one first\.")]
)
def test_verify_answers_by_itself_when_nothing_can_be_sent(
    open_page: OpenPage, workbench: Workbench, key: str, message: str
) -> None:
    provider = workbench.providers.add(ProviderForm("Bare", "openai", "https://gateway.example/v1", key=key))
    app = _press(open_page("providers", provider_id=provider.id), "Verify")
    assert app.error[0].value == message
    assert provider.id not in workbench.store.providers.checks()


def test_a_model_that_is_gone_says_nothing_against_its_provider(
    open_page: OpenPage, workbench: Workbench, provider: Provider, scripted: Scripted
) -> None:
    scripted.play(ProviderError(ErrorKind.NOT_FOUND, "Stage does not know beta."))
    app = _press(open_page("providers", provider_id=provider.id, model_id="beta"), "Verify this model")
    assert [route.model.id for route, _ in scripted.asked] == ["beta"]
    assert "Stage does not know beta" in app.error[0].value
    assert provider.id not in workbench.store.providers.checks()


def test_another_provider_does_not_inherit_the_last_outcome(open_page: OpenPage, provider: Provider) -> None:
    outcome = Answered(f"verify:{provider.id}", Check(True, "Alpha answered.", 5, NOW))
    assert open_page("providers", provider_id=provider.id, answered=outcome).success
    assert not open_page("providers", provider_id="glm", answered=outcome).success


def test_a_question_under_way_can_be_cancelled(
    open_page: OpenPage, workbench: Workbench, provider: Provider, scripted: Scripted
) -> None:
    gate = Gate()
    scripted.play(gate, ProviderError(ErrorKind.AUTH, "never said"))
    app = open_page("providers", provider_id=provider.id)
    next(button for button in app.button if button.label == "Verify").click()
    app.run()
    gate.reached()
    assert any("Asking Alpha" in text.value for text in app.markdown)
    next(button for button in app.button if button.label == "Cancel").click()
    app.run()
    assert "Cancel" not in _labels(app)
    wait_until(lambda: scripted.ended == 1)
    assert provider.id not in workbench.store.providers.checks()
    assert not app.error


# Discovery.


def test_discovered_models_are_compared_chosen_and_brought_over(open_page: OpenPage, workbench: Workbench) -> None:
    rows = [{"id": "tiny", "context_length": 4096}, {"id": "big", "name": "The *big* one"}, {"id": "other"}]
    with OpenAIServer(api_key=KEY, models=rows) as server:
        provider = _loopback(workbench, server, key=KEY)
        app = _press(open_page("providers", provider_id=provider.id), "Discover models")
    table = app.dataframe[-1].value
    assert list(table["Standing"]) == ["Other limits", "New", "New"]
    assert "Apply: update 1" in _labels(app)
    app.text_input(key="discovery_filter").set_value("BIG")
    app.run()
    assert list(app.dataframe[-1].value["Name"]) == ["The big one"]
    app = _press(app, "Select all")
    assert "Apply: add 1, update 1" in _labels(app)
    app = _press(app, "Apply: add 1, update 1")
    assert [toast.value for toast in app.toast] == ["Models of Loopback: 1 added, 1 updated."]
    models = {model.id: model for model in workbench.store.models.of(provider.id)}
    assert list(models) == ["tiny", "big"]
    assert models["tiny"].context_tokens == 4096
    assert "Select all" not in _labels(app)


def test_a_failed_discovery_says_why_and_that_adding_by_hand_works(open_page: OpenPage, workbench: Workbench) -> None:
    with OpenAIServer(api_key=KEY) as server:
        provider = _loopback(workbench, server, key=KEY)
        app = _press(open_page("providers", provider_id=provider.id), "Discover models")
        assert "has no model list at this address" in app.error[0].value.replace("\\", "")
        assert any("by hand works" in text.value for text in app.caption)
        server.models = ["tiny"]
        app = _press(app, "Try again")
    assert "every model of the list is here already" in app.success[0].value


# Models.


def test_another_model_becomes_the_default(open_page: OpenPage, workbench: Workbench, provider: Provider) -> None:
    app = _press(open_page("providers", provider_id=provider.id, model_id="beta"), "Make default")
    default = _candidate(workbench, provider.id).default_model
    assert default is not None and default.id == "beta"
    assert _row(app, "Stage")["Default model"] == "Beta"


def test_the_users_own_speed_and_failures_stand_beside_each_model(
    open_page: OpenPage, workbench: Workbench, provider: Provider, scripted: Scripted
) -> None:
    for failure in (None, ProviderError(ErrorKind.AUTH, "Stage refused the key.")):
        if failure:
            scripted.play(failure)
        finished(workbench, send(workbench, "Hello", Choice(provider.id, "alpha")))
    table = open_page("providers", provider_id=provider.id).dataframe[1].value
    assert list(table["Failed"].isna()) == list(table["First token"].isna()) == [False, True]
    assert (table["Failed"].tolist()[0], table["First token"].tolist()[0] >= 0) == (0.5, True)


def test_a_provider_without_models_says_what_to_do(open_page: OpenPage, workbench: Workbench) -> None:
    provider = workbench.providers.add(ProviderForm("Bare", "openai", "https://gateway.example/v1"))
    app = open_page("providers", provider_id=provider.id)
    assert "No models yet" in app.info[0].value
    assert "Add model" in _labels(app)


def test_a_retired_model_is_marked_and_names_its_successor(open_page: OpenPage) -> None:
    app = open_page("providers", provider_id="anthropic", model_id="claude-3-5-haiku-20241022")
    assert any("retired by the vendor on" in text.value and "haiku" in text.value for text in app.markdown)


# The forms, drawn without their dialogs: AppTest cannot press a button inside one.


def _provider_form() -> None:
    import streamlit as st

    from pages.ui.enter import enter
    from pages.ui.provider_forms import provider_form

    if saved := provider_form(enter(is_main=True)):
        st.text(saved.id)


def _fill(app: AppTest, **values: str) -> AppTest:
    for key, text in values.items():
        app.text_input(key=key).set_value(text)
    app.form_submit_button[0].click()
    app.run()
    assert not app.exception
    return app


GOOD = {"name_new": "Gateway", "base_url_new": "https://gateway.example/v1", "api_key_new": KEY}


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("name_new", "", "Enter a name"),
        ("name_new", "   ", "Enter a name"),
        ("name_new", "x" * 10_000, "10,000 characters"),
        ("name_new", "Gate\0way", "invisible or invalid character"),
        ("name_new", "Gate\u202eway", "invisible or invalid character"),
        ("name_new", "**Gateway** [here](https://x.example)", "may not contain"),
        ("name_new", "aNTHROPIC", "already a provider called Anthropic"),
        ("name_new", "ＯｐｅｎＡＩ", "already a provider called OpenAI"),
        ("base_url_new", "", "Enter a base URL"),
        ("base_url_new", "javascript:alert(1)", "begins with https://"),
        ("base_url_new", "https://user:secret@gateway.example", "user name or password"),
        ("base_url_new", "http://169.254.169.254/latest", "network service"),
        ("base_url_new", "https://gateway.example/v1?key=1", "query"),
        ("api_key_new", "sk-with blank", "a blank or a line break"),
        ("api_key_new", "sk-with\nbreak", "a blank or a line break"),
        ("api_key_new", "sk-ключ", "a character that no key has"),
        ("api_key_new", "k" * 5000, "5,000 characters"),
    ],
)
def test_bad_input_is_refused_in_the_form_and_nothing_is_saved(
    workbench: Workbench, field: str, text: str, reason: str
) -> None:
    before = workbench.providers.candidates()
    app = _fill(AppTest.from_function(_provider_form, default_timeout=WAIT_S).run(), **{**GOOD, field: text})
    assert len(app.error) == 1
    assert reason in app.error[0].value.replace("\\", "")
    assert {key: app.text_input(key=key).value for key in GOOD} == {**GOOD, field: text}
    assert workbench.providers.candidates() == before
    assert not workbench.store.keys.has_any()


def test_a_lone_surrogate_is_refused_like_any_invalid_character(workbench: Workbench) -> None:
    # A browser replaces it before it is sent; an import or a script does not.
    with pytest.raises(InvalidInput) as refused:
        workbench.providers.add(ProviderForm("Gate\ud800way", "openai", "https://gateway.example"))
    assert refused.value.field == "name"


def test_a_good_form_adds_the_provider_with_its_key(workbench: Workbench) -> None:
    pasted = {**GOOD, "base_url_new": " https://gateway.example/v1/chat/completions ", "api_key_new": f" {KEY}\n"}
    app = _fill(AppTest.from_function(_provider_form, default_timeout=WAIT_S).run(), **pasted)
    added = _candidate(workbench, app.text[0].value)
    assert (added.provider.name, added.provider.base_url) == ("Gateway", "https://gateway.example/v1")
    assert added.key is not None and added.key.secret.reveal() == KEY


def _model_form() -> None:
    import streamlit as st

    from pages.ui.enter import enter
    from pages.ui.model_forms import model_form

    chosen = enter(is_main=True).providers.candidates()[-1]
    known = chosen.model("alpha") if st.query_params.get("model") else None
    if saved := model_form(enter(is_main=True), chosen.provider, known):
        st.text(saved.id)


def _open_model_form(*, is_known: bool = False) -> AppTest:
    app = AppTest.from_function(_model_form, default_timeout=WAIT_S)
    if is_known:
        app.query_params["model"] = "alpha"
    return app.run()


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("model_id", "", "Enter a model id"),
        ("model_id", "two words", "blanks or invisible characters"),
        ("model_id", "alpha", "already has a model alpha"),
        ("model_id", "x" * 10_000, "10,000 characters"),
        ("model_name", "*bold*", "may not contain"),
        ("context_tokens", "plenty", "number of tokens"),
        ("max_output_tokens", "0", "number of tokens"),
        ("price_input", "2,5", "such as 0.25"),
        ("price_output", "-1", "such as 0.25"),
        ("price_cache_read", "NaN", "such as 0.25"),
        ("price_cache_write", "1000001", "such as 0.25"),
    ],
)
def test_a_bad_model_is_refused_in_the_form(
    workbench: Workbench, provider: Provider, field: str, text: str, reason: str
) -> None:
    before = workbench.providers.candidates()
    app = _fill(_open_model_form(), **{f"model_id_{provider.id}_": "gamma", f"{field}_{provider.id}_": text})
    assert len(app.error) == 1
    assert reason in app.error[0].value.replace("\\", "")
    assert app.text_input(key=f"{field}_{provider.id}_").value == text
    assert workbench.providers.candidates() == before


def test_a_model_needs_no_more_than_its_id(workbench: Workbench, provider: Provider) -> None:
    _fill(_open_model_form(), **{f"model_id_{provider.id}_": "gamma/v2:free"})
    model = _candidate(workbench, provider.id).model("gamma/v2:free")
    assert model == Model(provider.id, "gamma/v2:free", "gamma/v2:free")


def test_a_model_of_ones_own_can_say_how_it_thinks(workbench: Workbench) -> None:
    gateway = workbench.providers.add(ProviderForm("Gateway", "openai", "https://gateway.example/v1", key=KEY))
    app = _open_model_form()
    thinking = app.selectbox(key=f"thinking_{gateway.id}_")
    assert thinking.value is None
    thinking.select_index(thinking.options.index("levels, sent as reasoning_effort"))
    _fill(app, **{f"model_id_{gateway.id}_": "deep", f"max_output_tokens_{gateway.id}_": "64k"})
    model = _candidate(workbench, gateway.id).model("deep")
    assert model is not None
    assert (model.thinking, model.max_output_tokens) == ("effort", 64_000)


def test_an_edited_price_is_the_users_from_today(workbench: Workbench, provider: Provider) -> None:
    of = f"{provider.id}_alpha"
    _fill(_open_model_form(is_known=True), **{f"price_input_{of}": "$0.125", f"price_cache_read_{of}": "0"})
    model = _candidate(workbench, provider.id).model("alpha")
    assert model is not None
    today = datetime.now(UTC).date()
    assert model.price == Price(Decimal("0.125"), Decimal(10), Decimal(0), None, "entered by you", today)


def test_a_new_name_leaves_the_source_of_the_price(workbench: Workbench, provider: Provider) -> None:
    _fill(_open_model_form(is_known=True), **{f"model_name_{provider.id}_alpha": "Alpha two"})
    model = _candidate(workbench, provider.id).model("alpha")
    assert model is not None
    assert (model.name, model.price.source, model.is_default) == ("Alpha two", "worked by hand", True)


# Words.


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", None),
        ("128000", 128_000),
        ("128,000", 128_000),
        ("128 000", 128_000),
        ("128k", 128_000),
        ("1.05M", 1_050_000),
    ],
)
def test_token_counts_are_read_as_people_write_them(text: str, tokens: int | None) -> None:
    assert parse_tokens(text) == tokens


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "12 34", "1e6", "٣", "9999999999", "k"])
def test_what_is_no_token_count_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_tokens(text)


def test_prices_are_exact_and_unknown_is_not_free() -> None:
    assert parse_price("0.000000001", "input") == Decimal("0.000000001")
    assert parse_price("", "input") is None
    assert parse_price("0", "input") == 0
    assert price_words(Price()) == "Price unknown"
    priced = Price(Decimal("0.10"), Decimal(0), source="a list", as_of=date(2026, 11, 23))
    assert price_words(priced) == "Price per million tokens: input $0.1, output $0 (a list, 2026-11-23)"


@pytest.mark.parametrize(
    ("retires_on", "replacement", "words"),
    [
        (None, None, ""),
        (None, "new", "use new"),
        (date(2026, 11, 24), "new", "retires on 2026-11-24 · use new"),
        (date(2026, 11, 23), None, "retired by the vendor on 2026-11-23"),
    ],
)
def test_retirement_in_words(retires_on: date | None, replacement: str | None, words: str) -> None:
    model = Model("p", "old", "Old", retires_on=retires_on, replacement=replacement)
    assert retirement(model, NOW.date()) == words


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(-1, "just now"), (0, "just now"), (5, "5 min ago"), (125, "2 h ago"), (1440, "on 2026-11-22")],
)
def test_the_age_of_a_check_in_words(minutes: int, words: str) -> None:
    assert ago(NOW - timedelta(minutes=minutes), NOW) == words


def test_what_the_wire_taught_is_said_in_words_and_can_be_forgotten(open_page: OpenPage, workbench: Workbench) -> None:
    assert set(FLAG_WORDS) == set(ProviderFlag)
    provider = _candidate(workbench, "deepseek").provider
    workbench.providers.learn(provider, ProviderFlag.NO_STREAM_OPTIONS)
    workbench.providers.learn(provider, ProviderFlag.NO_TEMPERATURE)
    page = open_page("providers", provider_id="deepseek")
    assert any("token counts may be missing" in text.value for text in page.caption)
    next(button for button in page.button if button.key == "forget-no_temperature-deepseek").click().run()
    assert not page.exception
    assert _candidate(workbench, "deepseek").provider.flags == {ProviderFlag.NO_STREAM_OPTIONS}


def test_the_facts_of_a_provider_name_its_last_check(workbench: Workbench) -> None:
    candidate = _candidate(workbench, "openai")
    check = Check(is_ok=True, message="", latency_ms=420, checked_at=NOW)
    found = facts(candidate, workbench.providers.key_state(candidate), check, NOW)
    assert found["Last\u00a0check"] == r"✓ 420 ms \(just now\)"
