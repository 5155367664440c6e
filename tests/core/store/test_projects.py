"""The projects table."""

from dataclasses import replace

import pytest

from core.store import Store
from core.store.connection import Conflict
from core.types import Project

FULL = Project("p", "Atlas", system_prompt="Be brief.", model_id="m", provider_id="q", fallbacks=("q/m", "r/n"))


def add(store: Store, project: Project) -> None:
    store.settings.write(lambda cursor: store.projects.add(cursor, project))


def test_a_project_comes_back_as_it_was_written_and_changed(store: Store) -> None:
    add(store, FULL)
    assert store.projects.get("p") == FULL
    changed = Project("p", "Atlas II")
    store.settings.write(lambda cursor: store.projects.save(cursor, changed))
    assert store.projects.all() == [changed]


def test_a_name_is_taken_until_its_project_is_in_the_trash(store: Store) -> None:
    add(store, FULL)
    with pytest.raises(Conflict):
        add(store, replace(FULL, id="q", name="ATLAS"))
    store.settings.write(lambda cursor: store.projects.delete(cursor, "p"))
    assert store.projects.get("p") is None
    assert store.projects.all() == []
    add(store, replace(FULL, id="q", name="ATLAS"))
    assert [project.id for project in store.projects.all()] == ["q"]
