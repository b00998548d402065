"""A store: newest object wins, namesakes are told apart, and indexes follow."""

from typing import Any

import pytest

from videojob_operator.projections import ObjectKey
from videojob_operator.store import Index, Store

KEY = ObjectKey("ns", "one")


def thing(color: str = "red", *, name: str = "one", uid: str = "uid-1", version: int = 1) -> dict[str, Any]:
    return {"metadata": {"namespace": "ns", "name": name, "uid": uid, "resourceVersion": str(version)}, "color": color}


def color_of(raw: Any, _: str | None) -> str:
    return str(raw["color"])


@pytest.fixture
def store() -> Store[ObjectKey, str]:
    return Store(ObjectKey, color_of)


@pytest.fixture
def by_color(store: Store[ObjectKey, str]) -> Index[ObjectKey, str, str]:
    return store.index(lambda _, color: None if color == "none" else color)


def test_an_older_version_and_the_same_change_nothing(store):
    assert store.put(thing("red", version=10))
    assert not store.put(thing("blue", version=10))
    assert not store.put(thing("blue", version=9))  # a number, though it is written as text
    assert store[KEY] == "red"


def test_what_is_newer_is_a_change_only_when_what_is_kept_differs(store):
    store.put(thing("red", version=1))
    assert not store.put(thing("red", version=2))
    assert store.versions() == {KEY: 2}
    assert store.put(thing("blue", version=3))


def test_a_namesake_is_a_change_even_when_it_looks_the_same(store):
    store.put(thing("red", uid="uid-1", version=1))
    assert store.put(thing("red", uid="uid-2", version=2))


def test_a_projection_is_given_the_one_before_of_the_same_object_only():
    befores = []
    store = Store(ObjectKey, lambda raw, before: befores.append(before) or raw["color"])
    store.put(thing("red", version=1))
    store.put(thing("blue", version=2))
    store.put(thing("green", uid="uid-2", version=3))
    assert befores == [None, "red", None]


def test_a_late_deletion_of_a_namesake_removes_nothing(store):
    store.put(thing(uid="uid-2"))
    assert not store.remove(KEY, "uid-1")
    assert KEY in store
    assert store.remove(KEY, "uid-2")
    assert not store.remove(KEY)


def test_an_answer_to_a_write_brings_back_neither_what_is_gone_nor_what_was_replaced(store):
    store.refresh(thing("red", version=2))
    assert KEY not in store
    store.put(thing("red", uid="uid-2", version=3))
    store.refresh(thing("blue", uid="uid-1", version=4))
    assert store[KEY] == "red"
    store.refresh(thing("blue", uid="uid-2", version=4))
    assert store[KEY] == "blue"


def test_an_index_follows_what_comes_changes_and_goes(store, by_color):
    two = ObjectKey("ns", "two")
    store.put(thing("red", version=1))
    store.put(thing("red", name="two", version=2))
    assert by_color.of("red") == [KEY, two]
    assert by_color.count("red") == 2
    store.put(thing("red", uid="uid-2", version=3))
    assert by_color.last("red") == KEY
    store.put(thing("blue", uid="uid-2", version=4))
    assert (by_color.of("red"), by_color.of("blue")) == ([two], [KEY])
    store.remove(two)
    assert by_color.last("red") is None
    assert by_color.count("red") == 0


def test_an_index_leaves_out_what_has_no_term(store, by_color):
    store.put(thing("none", version=1))
    assert by_color.count("none") == 0
    store.put(thing("red", version=2))
    store.put(thing("none", version=3))
    assert by_color.of("red") == []


def test_what_is_gone_leaves_nothing_in_an_index(store, by_color):
    store.put(thing())
    store.remove(KEY)
    assert by_color._keys == {}
