"""Ciphertexts by owner and origin."""

from core.store import Store
from core.store.connection import Cursor

A, B = "https://a.example", "https://b.example"


def put(store: Store, owner: str, origin: str, ciphertext: str) -> None:
    store.settings.write(lambda cursor: store.keys.put(cursor, owner, origin=origin, ciphertext=ciphertext))


def test_a_key_is_kept_for_each_origin_and_replaced_there(store: Store) -> None:
    assert not store.keys.has_any()
    put(store, "provider:p", A, "one")
    put(store, "provider:p", B, "two")
    put(store, "provider:p", A, "three")
    assert store.keys.all() == {("provider:p", A): "three", ("provider:p", B): "two"}
    assert store.keys.has_any()


def test_a_key_may_be_replaced_and_deleted_in_one_transaction(store: Store) -> None:
    def change(cursor: Cursor) -> None:
        for text in ("one", "two", "three"):
            store.keys.put(cursor, "provider:p", origin=A, ciphertext=text)
        store.keys.delete(cursor, "provider:p")
        store.keys.put(cursor, "provider:p", origin=A, ciphertext="four")

    store.settings.write(change)
    assert store.keys.all() == {("provider:p", A): "four"}


def test_deleting_takes_one_origin_or_all_of_them_and_nobody_elses(store: Store) -> None:
    for owner in ("provider:p", "provider:q"):
        put(store, owner, A, "one")
        put(store, owner, B, "two")
    store.settings.write(lambda cursor: store.keys.delete(cursor, "provider:p", origin=A))
    assert ("provider:p", A) not in store.keys.all()
    assert len(store.keys.all()) == 3
    store.settings.write(lambda cursor: store.keys.delete(cursor, "provider:p"))
    assert set(store.keys.all()) == {("provider:q", A), ("provider:q", B)}


def test_a_providers_keys_go_with_every_projects_override_of_it(store: Store) -> None:
    put(store, "provider:p", A, "own")
    put(store, "project:x/provider:p", A, "override")
    put(store, "project:x/provider:pp", A, "another provider's")
    put(store, "provider:pp", A, "another provider's")
    store.settings.write(lambda cursor: store.keys.delete_for_provider(cursor, "provider:p"))
    assert set(store.keys.all()) == {("project:x/provider:pp", A), ("provider:pp", A)}
