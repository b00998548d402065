"""What was found out of tokens, for a while: the same one comes with every request."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MOST = 2000
"""Tokens that are remembered; the oldest goes."""


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What was found out."""

    value: T
    until: float


class Remembered(Generic[T]):
    """Values by token, of which digests are kept."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._found: dict[bytes, Found[T]] = {}

    def get(self, token: str) -> Found[T] | None:
        """Return what was found out of a token and still counts."""
        found = self._found.get(_digest(token))
        return found if found is not None and found.until > self._clock() else None

    def put(self, token: str, value: T, seconds: float) -> None:
        """Remember what was found out, for so long."""
        digest = _digest(token)
        self._found.pop(digest, None)
        while len(self._found) >= MOST:
            del self._found[next(iter(self._found))]
        self._found[digest] = Found(value, self._clock() + seconds)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()
