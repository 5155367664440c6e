"""Provider settings as a file: out and in again unchanged, without keys, and refused as typed input would be."""

import re
import tomllib
from dataclasses import replace
from datetime import date, time
from decimal import Decimal

import pytest

from core.errors import InvalidInput
from core.provider_file import Entry, Standing, bring_in, plan, write_file
from core.providers import ProviderForm
from core.types import Candidate, Model, Price, Tier, Window
from core.workbench import Workbench

CANARY = "sk-canary-0123456789abcdefghijklmnopqrst"
TIERS = (Tier(128_000, Decimal("0.5"), None, Decimal(0)), Tier(256_000, Decimal("1.5"), Decimal(30)))
WINDOWS = (Window(time(16, 30), time(0, 30), Decimal("0.25"), frozenset({1, 7})), Window(time(2), time(3), Decimal(2)))
FULL = Model(
    "",
    "vendor/model:free",
    'A "quoted" back',
    context_tokens=200_000,
    max_output_tokens=8_000,
    thinking="effort",
    retires_on=date(2027, 1, 14),
    replacement="next",
    note='Say "hi" \\ twice.\nÄ 🦆\x7f',
    price=Price(
        Decimal("0.25"), Decimal(10), Decimal("0.000000001"), Decimal(0), "a page", date(2026, 11, 23), TIERS, WINDOWS
    ),
)


def candidates(workbench: Workbench) -> tuple[Candidate, ...]:
    return workbench.providers.candidates()


def custom(workbench: Workbench) -> Candidate:
    return candidates(workbench)[-1]


@pytest.fixture
def filled(workbench: Workbench) -> Workbench:
    form = ProviderForm("Gateway", "openai", "https://gateway.example/v1", key=CANARY)
    models = [Model("", "plain", "Plain"), replace(FULL, name="Full", is_default=True)]
    workbench.providers.add(form, models=models)
    return workbench


def standings(entries: list[Entry]) -> list[tuple[str, str]]:
    return [(entry.name, entry.standing.value) for entry in entries]


def test_a_file_holds_custom_providers_and_the_edits_of_built_in_ones_but_no_key(filled: Workbench) -> None:
    luna = next(model for model in filled.store.models.of("openai") if model.id == "gpt-6-luna")
    filled.providers.save_model(replace(luna, price=Price(Decimal(7))), is_new=False)
    text = write_file(candidates(filled))
    data = tomllib.loads(text)
    assert [row.get("name") or row["builtin"] for row in data["providers"]] == ["openai", "Gateway"]
    assert [model["id"] for model in data["providers"][0]["models"]] == ["gpt-6-luna"]
    assert data["providers"][1]["default_model"] == FULL.id
    assert CANARY not in text and CANARY[:12] not in text


def test_a_fresh_store_has_nothing_to_write(workbench: Workbench) -> None:
    assert "providers" not in tomllib.loads(write_file(candidates(workbench)))


def test_what_was_written_is_the_same_again(filled: Workbench) -> None:
    entries = plan(write_file(candidates(filled)), filled.providers)
    assert standings(entries) == [("Gateway", "same")]
    before = candidates(filled)
    bring_in(entries, filled.providers, filled.store)
    assert candidates(filled) == before


def test_what_was_written_comes_in_whole_elsewhere(filled: Workbench) -> None:
    filled.providers.enable(next(c for c in candidates(filled) if c.provider.id == "qwen").provider, False)
    text, before = write_file(candidates(filled)), custom(filled)
    filled.providers.delete(before.provider)
    filled.providers.enable(next(c for c in candidates(filled) if c.provider.id == "qwen").provider, True)
    entries = plan(text, filled.providers)
    assert standings(entries) == [("Qwen", "changed"), ("Gateway", "new")]
    assert entries[0].words == "disabled"
    bring_in(entries, filled.providers, filled.store)
    after = custom(filled)
    provider_id = after.provider.id
    assert after.provider == replace(before.provider, id=provider_id)
    assert after.models == tuple(replace(model, provider_id=provider_id) for model in before.models)
    assert after.key is None


def test_a_change_says_what_it_changes_and_that_a_key_goes(filled: Workbench) -> None:
    text = write_file(candidates(filled)).replace("gateway.example", "elsewhere.example").replace('"0.25"', '"0.5"')
    text = text.replace(f'default_model = "{FULL.id}"', 'default_model = "plain"')
    [entry] = plan(text, filled.providers)
    assert entry.standing is Standing.CHANGED
    assert entry.words == (
        "base URL https://elsewhere.example/v1, its key is removed, since it is for the old address, "
        "models changed: 1, default plain"
    )
    bring_in([entry], filled.providers, filled.store)
    after = custom(filled)
    assert after.key is None and not filled.store.keys.has_any()
    assert after.default_model is not None and after.default_model.id == "plain"
    assert after.models[1].price.input == Decimal("0.5")


