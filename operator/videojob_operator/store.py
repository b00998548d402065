"""A store of observed objects, generic over what is kept of each, and indexes that follow it.

Objects come from watches, from lists and from answers to our own writes, so an older one can come after a
newer one: resource versions of one resource are numbers that grow (KEP-5504), and an older one is dropped.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

Raw = Mapping[str, Any]
"""A Kubernetes object, as JSON has it."""


class NamespacedName(Protocol):
    """What every key says."""

    @property
    def namespace(self) -> str:
        """Namespace of the object."""

    @property
    def name(self) -> str:
        """Its name there."""


Key = TypeVar("Key", bound=NamespacedName)
Value = TypeVar("Value")
Term = TypeVar("Term", bound=Hashable)

Follower = Callable[[Key, Value | None, Value | None], None]
"""Is told of each change: the key, what was there and what is there now."""


@dataclass(frozen=True, slots=True)
class _Stored(Generic[Value]):
    uid: str
    version: int
    value: Value


class Store(Mapping[Key, Value]):
    """The newest projection of each object of one resource."""

    def __init__(self, key_of: Callable[[str, str], Key], project: Callable[[Raw, Value | None], Value]) -> None:
        """Keep `project` of each object under `key_of` its namespace and name.

        `project` is also given the projection that it replaces, if that is of the same UID.
        """
        self._key_of = key_of
        self._project = project
        self._followers: list[Follower[Key, Value]] = []
        self._stored: dict[Key, _Stored[Value]] = {}

    def __getitem__(self, key: Key) -> Value:
        return self._stored[key].value

    def __iter__(self) -> Iterator[Key]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def follow(self, follower: Follower[Key, Value]) -> None:
        """Tell `follower` of each change from now on."""
        self._followers.append(follower)

    def index(self, term_of: Callable[[Key, Value], Term | None]) -> "Index[Key, Value, Term]":
        """Return an index of what is put in from now on; what `term_of` is None of is left out."""
        index = Index(term_of)
        self.follow(index.follow)
        return index

    def put(self, raw: Raw) -> bool:
        """Take an object in, unless it is known as new or newer; return whether anything that is kept changed."""
        metadata = raw["metadata"]
        key = self._key_of(metadata["namespace"], metadata["name"])
        version = int(metadata["resourceVersion"])
        old = self._stored.get(key)
        if old and old.version >= version:
            return False
        same = old.value if old and old.uid == metadata["uid"] else None
        value = self._project(raw, same)
        self._stored[key] = _Stored(metadata["uid"], version, value)
        self._tell(key, old.value if old else None, value)
        return same != value

    def refresh(self, raw: Raw) -> None:
        """Take in the answer to a write of ours, unless the object went away while that was under way."""
        metadata = raw["metadata"]
        known = self._stored.get(self._key_of(metadata["namespace"], metadata["name"]))
        if known and known.uid == metadata["uid"]:
            self.put(raw)

    def remove(self, key: Key, uid: str | None = None) -> bool:
        """Drop an object, unless another of that name took its place; return whether it was there."""
        known = self._stored.get(key)
        if known is None or (uid is not None and known.uid != uid):
            return False
        del self._stored[key]
        self._tell(key, known.value, None)
        return True

    def versions(self) -> dict[Key, int]:
        """Resource versions of everything that is known, to compare with the server's."""
        return {key: known.version for key, known in self._stored.items()}

    def _tell(self, key: Key, before: Value | None, after: Value | None) -> None:
        for follower in self._followers:
            follower(key, before, after)


class Index(Generic[Key, Value, Term]):
    """Which keys of a store have a value of which a term holds, such as the pool that it belongs to."""

    def __init__(self, term_of: Callable[[Key, Value], Term | None]) -> None:
        self._term_of = term_of
        self._keys: dict[Term, dict[Key, None]] = {}

    def follow(self, key: Key, before: Value | None, after: Value | None) -> None:
        """Do as a store did."""
        was = None if before is None else self._term_of(key, before)
        if was is not None:
            self._keys[was].pop(key)
            if not self._keys[was]:
                del self._keys[was]
        term = None if after is None else self._term_of(key, after)
        if term is not None:
            self._keys.setdefault(term, {})[key] = None

    @property
    def terms(self) -> list[Term]:
        """Every term that a key is of."""
        return list(self._keys)

    def of(self, term: Term) -> list[Key]:
        """Keys of that term, the one that changed last at the end."""
        return list(self._keys.get(term, ()))

    def last(self, term: Term) -> Key | None:
        """The key of that term that changed last."""
        return next(reversed(self._keys.get(term, {})), None)

    def count(self, term: Term) -> int:
        """How many keys there are of that term."""
        return len(self._keys.get(term, ()))
