"""Providers, models and keys: what is seeded, what an edit may do, and that a key goes nowhere but to its provider."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

import core.seeding as seeding
from core.catalog import Catalog, CatalogProvider, load_catalog
from core.config import Config, load_config
from core.errors import ConfigError, InvalidInput, KeyUnreadable
from core.projects import ProjectForm
from core.providers import KeyState, ProviderForm, Providers, project_owner, provider_owner
from core.router import problem
from core.types import Candidate, Check, Choice, KeySource, Model, Price, Project, Provider, Route, Secret
from core.workbench import Workbench
from tests.conftest import Scripted, add_scripted, finished, send

CANARY = "sk-canary-0123456789abcdefghijklmnopqrstuvwxyz"
FORM = ProviderForm("Mine", "openai", "https://mine.example/v1", key=CANARY)


def candidate(workbench: Workbench, provider_id: str, project: Project | None = None) -> Candidate:
    return next(found for found in workbench.providers.candidates(project) if found.provider.id == provider_id)


def key_of(workbench: Workbench, provider_id: str, project: Project | None = None) -> str | None:
    key = candidate(workbench, provider_id, project).key
    return key.secret.reveal() if key else None


def everything(workbench: Workbench) -> object:
    """Return all that lies in the settings, for "nothing was changed"."""
    store = workbench.store
    return store.providers.all(), store.models.all(), store.keys.all(), store.projects.all()


def configured(config: Config, **environ: str) -> Config:
    return load_config({"SWITCHBOARD_DATA_DIR": str(config.data_dir), **environ}, {})


# What is there after the first, the second and an upgraded start.


def test_the_first_start_brings_the_catalogue_and_says_so_once(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        workbench = Workbench(config)
    assert [record.message for record in caplog.records if "eeded" in record.message] == ["Seeded 5 built-in providers"]
    names = [provider.name for provider in workbench.store.providers.all()]
    assert names == ["Anthropic", "OpenAI", "DeepSeek", "Qwen", "GLM", "Demo"]
    assert all(provider.is_builtin and provider.is_enabled for provider in workbench.store.providers.all())
    for row in load_catalog().providers:
        models = workbench.store.models.of(row.id)
        assert models == list(row.models)
        assert sum(model.is_default for model in models) == 1
    workbench.close()


def test_the_second_start_changes_nothing_and_says_nothing(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    first = Workbench(config)
    before = everything(first)
    first.close()
    caplog.clear()  # what the first start said: a page that ran before in this process turned the level up
    with caplog.at_level(logging.INFO):
        second = Workbench(config)
    assert everything(second) == before
    assert not [record for record in caplog.records if record.name == "core.seeding"]
    second.close()


def newer_catalog() -> Catalog:
    """A release that adds a provider and a model, makes the new model OpenAI's default, and renames another."""
    catalog = load_catalog()
    openai = next(row for row in catalog.providers if row.id == "openai")
    news = Model("openai", "gpt-7", "GPT-7", is_default=True)
    models = (news, *(replace(model, name=f"{model.name} (new)", is_default=False) for model in openai.models))
    mistral = replace(
        openai,
        id="mistral",
        name="Mistral",
        base_urls=(("Global", "https://api.mistral.ai/v1"),),
        models=(Model("mistral", "large", "Large"), Model("mistral", "small", "Small", is_default=True)),
    )

    def upgraded(row: CatalogProvider) -> CatalogProvider:
        return replace(row, models=models) if row.id == "openai" else row

    providers = (*(upgraded(row) for row in catalog.providers), mistral)
    return replace(catalog, version="2027-01-01", providers=providers)