def test_models_that_the_file_does_not_name_stay(filled: Workbench) -> None:
    text = write_file(candidates(filled))
    filled.providers.save_model(Model(custom(filled).provider.id, "mine", "Mine"), is_new=True)
    assert standings(plan(text, filled.providers)) == [("Gateway", "same")]


GOOD = 'format = 1\n[[providers]]\nname = "New"\nprotocol = "openai"\nbase_url = "https://new.example"\n'


PRICED = '[[providers.models]]\nid = "a"\nprice = {{ input = "1", {} }}\n'
HOURS = "start = 10:00:00, end = 11:00:00"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "should say format = 1"),
        ("format = 2", "should say format = 1"),
        ("{json}", "not a TOML file"),
        ("format = 1\nproviders = 3", "no [[providers]] blocks"),
        ("#" * 5_000_001, "5,000,001 characters"),
    ],
)
def test_another_file_is_refused_whole(refusing: Workbench, text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        plan(text, refusing.providers)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("https", "javascript"), "begins with https://"),
        (GOOD.replace("new.example", "169.254.169.254"), "network service"),
        (GOOD.replace('"openai"', '"demo"'), "Choose a protocol"),
        (GOOD.replace('"New"', '""'), "Enter a name"),
        (GOOD.replace('"New"', '"OpenAI"'), "already a provider called OpenAI"),
        (GOOD.replace('"New"', "7"), "name has a value of the wrong kind"),
        (GOOD.replace('name = "New"', 'builtin = "nobody"'), "no such built-in provider"),
        (GOOD.replace('name = "New"', 'builtin = "openai"'), "keeps its address"),
        (GOOD + "enabled = 1\n", "enabled has a value of the wrong kind"),
        (GOOD + "models = [1]\n", "block of its own"),
        (GOOD + '[[providers.models]]\nid = "a b"\n', "blanks"),
        (GOOD + '[[providers.models]]\nid = "a"\n[[providers.models]]\nid = "a"\n', "twice"),
        (GOOD + '[[providers.models]]\nid = "a"\nname = "[x](http://x)"\n', "may not contain"),
        (GOOD + '[[providers.models]]\nid = "a"\ncontext_tokens = true\n', "wrong kind"),
        (GOOD + '[[providers.models]]\nid = "a"\ncontext_tokens = 0\n', "above 0"),
        (GOOD + '[[providers.models]]\nid = "a"\nretires_on = 2027-01-01T00:00:00Z\n', "wrong kind"),
        (GOOD + '[[providers.models]]\nid = "a"\nprice = { input = 0.25 }\n', "number in quotes"),
        (GOOD + '[[providers.models]]\nid = "a"\nprice = { input = "-1" }\n', "between 0 and"),
        (GOOD + '[[providers.models]]\nid = "a"\nprice = { input = "NaN" }\n', "between 0 and"),
        (GOOD + PRICED.format('tiers = "high"'), "tiers has a value of the wrong kind"),
        (GOOD + PRICED.format("tiers = [3]"), "list of tables"),
        (GOOD + PRICED.format('tiers = [{ input = "1" }]'), "above a number of tokens"),
        (GOOD + PRICED.format("tiers = [{ above_tokens = 5 }]"), "no price"),
        (GOOD + PRICED.format('tiers = [{ above_tokens = 5, input = "-1" }]'), "between 0 and"),
        (GOOD + PRICED.format('windows = [{ start = 10:00:00, factor = "0.5" }]'), "needs start, end and factor"),
        (GOOD + PRICED.format('windows = [{ start = "10:00", end = 11:00:00, factor = "0.5" }]'), "wrong kind"),
        (GOOD + PRICED.format(f'windows = [{{ {HOURS}, factor = "11" }}]'), "from 0 to 10"),
        (GOOD + PRICED.format(f'windows = [{{ {HOURS}, factor = "1", days = [8] }}]'), "at least one day"),
        (GOOD + PRICED.format(f'windows = [{{ {HOURS}, factor = "1", days = ["Mon"] }}]'), "1 for Monday"),
        (GOOD + PRICED.format(f'windows = [{{ {HOURS}, factor = "1" }}, {{ {HOURS}, factor = "2" }}]'), "in common"),
        (GOOD + 'fallbacks = [{ builtin = "openai", model = "gpt-0" }]', "neither here nor in the file"),
        (GOOD + 'fallbacks = [{ name = "Nobody", model = "m" }]', "neither here nor in the file"),
        (GOOD + 'fallbacks = [{ name = "new", model = "m" }]\n[[providers.models]]\nid = "m"\n', "its own fallback"),
        (GOOD + "fallbacks = 3", "wrong kind"),
        (GOOD + f'[[providers.models]]\nid = "a"\nnote = "{"x" * 501}"\n', "501 characters"),
    ],
)
def test_a_bad_provider_is_refused_by_name_and_the_others_come_in(refusing: Workbench, text: str, words: str) -> None:
    before = refusing.store.providers.all()
    other = GOOD.replace("format = 1\n", "").replace('"New"', '"Other"')
    bad, good = plan(text + "\n" + other, refusing.providers)
    assert (bad.standing, good.standing) == (Standing.REFUSED, Standing.NEW)
    assert words in bad.words
    bring_in([bad], refusing.providers, refusing.store)
    assert refusing.store.providers.all() == before


