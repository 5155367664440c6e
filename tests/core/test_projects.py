"""Projects as a user edits them, and the override key that belongs to one project and one provider."""

from dataclasses import replace

import pytest

from core.errors import InvalidInput
from core.projects import DEFAULT_PROJECT_ID, SYSTEM_PROMPT_LIMIT, ProjectForm
from core.providers import ProviderForm, project_owner
from core.types import Choice, KeySource, Project, Provider
from core.workbench import Workbench
from tests.conftest import finished, send


def override(workbench: Workbench, project: Project) -> str | None:
    """Return the project's own key for its provider."""
    keys = [found.key for found in workbench.providers.candidates(project) if found.provider.id == project.provider_id]
    return next((key.secret.reveal() for key in keys if key and key.source is KeySource.PROJECT), None)


@pytest.fixture
def mine(workbench: Workbench) -> Provider:
    return workbench.providers.add(ProviderForm("Mine", "openai", "https://mine.example/v1", key="providers-own"))


def test_the_default_project_is_there_from_the_first_start(workbench: Workbench) -> None:
    assert workbench.store.projects.all() == [Project(DEFAULT_PROJECT_ID, "Default")]
    workbench.projects.ensure_default()
    assert len(workbench.store.projects.all()) == 1


def test_a_project_is_added_and_changed(workbench: Workbench, mine: Provider) -> None:
    form = ProjectForm(" Atlas ", "Be brief.\x00 ", model_id="m", provider_id=mine.id)
    project = workbench.projects.save(form)
    assert project == Project(project.id, "Atlas", "Be brief.", "m", mine.id)
    assert workbench.store.projects.get(project.id) == project
    changed = workbench.projects.save(ProjectForm("Atlas"), project=project)
    assert changed == Project(project.id, "Atlas")
    assert workbench.store.projects.get(project.id) == changed


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        (ProjectForm(""), "name", "Enter a name"),
        (ProjectForm("a\ud800"), "name", "invisible"),
        (ProjectForm("ATLAS"), "name", "already a project called ATLAS"),
        (ProjectForm("Borealis", "a" * (SYSTEM_PROMPT_LIMIT + 1)), "system_prompt", "100,001 characters"),
        (ProjectForm("Borealis", provider_id="ghost"), "provider_id", "no longer exists"),
        (ProjectForm("Borealis", fallbacks=("openai/gone",)), "fallbacks", "openai/gone no longer exists"),
        (ProjectForm("Borealis", fallbacks=("ghost",)), "fallbacks", "ghost no longer exists"),
        (ProjectForm("Borealis", key="hunter2"), "key", "choose one first"),
        (ProjectForm("Borealis", provider_id="openai", key="hunter2 hunter2"), "key", "blank"),
        (ProjectForm("Borealis", model_id="a\ud800b"), "model_id", "model"),
        (ProjectForm("Borealis", model_id="a" * 10_000), "model_id", "model"),
    ],
)
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "known"])
def test_a_bad_form_is_refused_with_its_field_and_nothing_is_half_saved(
    refusing: Workbench, form: ProjectForm, field: str, words: str, is_new: bool
) -> None:
    known = None if is_new else refusing.store.projects.get(DEFAULT_PROJECT_ID)
    if not any(project.name == "Atlas" for project in refusing.store.projects.all()):
        refusing.projects.save(ProjectForm("Atlas", provider_id="openai", key="override"))
    before = refusing.store.projects.all(), refusing.store.keys.all()
    with pytest.raises(InvalidInput) as caught:
        refusing.projects.save(form, project=known)
    assert caught.value.field == field
    assert words in caught.value.message
    assert "hunter2" not in caught.value.message
    assert (refusing.store.projects.all(), refusing.store.keys.all()) == before


def test_an_override_key_stays_when_the_field_is_left_empty(workbench: Workbench, mine: Provider) -> None:
    form = ProjectForm("Atlas", provider_id=mine.id, key="override")
    project = workbench.projects.save(form)
    assert override(workbench, project) == "override"
    project = workbench.projects.save(replace(form, name="Atlas II", key=""), project=project)
    assert override(workbench, project) == "override"
    project = workbench.projects.save(replace(form, key="newer"), project=project)
    assert override(workbench, project) == "newer"
    assert len(workbench.store.keys.all()) == 2  # the provider's own, and one override