def test_a_newer_catalogue_adds_what_is_new_and_leaves_edits_and_deletions(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    workbench = Workbench(config)
    store, providers = workbench.store, workbench.providers
    [sol, luna, terra, *_] = store.models.of("openai")
    providers.save_model(replace(luna, name="My Luna", price=Price(input=Decimal(7))), is_new=False)
    providers.save_model(Model("openai", "mine", "Mine"), is_new=True)
    providers.set_default(terra)
    providers.delete_model(sol)
    providers.enable(candidate(workbench, "deepseek").provider, False)
    edited = store.models.of("openai")
    others = [store.models.of(id_) for id_ in ("anthropic", "deepseek", "qwen", "glm", "demo")]
    workbench.close()

    monkeypatch.setattr(seeding, "load_catalog", newer_catalog)
    caplog.clear()
    for _ in range(2):
        with caplog.at_level(logging.INFO):
            workbench = Workbench(config)
        store = workbench.store
        assert store.models.of("openai") == [*edited, Model("openai", "gpt-7", "GPT-7")]
        assert [store.models.of(id_) for id_ in ("anthropic", "deepseek", "qwen", "glm", "demo")] == others
        assert [model.is_default for model in store.models.of("mistral")] == [False, True]
        assert not candidate(workbench, "deepseek").provider.is_enabled
        assert [provider.name for provider in store.providers.all()][-1] == "Mistral"
        workbench.close()
    assert [record.message for record in caplog.records if "eeded" in record.message] == ["Seeded 1 built-in providers"]


def test_a_new_built_in_whose_name_is_taken_does_not_keep_the_app_from_starting(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench = Workbench(config)
    mine = workbench.providers.add(replace(FORM, name="MISTRAL"))
    workbench.close()
    monkeypatch.setattr(seeding, "load_catalog", newer_catalog)
    workbench = Workbench(config)
    names = {provider.id: provider.name for provider in workbench.store.providers.all()}
    assert (names[mine.id], names["mistral"]) == ("MISTRAL", "Mistral (built-in)")
    workbench.close()


def test_models_the_user_added_before_the_catalogue_did_stay_the_users(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench = Workbench(config)
    workbench.providers.save_model(Model("openai", "gpt-7", "My seven"), is_new=True)
    workbench.close()
    monkeypatch.setattr(seeding, "load_catalog", newer_catalog)
    workbench = Workbench(config)
    assert [model.name for model in workbench.store.models.of("openai") if model.id == "gpt-7"] == ["My seven"]
    workbench.close()


# What an edit may do.


def test_a_custom_provider_is_added_renamed_switched_off_and_deleted(workbench: Workbench) -> None:
    providers, store = workbench.providers, workbench.store
    mine = providers.add(replace(FORM, base_url=" HTTPS://Mine.Example/v1/chat/completions "))
    assert (mine.name, mine.base_url, mine.is_builtin) == ("Mine", "https://mine.example/v1", False)
    assert store.providers.all()[-1] == mine
    renamed = providers.save(mine, replace(FORM, name="Ours", requires_key=False, key=""))
    assert store.providers.get(mine.id) == renamed
    assert key_of(workbench, mine.id) == CANARY
    providers.enable(renamed, False)
    off = store.providers.get(mine.id)
    assert off == replace(renamed, is_enabled=False)
    assert off is not None
    providers.enable(off, True)
    providers.delete(renamed)
    assert store.providers.get(mine.id) is None
    assert not store.keys.has_any()
    assert providers.add(replace(FORM, name="Ours")).id != mine.id


def test_switching_on_does_not_undo_what_another_tab_changed(workbench: Workbench) -> None:
    mine = workbench.providers.add(FORM)
    changed = workbench.providers.save(mine, replace(FORM, name="Ours", base_url="https://ours.example"))
    workbench.providers.enable(mine, False)
    assert workbench.store.providers.get(mine.id) == replace(changed, is_enabled=False)


def test_a_built_in_cannot_be_deleted_and_keeps_its_name_and_address(workbench: Workbench) -> None:
    openai = candidate(workbench, "openai").provider
    before = everything(workbench)
    with pytest.raises(InvalidInput, match=r"OpenAI is built in and cannot be deleted\. Disable it instead"):
        workbench.providers.delete(openai)
    with pytest.raises(InvalidInput, match="keeps its address") as caught:
        workbench.providers.save(openai, FORM)
    assert caught.value.field == "base_url"
    assert everything(workbench) == before
    workbench.providers.save(openai, replace(FORM, base_url=openai.base_url, key=""))
    assert everything(workbench) == before


def test_a_built_in_with_regions_keeps_a_key_for_each(workbench: Workbench) -> None:
    china = candidate(workbench, "qwen").provider
    urls = [url for _, url in next(row for row in load_catalog().providers if row.id == "qwen").base_urls]
    assert china.base_url == urls[0]
    workbench.providers.put_key(china, "key-for-china")
    abroad = workbench.providers.save(china, replace(FORM, base_url=urls[1], key=""))
    assert abroad.anthropic_base_url is not None
    assert key_of(workbench, "qwen") is None
    workbench.providers.put_key(abroad, "key-for-abroad")
    assert key_of(workbench, "qwen") == "key-for-abroad"
    workbench.providers.save(abroad, replace(FORM, base_url=urls[0], key=""))
    assert key_of(workbench, "qwen") == "key-for-china"


def edited(**changes: str) -> Callable[[Providers, Provider], object]:
    return lambda providers, mine: providers.save(mine, replace(FORM, **{"key": "", **changes}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "is_kept"),
    [
        (lambda providers, mine: providers.put_key(mine, "another-key"), False),
        (Providers.remove_key, False),
        (edited(key="another-key"), False),
        (edited(base_url="https://ours.example/v1"), False),
        (edited(base_url="https://mine.example/v2"), False),
        (edited(protocol="anthropic"), False),
        (edited(name="Ours"), True),
        (lambda providers, mine: providers.enable(mine, False), True),
    ],
    ids=["new key", "no key", "new key in the form", "new origin", "new path", "new protocol", "new name", "disabled"],
)
def test_a_check_is_forgotten_with_what_it_was_made_with(
    workbench: Workbench, change: Callable[[Providers, Provider], object], is_kept: bool
) -> None:
    mine, other = workbench.providers.add(FORM), workbench.providers.add(replace(FORM, name="Other"))
    check = Check(False, "Mine refused the API key.", 120, datetime(2026, 11, 24, tzinfo=UTC))
    for provider in (mine, other):
        workbench.providers.record_check(provider, check)
    change(workbench.providers, mine)
    assert workbench.store.providers.checks() == {other.id: check} | ({mine.id: check} if is_kept else {})


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": ""}, "name", "Enter a name"),
        ({"name": "a" * 10_000}, "name", "10,000 characters"),
        ({"name": "a\x00"}, "name", "invisible"),
        ({"name": "a\ud800"}, "name", "invisible"),
        ({"name": "**bold**"}, "name", "may not contain *"),
        ({"name": "openai"}, "name", "already a provider called OpenAI"),
        ({"name": "ＯＰＥＮＡＩ"}, "name", "already a provider called OpenAI"),
        ({"protocol": "telepathy"}, "protocol", "Choose a protocol"),
        ({"protocol": "demo"}, "protocol", "Choose a protocol"),
        ({"base_url": ""}, "base_url", ""),
        ({"base_url": "javascript:alert(1)"}, "base_url", ""),
        ({"base_url": "file:///etc/passwd"}, "base_url", ""),
        ({"base_url": "https://user:hunter2@mine.example"}, "base_url", ""),
        ({"key": "hunter2 hunter2"}, "key", "blank"),
        ({"key": "hunter2\nhunter2"}, "key", "line break"),
        ({"key": "hunter2é"}, "key", "no key has"),
        ({"key": "hunter2" * 1_000}, "key", "4,096"),
    ],
)
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "known"])
def test_a_bad_form_is_refused_with_its_field_and_nothing_is_half_saved(
    refusing: Workbench, changes: dict[str, str], field: str, words: str, is_new: bool
) -> None:
    *_, mine = refusing.store.providers.all()
    before = everything(refusing)
    typed = {"name": "New", "protocol": "openai", "base_url": "https://new.example", "key": "", **changes}
    form = ProviderForm(typed["name"], typed["protocol"], typed["base_url"], key=typed["key"])
    with pytest.raises(InvalidInput) as caught:
        refusing.providers.add(form) if is_new else refusing.providers.save(mine, form)
    assert caught.value.field == field
    assert words in caught.value.message
    assert "hunter2" not in caught.value.message
    assert everything(refusing) == before


