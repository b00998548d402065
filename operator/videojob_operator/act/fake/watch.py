"""Watches of the fake API server, and what can go wrong with them."""

import asyncio
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from videojob_contract.api_paths import Resource
from videojob_operator.act.kubernetes import Object


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """What became of one object."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: Object
    """As it is after that, or of a deleted one as it last was; its resource version is that of the event."""

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name of the object."""
        return self.object["metadata"]["namespace"], self.object["metadata"]["name"]


@dataclass(frozen=True, slots=True)
class Change:
    """An object before and after a write; it is not there before its creation, nor after its deletion."""

    resource: Resource
    version: int
    before: Object | None
    after: Object | None

    def event(self, namespace: str | None, selector: str) -> ServerEvent | None:
        """Return what a watch with this selector is told: one that came to match was added, as far as it knows."""
        was = self.before is not None and matches(self.before, selector)
        present = self.after if self.after is not None and matches(self.after, selector) else None
        last = present or self.before
        if last is None or not (was or present) or namespace not in {None, last["metadata"]["namespace"]}:
            return None
        if present:
            return ServerEvent("MODIFIED" if was else "ADDED", present)
        metadata = last["metadata"] | {"resourceVersion": str(self.version)}
        return ServerEvent("DELETED", (self.after or last) | {"metadata": metadata})


class Watch:
    """What happens to one resource, event by event."""

    def __init__(self, resource: Resource, namespace: str | None, selector: str) -> None:
        self.resource = resource
        self._namespace = namespace
        self._selector = selector
        self._waiting: deque[ServerEvent] = deque()
        self._held = False
        self._moved = asyncio.Event()

    async def next(self) -> ServerEvent:
        """Wait for an event, and take it."""
        while self._held or not self._waiting:
            self._moved.clear()
            await self._moved.wait()
        return self._waiting.popleft()

    def take(self) -> list[ServerEvent]:
        """Take all that wait, also while they are held."""
        events = list(self._waiting)
        self._waiting.clear()
        return events

    def hold(self) -> None:
        """Deliver nothing until `release`."""
        self._held = True

    def release(self) -> None:
        """Deliver again, and first what was held."""
        self._held = False
        self._moved.set()

    def lose(self) -> None:
        """Never deliver what waits."""
        self._waiting.clear()

    def shuffle(self, chance: random.Random) -> None:
        """Deliver what waits in another order; of each object, it stays the same."""
        keys = [event.key for event in self._waiting]
        of_key = {key: deque(event for event in self._waiting if event.key == key) for key in keys}
        chance.shuffle(keys)
        self._waiting = deque(of_key[key].popleft() for key in keys)

    def put(self, change: Change) -> None:
        """Have a change delivered, if it is of this watch."""
        event = change.event(self._namespace, self._selector) if change.resource == self.resource else None
        if event is not None:
            self._waiting.append(event)
            self._moved.set()


def has_fields(body: Mapping[str, Any], selector: str) -> bool:
    """Whether an object's fields are those of a selector, such as `a.b=c,d=e`."""
    return all(_field(body, path) == value for path, _, value in (term.partition("=") for term in selector.split(",")))


def _field(body: Any, path: str) -> Any:
    for name in path.split("."):
        body = body.get(name, {})
    return body


def matches(body: Mapping[str, Any], selector: str) -> bool:
    """Whether an object's labels are those of a selector, such as `a=b,c=d`."""
    labels = body["metadata"].get("labels", {})
    wanted = (term.partition("=") for term in selector.split(",") if term)
    return all(labels.get(key) == value for key, _, value in wanted)