@pytest.mark.parametrize("becomes", [None, "openai"])
def test_an_override_key_goes_with_its_provider_and_does_not_come_back(
    workbench: Workbench, mine: Provider, becomes: str | None
) -> None:
    form = ProjectForm("Atlas", provider_id=mine.id, key="override")
    project = workbench.projects.save(form)
    project = workbench.projects.save(replace(form, provider_id=becomes, key=""), project=project)
    assert override(workbench, project) is None
    assert (project_owner(project.id, mine.id), "https://mine.example") not in workbench.store.keys.all()
    project = workbench.projects.save(replace(form, key=""), project=project)
    assert override(workbench, project) is None


def test_a_change_of_provider_takes_the_key_typed_with_it(workbench: Workbench, mine: Provider) -> None:
    project = workbench.projects.save(ProjectForm("Atlas", provider_id=mine.id, key="override"))
    project = workbench.projects.save(ProjectForm("Atlas", provider_id="openai", key="for-openai"), project=project)
    assert override(workbench, project) == "for-openai"
    owners = {owner for owner, _ in workbench.store.keys.all() if owner.startswith("project:")}
    assert owners == {project_owner(project.id, "openai")}


def test_a_deleted_provider_takes_its_override_keys_with_it(workbench: Workbench, mine: Provider) -> None:
    workbench.projects.save(ProjectForm("Atlas", provider_id=mine.id, key="override"))
    workbench.providers.delete(mine)
    assert not workbench.store.keys.has_any()


def test_an_override_key_can_be_removed_and_the_providers_own_is_used_again(
    workbench: Workbench, mine: Provider
) -> None:
    project = workbench.projects.save(ProjectForm("Atlas", provider_id=mine.id, key="override"))
    assert workbench.projects.has_key(project)
    workbench.projects.remove_key(project)
    assert not workbench.projects.has_key(project)
    assert override(workbench, project) is None
    keys = [found.key for found in workbench.providers.candidates(project) if found.provider.id == mine.id]
    assert [key.secret.reveal() for key in keys if key] == ["providers-own"]


def test_an_archived_project_loses_its_key_and_frees_its_name(workbench: Workbench, mine: Provider) -> None:
    project = workbench.projects.save(ProjectForm("Atlas", provider_id=mine.id, key="override"))
    workbench.projects.archive(project)
    assert [found.name for found in workbench.store.projects.all()] == ["Default"]
    assert len(workbench.store.keys.all()) == 1
    assert workbench.projects.save(ProjectForm("Atlas")).id != project.id


def test_an_archived_project_comes_back_once_its_name_is_free(workbench: Workbench, mine: Provider) -> None:
    project = workbench.projects.save(ProjectForm("Atlas", "Be brief.", provider_id=mine.id, key="override"))
    workbench.projects.archive(project)
    assert workbench.store.projects.archived() == [project]
    other = workbench.projects.save(ProjectForm("ATLAS"))
    with pytest.raises(InvalidInput, match="another project called Atlas"):
        workbench.projects.restore(project)
    workbench.projects.save(ProjectForm("Borealis"), project=other)
    workbench.projects.restore(project)
    assert workbench.store.projects.get(project.id) == project
    assert workbench.store.projects.archived() == []
    assert not workbench.projects.has_key(project)


def test_the_default_project_cannot_be_archived(workbench: Workbench) -> None:
    [default] = workbench.store.projects.all()
    with pytest.raises(InvalidInput, match="cannot be archived"):
        workbench.projects.archive(default)
    assert workbench.store.projects.all() == [default]


def test_a_conversation_of_an_archived_project_goes_on(workbench: Workbench, provider: Provider) -> None:
    project = workbench.projects.save(ProjectForm("Atlas", "Be brief."))
    conversation_id = workbench.turns.send("Hello", Choice(provider.id), conversation_id=None, project_id=project.id)
    finished(workbench, conversation_id)
    workbench.projects.archive(project)
    reply = finished(workbench, send(workbench, "Again", provider, conversation_id=conversation_id))
    assert reply.text == "Hello."