def test_a_name_taken_between_check_and_write_is_refused_like_any_other(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = workbench.providers.check_form(FORM)
    workbench.providers.add(FORM)
    before = everything(workbench)
    monkeypatch.setattr(workbench.providers, "check_form", lambda form: checked)
    with pytest.raises(InvalidInput, match="already a provider called Mine") as caught:
        workbench.providers.add(FORM)
    assert caught.value.field == "name"
    assert everything(workbench) == before


NEW_MODEL = Model("demo", "new", "New")


@pytest.mark.parametrize(
    ("model", "field", "words"),
    [
        (replace(NEW_MODEL, id=""), "id", "Enter a model id"),
        (replace(NEW_MODEL, id="a b"), "id", "blanks"),
        (replace(NEW_MODEL, id="a" * 201), "id", "201 characters"),
        (replace(NEW_MODEL, id="demo-echo"), "id", "already has a model demo-echo"),
        (replace(NEW_MODEL, name="[x](y)"), "name", "may not contain"),
        (replace(NEW_MODEL, price=Price(input=Decimal(-1))), "price", "between 0 and"),
        (replace(NEW_MODEL, price=Price(cache_write=Decimal(1_000_001))), "price", "between 0 and"),
        (replace(NEW_MODEL, price=Price(output=Decimal("NaN"))), "price", "between 0 and"),
        (replace(NEW_MODEL, price=Price(output=Decimal("Infinity"))), "price", "between 0 and"),
        (replace(NEW_MODEL, context_tokens=0), "context_tokens", "context length"),
        (replace(NEW_MODEL, context_tokens=10**30), "context_tokens", "context length"),
        (replace(NEW_MODEL, max_output_tokens=-1), "max_output_tokens", "longest answer"),
        (replace(NEW_MODEL, max_output_tokens=10**30), "max_output_tokens", "longest answer"),
    ],
)
def test_a_bad_model_is_refused_with_its_field_and_nothing_is_saved(
    refusing: Workbench, model: Model, field: str, words: str
) -> None:
    before = everything(refusing)
    with pytest.raises(InvalidInput) as caught:
        refusing.providers.save_model(model, is_new=True)
    assert caught.value.field == field
    assert words in caught.value.message
    assert everything(refusing) == before


def test_models_are_added_changed_made_default_and_deleted(workbench: Workbench) -> None:
    mine = workbench.providers.add(FORM)
    save = workbench.providers.save_model
    first = save(Model(mine.id, " org/model:7b ", ""), is_new=True)
    assert (first.id, first.name) == ("org/model:7b", "org/model:7b")
    second = save(Model(mine.id, "two", "Two", price=Price(input=Decimal(0), output=Decimal(0))), is_new=True)
    save(replace(first, name="One"), is_new=False)
    workbench.providers.set_default(second)
    found = [(model.name, model.is_default) for model in workbench.store.models.of(mine.id)]
    assert found == [("One", False), ("Two", True)]
    workbench.providers.delete_model(second)
    assert [(model.name, model.is_default) for model in workbench.store.models.of(mine.id)] == [("One", True)]


# Keys.


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_key_is_nowhere_in_plain(config: Config, scripted: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    config = configured(config, OPENAI_API_KEY=CANARY)
    workbench = Workbench(config)
    provider = add_scripted(workbench, key=CANARY)
    project = workbench.projects.save(ProjectForm("Atlas", provider_id=provider.id, key=CANARY))
    errors: list[Exception] = []
    refused: list[Callable[[], object]] = [
        lambda: workbench.providers.add(replace(FORM, name="Stage")),
        lambda: workbench.providers.put_key(provider, f"{CANARY} {CANARY}"),
        lambda: workbench.projects.save(ProjectForm("Atlas", provider_id=provider.id, key=CANARY)),
        lambda: workbench.projects.save(ProjectForm("Other", key=CANARY)),
    ]
    for attempt in refused:
        with pytest.raises(InvalidInput) as caught:
            attempt()
        errors.append(caught.value)
    scripted.play(ZeroDivisionError("a bug"))
    finished(workbench, send(workbench, "Hi", provider))
    route, _ = scripted.asked[0]
    assert route.secret == CANARY
    candidates = workbench.providers.candidates(project)
    shown = [
        *(workbench, workbench.providers, workbench.projects, config, route, route.key, candidates, project),
        *(
            FORM,
            ProjectForm("Atlas", key=CANARY),
            Secret(CANARY),
            [workbench.providers.key_state(c) for c in candidates],
        ),
        *(errors, [error.__cause__ for error in errors], workbench.store.attempts.recent()),
    ]
    while_running = files_of(config.data_dir)
    workbench.close()
    assert not [value for value in shown if CANARY in repr(value) or CANARY in str(value)]
    assert CANARY not in caplog.text
    for files in (while_running, files_of(config.data_dir)):
        assert {"settings.duckdb", "log.duckdb"} <= set(files)
        assert not [name for name, content in files.items() if CANARY.encode() in content]


def test_what_is_shown_of_a_key_is_its_mask_and_where_it_comes_from(workbench: Workbench) -> None:
    mine = workbench.providers.add(FORM)
    state = workbench.providers.key_state
    assert state(candidate(workbench, mine.id)) == KeyState(KeySource.STORED, "sk-canary-01***")
    assert state(candidate(workbench, "openai")) == KeyState(None)


def test_a_projects_key_comes_before_the_stored_one_and_that_before_the_environments(config: Config) -> None:
    workbench = Workbench(configured(config, OPENAI_API_KEY="from-environment", DEEPSEEK_API_KEY="for-deepseek"))
    openai = candidate(workbench, "openai").provider
    project = workbench.projects.save(ProjectForm("Atlas", provider_id="openai"))

    def sources() -> list[tuple[str, KeySource]]:
        keys = [candidate(workbench, "openai", found).key for found in (None, project)]
        return [(key.secret.reveal(), key.source) for key in keys if key]

    environment = ("from-environment", KeySource.ENVIRONMENT)
    stored = ("from-store", KeySource.STORED)
    assert sources() == [environment, environment]
    key = candidate(workbench, "openai").key
    assert key is not None
    assert key.variable == "OPENAI_API_KEY"
    workbench.providers.put_key(openai, "from-store")
    assert sources() == [stored, stored]
    workbench.projects.save(ProjectForm("Atlas", provider_id="openai", key="from-project"), project=project)
    assert sources() == [stored, ("from-project", KeySource.PROJECT)]
    workbench.providers.remove_key(openai)
    assert sources() == [environment, ("from-project", KeySource.PROJECT)]
    assert key_of(workbench, "deepseek", project) == "for-deepseek"
    workbench.close()


def test_the_environments_key_is_used_and_never_stored(config: Config) -> None:
    workbench = Workbench(configured(config, ZHIPUAI_API_KEY="for-glm"))
    assert key_of(workbench, "glm") == "for-glm"
    assert not workbench.store.keys.has_any()
    custom = workbench.providers.add(replace(FORM, key="", name="glm 2"))
    assert key_of(workbench, custom.id) is None
    workbench.close()
    assert not (config.data_dir / "encryption.key").exists()


def test_an_environments_key_that_no_header_can_carry_is_named_by_its_variable(config: Config) -> None:
    workbench = Workbench(configured(config, OPENAI_API_KEY="hunter2 hunter2"))
    found = candidate(workbench, "openai")
    assert found.key is None
    reason = problem(found)
    assert reason is not None
    assert "OPENAI_API_KEY cannot be used" in reason
    assert "hunter2" not in reason
    workbench.close()


def test_an_override_key_reaches_neither_another_project_nor_another_provider(workbench: Workbench) -> None:
    mine, other = workbench.providers.add(replace(FORM, key="")), workbench.providers.add(replace(FORM, name="Other"))
    one = workbench.projects.save(ProjectForm("One", provider_id=mine.id, key="override-of-one"))
    two = workbench.projects.save(ProjectForm("Two", provider_id=mine.id))
    three = workbench.projects.save(ProjectForm("Three", provider_id=other.id))
    found = {
        (project.name if project else "", provider.name): key_of(workbench, provider.id, project)
        for project in (None, one, two, three)
        for provider in (mine, other)
    }
    assert found.pop(("One", "Mine")) == "override-of-one"
    assert {owner: key for owner, key in found.items() if owner[1] == "Mine"} == {
        ("", "Mine"): None,
        ("Two", "Mine"): None,
        ("Three", "Mine"): None,
    }
    assert {key for owner, key in found.items() if owner[1] == "Other"} == {CANARY}


@pytest.mark.parametrize("thief", ["provider", "project", "origin"])
def test_a_swapped_ciphertext_is_never_used(workbench: Workbench, thief: str) -> None:
    mine = workbench.providers.add(FORM)
    other = workbench.providers.add(replace(FORM, name="Other", base_url="https://other.example", key=""))
    project = workbench.projects.save(ProjectForm("Atlas", provider_id=other.id))
    owner = {
        "provider": provider_owner(other.id),
        "project": project_owner(project.id, other.id),
        "origin": provider_owner(mine.id),
    }[thief]
    workbench.store.settings.write(
        lambda cursor: cursor.execute("UPDATE api_keys SET owner = ?, origin = ?", [owner, "https://other.example"])
    )
    if thief == "origin":  # somebody edits the address and the row in the file
        workbench.store.settings.write(
            lambda cursor: cursor.execute(
                "UPDATE providers SET base_url = 'https://other.example' WHERE NOT is_builtin"
            )
        )
    robbed = mine if thief == "origin" else other
    found = candidate(workbench, robbed.id, project)
    assert found.key is None
    assert found.key_problem is not None
    assert "sent to" in found.key_problem or "belongs to another provider or project" in found.key_problem
    route = workbench.turns.preview(Choice(robbed.id), project_id=project.id)
    assert not isinstance(route, Route)


def test_an_address_that_moves_drops_the_key_and_every_override(workbench: Workbench) -> None:
    mine = workbench.providers.add(FORM)
    project = workbench.projects.save(ProjectForm("Atlas", provider_id=mine.id, key="override"))
    same_host = workbench.providers.save(mine, replace(FORM, base_url="https://mine.example/v2", key=""))
    assert key_of(workbench, mine.id) == CANARY
    assert key_of(workbench, mine.id, project) == "override"
    moved = workbench.providers.save(same_host, replace(FORM, base_url="https://evil.example/v2", key=""))
    assert key_of(workbench, mine.id, project) is None
    assert not workbench.store.keys.has_any()
    workbench.providers.save(moved, replace(FORM, base_url="https://mine.example/v2", key=""))
    assert key_of(workbench, mine.id, project) is None


@pytest.mark.parametrize("base_url", ["http://mine.example/v1", "https://mine.example:8443/v1"])
def test_another_scheme_or_port_is_another_address(workbench: Workbench, base_url: str) -> None:
    mine = workbench.providers.add(FORM)
    workbench.providers.save(mine, replace(FORM, base_url=base_url, key=""))
    assert key_of(workbench, mine.id) is None


def test_a_new_address_takes_the_key_typed_with_it(workbench: Workbench) -> None:
    mine = workbench.providers.add(FORM)
    workbench.providers.save(mine, replace(FORM, base_url="https://new.example", key="new-key"))
    assert key_of(workbench, mine.id) == "new-key"
    assert len(workbench.store.keys.all()) == 1


# Lost, swapped and rotated encryption keys.


@pytest.mark.parametrize("how", ["lost", "swapped"])
def test_without_the_encryption_key_the_app_starts_and_says_whose_key_is_needed(config: Config, how: str) -> None:
    workbench = Workbench(config)
    mine = workbench.providers.add(FORM)
    ciphertexts = workbench.store.keys.all()
    workbench.close()
    key_file = config.data_dir / "encryption.key"
    kept = key_file.rename(config.data_dir / "kept")
    if how == "swapped":
        key_file.write_bytes(Fernet.generate_key())
        key_file.chmod(0o600)

    workbench = Workbench(config)
    found = candidate(workbench, mine.id)
    assert found.key is None
    reason = problem(found)
    assert reason is not None
    assert "Mine" in reason
    assert workbench.providers.key_state(found).problem == found.key_problem
    assert problem(candidate(workbench, "openai")) == "OpenAI has no key: add one under Providers"
    route = workbench.turns.preview(Choice(mine.id))
    assert not isinstance(route, Route)
    assert ".," not in route.reason
    assert workbench.store.keys.all() == ciphertexts, "nothing is overwritten"
    if how == "lost":
        with pytest.raises(KeyUnreadable, match=r"put .* back"):
            workbench.providers.put_key(mine, "new-key")
        assert not key_file.exists()
    assert workbench.store.keys.all() == ciphertexts
    workbench.close()

    kept.replace(key_file)
    workbench = Workbench(config)
    assert key_of(workbench, mine.id) == CANARY
    workbench.close()


def test_a_lost_key_may_be_given_up_and_entered_again(config: Config) -> None:
    workbench = Workbench(config)
    mine = workbench.providers.add(FORM)
    workbench.close()
    (config.data_dir / "encryption.key").unlink()
    workbench = Workbench(config)
    workbench.providers.remove_key(mine)
    workbench.providers.put_key(mine, "entered-again")
    assert key_of(workbench, mine.id) == "entered-again"
    workbench.close()


def test_keys_of_an_older_encryption_key_are_read_while_it_follows_the_newest(config: Config) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    workbench = Workbench(configured(config, ENCRYPTION_KEY=old))
    mine = workbench.providers.add(FORM)
    workbench.close()
    workbench = Workbench(configured(config, ENCRYPTION_KEY=f"{new},{old}"))
    assert key_of(workbench, mine.id) == CANARY
    workbench.close()
    workbench = Workbench(configured(config, ENCRYPTION_KEY=new))
    assert key_of(workbench, mine.id) is None
    workbench.providers.put_key(mine, "entered-again")
    assert key_of(workbench, mine.id) == "entered-again"
    workbench.close()


def test_a_malformed_encryption_key_is_refused_and_the_store_is_let_go(config: Config) -> None:
    with pytest.raises(ConfigError, match="ENCRYPTION_KEY cannot be used"):
        Workbench(configured(config, ENCRYPTION_KEY="hunter2"))
    Workbench(config).close()


def test_a_provider_whose_key_cannot_be_stored_is_not_half_added(config: Config) -> None:
    workbench = Workbench(config)
    workbench.providers.add(FORM)
    workbench.close()
    (config.data_dir / "encryption.key").unlink()
    workbench = Workbench(config)
    before = everything(workbench)
    with pytest.raises(KeyUnreadable):
        workbench.providers.add(replace(FORM, name="Other"))
    assert everything(workbench) == before
    workbench.close()


def test_a_provider_that_needs_no_key_is_usable_without_one(workbench: Workbench, provider: Provider) -> None:
    assert problem(candidate(workbench, provider.id)) is None
    route = workbench.turns.preview(Choice(provider.id))
    assert isinstance(route, Route)
    assert route.secret == ""
