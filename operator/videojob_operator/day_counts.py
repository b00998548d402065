"""How many VideoJobs of each user were let into a pool in a day, and how that is kept.

A user is eight bytes of a hash: ten thousand are 160 KB, whatever they are called.
"""

import base64
import binascii
import hashlib
import json
import struct
from collections.abc import Iterable
from typing import Any

MOST_USERS = 20_000
"""Users of a pool that a day counts; later ones wait for the next."""
MOST_ASSUMED = 1_000
"""Grants that are remembered until a status shows them; no more are given until it does."""
_ROW = struct.Struct(">8sI")


class DayCounts:
    """The counts of one day of one pool."""

    def __init__(self, pool_uid: str, day: str) -> None:
        self.pool_uid = pool_uid
        self.day = day
        self.assumed: set[str] = set()
        """UIDs that are counted, of which no status says so yet."""
        self._counts: dict[bytes, int] = {}

    def of(self, user: str) -> int:
        """How many of a user were counted."""
        return self._counts.get(self._hash(user), 0)

    def is_full(self, user: str) -> bool:
        """Whether this user is one more than it can count."""
        return len(self._counts) >= MOST_USERS and self._hash(user) not in self._counts

    @property
    def is_behind(self) -> bool:
        """Whether as much is assumed as may be."""
        return len(self.assumed) >= MOST_ASSUMED

    def add(self, user: str, uid: str) -> None:
        """Count one."""
        key = self._hash(user)
        self._counts[key] = self._counts.get(key, 0) + 1
        self.assumed.add(uid)

    def encode(self) -> str:
        """Return it as text."""
        rows = b"".join(_ROW.pack(key, count) for key, count in self._counts.items())
        said = {
            "pool": self.pool_uid,
            "day": self.day,
            "counts": base64.b64encode(rows).decode(),
            "assumed": sorted(self.assumed),
        }
        return json.dumps(said, separators=(",", ":"))

    @classmethod
    def decode(cls, text: str, pool_uid: str, day: str) -> "DayCounts":
        """Read what `encode` wrote; what is of another pool or day, or no such text, counts nothing."""
        counts = cls(pool_uid, day)
        try:
            said = json.loads(text)
            if not isinstance(said, dict) or (said.get("pool"), said.get("day")) != (pool_uid, day):
                return counts
            rows: dict[bytes, int] = dict(_ROW.iter_unpack(base64.b64decode(said["counts"], validate=True)))
            assumed = set(_texts(said["assumed"]))
        except (ValueError, KeyError, TypeError, struct.error, binascii.Error, RecursionError):
            return counts
        counts._counts, counts.assumed = rows, assumed
        return counts

    def _hash(self, user: str) -> bytes:
        return hashlib.blake2b(user.encode(), digest_size=8, key=self.pool_uid.encode()[:64]).digest()


def _texts(values: Iterable[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]