def test_a_provider_that_stands_twice_in_a_file_comes_in_once(refusing: Workbench) -> None:
    again = GOOD.replace("format = 1\n", "").replace('"New"', '"NEW"')
    assert [entry.standing.value for entry in plan(GOOD + again, refusing.providers)] == ["new", "refused"]


def test_a_conflict_with_another_tab_writes_nothing(workbench: Workbench) -> None:
    entries = plan(GOOD + GOOD.replace("format = 1\n", "").replace("New", "Newer"), workbench.providers)
    workbench.providers.add(ProviderForm("Newer", "openai", "https://x.example"))
    before = workbench.store.providers.all()
    with pytest.raises(InvalidInput, match="Another tab"):
        bring_in(entries, workbench.providers, workbench.store)
    assert workbench.store.providers.all() == before


def chained(workbench: Workbench) -> str:
    """Add two providers that answer for each other, and a built-in one after them. Return the file."""
    add = workbench.providers.add
    first = add(ProviderForm("First", "openai", "https://first.example"), models=[Model("", "one", "One")])
    second = add(ProviderForm("Second", "openai", "https://second.example"), models=[Model("", "two", "Two")])
    workbench.providers.set_fallbacks(first, (f"{second.id}/two", "openai/gpt-6-luna", "deleted/long-ago"))
    workbench.providers.set_fallbacks(second, (f"{first.id}/one",))
    return write_file(candidates(workbench))


def test_fallbacks_come_in_elsewhere_under_the_ids_of_there(workbench: Workbench) -> None:
    text = chained(workbench)
    for candidate in candidates(workbench)[-2:]:
        assert candidate.provider.id not in text
        workbench.providers.delete(candidate.provider)
    bring_in(plan(text, workbench.providers), workbench.providers, workbench.store)
    first, second = (candidate.provider for candidate in candidates(workbench)[-2:])
    assert first.fallbacks == (f"{second.id}/two", "openai/gpt-6-luna")
    assert second.fallbacks == (f"{first.id}/one",)
    assert standings(plan(text, workbench.providers)) == [("First", "same"), ("Second", "same")]


def test_other_fallbacks_are_a_change_and_a_file_without_any_says_nothing(workbench: Workbench) -> None:
    text = chained(workbench)
    other = text.replace('{ builtin = "openai", model = "gpt-6-luna" }', '{ builtin = "openai", model = "gpt-4o" }')
    first, second = plan(other, workbench.providers)
    assert (first.standing, first.words) == (Standing.CHANGED, "who answers when it fails")
    bring_in([first], workbench.providers, workbench.store)
    assert candidates(workbench)[-2].provider.fallbacks[-1] == "openai/gpt-4o"
    assert second.standing is Standing.SAME
    silent = re.sub(r"fallbacks = \[.*?\]\n", "", text, flags=re.DOTALL)
    assert "fallbacks" not in silent
    assert standings(plan(silent, workbench.providers)) == [("First", "same"), ("Second", "same")]


def test_the_fallbacks_of_a_built_in_provider_are_written_too(workbench: Workbench) -> None:
    openai = next(c.provider for c in candidates(workbench) if c.provider.id == "openai")
    workbench.providers.set_fallbacks(openai, ("anthropic/claude-haiku-5-5",))
    [row] = tomllib.loads(write_file(candidates(workbench)))["providers"]
    assert row["fallbacks"] == [{"builtin": "anthropic", "model": "claude-haiku-5-5"}]
