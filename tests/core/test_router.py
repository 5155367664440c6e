"""Who answers a message: the order of providers and models, and every refusal."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.router import problem, resolve
from core.types import AUTOMATIC, Candidate, Choice, Key, KeySource, Model, Project, Provider, Refusal, Route, Secret

ALIASES = {"o2": "open-2", "d2": "demo-2"}


def candidate(
    name: str,
    *model_ids: str,
    has_key: bool = True,
    requires_key: bool = True,
    is_enabled: bool = True,
    is_demo: bool = False,
    key_problem: str | None = None,
) -> Candidate:
    """A provider whose id is its name; its first model is the default."""
    return Candidate(
        provider=Provider(name, name, "openai", "https://x.example", requires_key=requires_key, is_enabled=is_enabled),
        models=tuple(Model(name, id_, id_.title(), is_default=id_ == model_ids[0]) for id_ in model_ids),
        key=Key(Secret(f"key of {name}"), KeySource.STORED) if has_key else None,
        key_problem=key_problem,
        is_demo=is_demo,
    )


# The demo comes first in the table, so that being passed over is no accident.
DEMO = candidate("demo", "demo-1", "demo-2", has_key=False, requires_key=False, is_demo=True)
TABLE = (
    candidate("shut", "shut-1", "shared", has_key=False),
    candidate("open", "open-1", "open-2", "shared"),
    candidate("dead", "dead-1", "dead-2", "shared", is_enabled=False),
    candidate("own", "own-1", "own-2", "shared"),
    candidate("late", "late-1", "late-2"),
)

CHOSEN_PROVIDER = {"none": None, "usable": "open", "unusable": "shut", "unknown": "ghost"}
CHOSEN_MODEL = {
    "none": None,
    "listed": "open-2",
    "alias": "o2",
    "shared": "shared",  # listed by several
    "foreign": "own-2",  # another provider's
    "unknown": "no-such-model",
}
PROJECT_PROVIDER = {"no project": None, "none": None, "usable": "own", "unusable": "dead", "deleted": "ghost"}
PROJECT_MODEL = {"none": None, "listed": "own-2", "chosen's": "open-2", "foreign": "late-2", "unknown": "no-such-model"}

ANY = "*"
# chosen provider, chosen model, project's provider, project's model -> who answers, or words of the refusal
RULES: dict[tuple[str, str, str, str], tuple[str, str] | str] = {
    # A provider chosen with the message is refused when it cannot be used, never replaced.
    ("unknown", ANY, ANY, ANY): "no longer exists",
    ("unusable", ANY, ANY, ANY): "shut has no key: add one under Providers, or choose another model",
    # Its model: chosen, else the project's if it has it, else its default. Never another provider's.
    ("usable", "listed | alias", ANY, ANY): ("open", "open-2"),
    ("usable", "shared", ANY, ANY): ("open", "shared"),
    ("usable", "foreign", ANY, ANY): "open has no model own-2",
    ("usable", "unknown", ANY, ANY): "open has no model no-such-model",
    ("usable", "none", "no project", ANY): ("open", "open-1"),
    ("usable", "none", "none | usable | unusable | deleted", "none | listed | foreign | unknown"): ("open", "open-1"),
    ("usable", "none", "none | usable | unusable | deleted", "chosen's"): ("open", "open-2"),
    # A model chosen alone: the project's provider if it lists it, else the first usable owner.
    ("none", "listed | alias", ANY, ANY): ("open", "open-2"),
    ("none", "foreign", ANY, ANY): ("own", "own-2"),
    ("none", "shared", "usable", ANY): ("own", "shared"),
    ("none", "shared", "no project | none | unusable | deleted", ANY): ("open", "shared"),
    ("none", "unknown", ANY, ANY): "No provider has a model no-such-model",
    # Automatic: the project's provider, with the project's model if it has it.
    ("none", "none", "usable", "listed"): ("own", "own-2"),
    ("none", "none", "usable", "none | chosen's | foreign | unknown"): ("own", "own-1"),
    # Then the owner of the project's model, then the first usable provider.
    ("none", "none", "none | unusable | deleted", "listed"): ("own", "own-2"),
    ("none", "none", "none | unusable | deleted", "chosen's"): ("open", "open-2"),
    ("none", "none", "none | unusable | deleted", "foreign"): ("late", "late-2"),
    ("none", "none", "none | unusable | deleted", "none | unknown"): ("open", "open-1"),
    ("none", "none", "no project", ANY): ("open", "open-1"),
}
COMBINATIONS = [
    combination
    for combination in product(CHOSEN_PROVIDER, CHOSEN_MODEL, PROJECT_PROVIDER, PROJECT_MODEL)
    if combination[2] != "no project" or combination[3] == "none"
]


def rules_for(combination: tuple[str, ...]) -> list[tuple[str, str] | str]:
    return [
        answer
        for row, answer in RULES.items()
        if all(cell == ANY or value in cell.split(" | ") for cell, value in zip(row, combination, strict=True))
    ]


@pytest.mark.parametrize("has_demo", [False, True], ids=["", "demo"])
@pytest.mark.parametrize("combination", COMBINATIONS, ids=" / ".join)
def test_the_router_answers_every_combination_as_the_table_says(
    combination: tuple[str, str, str, str], has_demo: bool
) -> None:
    chosen_provider, chosen_model, project_provider, project_model = combination
    project = Project("p", "P", model_id=PROJECT_MODEL[project_model], provider_id=PROJECT_PROVIDER[project_provider])
    route = resolve(
        (DEMO, *TABLE) if has_demo else TABLE,
        choice=Choice(CHOSEN_PROVIDER[chosen_provider], CHOSEN_MODEL[chosen_model]),
        project=None if project_provider == "no project" else project,
        aliases=ALIASES,
    )
    [answer] = rules_for(combination)
    if isinstance(answer, str):
        assert isinstance(route, Refusal)
        assert answer in route.reason
    else:
        assert isinstance(route, Route)
        assert (route.provider.id, route.model.id) == answer
        assert route.model.provider_id == route.provider.id
        assert route.secret == f"key of {route.provider.id}"
        assert route.reason


@pytest.mark.parametrize(
    ("choice", "project", "reason"),
    [
        (Choice("open"), None, "chosen with the message"),
        (Choice("open", "open-2"), None, "chosen with the message"),
        (Choice(None, "open-2"), None, "owner of open-2"),
        (Choice(None, "shared"), Project("p", "P", provider_id="own"), "the project's provider has shared"),
        (AUTOMATIC, Project("p", "P", provider_id="own"), "the project's provider"),
        (AUTOMATIC, Project("p", "P", model_id="late-2"), "owner of the project's model late-2"),
        (AUTOMATIC, None, "the first provider that can be used"),
        # What was passed over is kept.
        (Choice(None, "shared"), None, "owner of shared; passed over: shut has no key: add one under Providers"),
        (
            AUTOMATIC,
            Project("p", "P", provider_id="dead"),
            "the first provider that can be used; passed over: dead is disabled: enable it under Providers",
        ),
        (
            AUTOMATIC,
            Project("p", "P", provider_id="ghost"),
            "the first provider that can be used; passed over: the project's provider no longer exists",
        ),
        (
            AUTOMATIC,
            Project("p", "P", model_id="shut-1"),
            "the first provider that can be used; passed over: shut has no key: add one under Providers",
        ),
    ],
)
def test_a_route_says_why_in_words(choice: Choice, project: Project | None, reason: str) -> None:
    route = resolve((DEMO, *TABLE), choice=choice, project=project, aliases=ALIASES)
    assert isinstance(route, Route)
    assert route.reason == reason


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        (candidate("a", "m", is_enabled=False), "a is disabled: enable it under Providers"),
        (candidate("a", "m", has_key=False), "a has no key: add one under Providers"),
        (candidate("a", "m", has_key=False, key_problem="The stored key is lost."), "a: The stored key is lost"),
        (candidate("a"), "a has no models: add one under Providers"),
        (candidate("a", "m"), None),
        (candidate("a", "m", has_key=False, requires_key=False), None),
        (candidate("a", "m", has_key=False, requires_key=False, key_problem="The stored key is lost."), None),
    ],
)
def test_what_is_wrong_with_a_provider_comes_with_what_to_do(kept: Candidate, reason: str | None) -> None:
    assert problem(kept) == reason
    route = resolve((kept,), choice=Choice("a"))
    if reason is None:
        assert isinstance(route, Route)
    else:
        assert route == Refusal(f"{reason}, or choose another model.")


def test_the_demo_answers_by_itself_only_when_nothing_else_can() -> None:
    shut = candidate("shut", "shut-1", has_key=False)
    empty = candidate("empty")
    route = resolve((DEMO, shut, empty), choice=AUTOMATIC)
    assert isinstance(route, Route)
    assert (route.provider.id, route.model.id) == ("demo", "demo-1")
    assert route.reason == "no other provider can be used"


def test_the_demo_can_be_chosen_like_any_other() -> None:
    for choice in (Choice("demo", "demo-2"), Choice("demo", "d2"), Choice(None, "demo-2"), Choice(None, "d2")):
        route = resolve((DEMO, *TABLE), choice=choice, aliases=ALIASES)
        assert isinstance(route, Route)
        assert (route.provider.id, route.model.id) == ("demo", "demo-2")


def test_a_model_whose_owners_are_all_unusable_is_refused_with_each_reason() -> None:
    route = resolve(TABLE, choice=Choice(None, "dead-2"))
    assert route == Refusal("No provider of dead-2 can be used. dead is disabled: enable it under Providers.")


def test_without_a_usable_provider_the_refusal_says_what_to_do() -> None:
    assert resolve((), choice=AUTOMATIC) == Refusal("Add a provider first.")
    refusal = resolve((candidate("a", "m", has_key=False), candidate("b")), choice=AUTOMATIC)
    assert isinstance(refusal, Refusal)
    assert "a has no key: add one" in refusal.reason
    assert "b has no models: add one" in refusal.reason


def test_a_providers_own_id_comes_before_an_alias_of_the_same_name() -> None:
    own = candidate("own", "o2", "open-2")
    route = resolve((own,), choice=Choice("own", "o2"), aliases=ALIASES)
    assert isinstance(route, Route)
    assert route.model.id == "o2"


NAMES = st.sampled_from(["a", "b", "c", "d"])
MODELS = st.sampled_from(["m1", "m2", "m3", "m4"])
CANDIDATES = st.lists(
    st.builds(
        lambda name, models, has_key, requires_key, is_enabled, is_demo: candidate(
            name, *models, has_key=has_key, requires_key=requires_key, is_enabled=is_enabled, is_demo=is_demo
        ),
        NAMES,
        st.lists(MODELS, unique=True, max_size=3),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    unique_by=lambda found: found.provider.id,
    max_size=4,
)
MAYBE_NAME = st.none() | NAMES | st.just("ghost")
MAYBE_MODEL = st.none() | MODELS | st.just("alias")


@settings(deadline=None, max_examples=500)
@given(
    candidates=CANDIDATES,
    choice=st.builds(Choice, MAYBE_NAME, MAYBE_MODEL),
    project=st.none() | st.builds(lambda p, m: Project("p", "P", provider_id=p, model_id=m), MAYBE_NAME, MAYBE_MODEL),
)
def test_whatever_is_stored_and_chosen_the_route_is_whole(
    candidates: list[Candidate], choice: Choice, project: Project | None
) -> None:
    route = resolve(candidates, choice=choice, project=project, aliases={"alias": "m1"})
    usable = [found for found in candidates if problem(found) is None]
    if isinstance(route, Refusal):
        assert route.reason.endswith(".")
        assert not (choice.is_automatic and usable), "Automatic gives up only when nothing can be used"
        return
    [answering] = [found for found in candidates if found.provider.id == route.provider.id]
    assert problem(answering) is None
    assert route.model in answering.models, "never a model of another provider"
    assert route.key is answering.key
    if choice.provider_id:
        assert route.provider.id == choice.provider_id, "a chosen provider is never replaced"
    if choice.model_id:
        assert route.model.id in (choice.model_id, "m1" if choice.model_id == "alias" else choice.model_id)
    if answering.is_demo and choice.is_automatic and project is None:
        assert all(found.is_demo for found in usable), "the demo never answers by itself where another can"
