"""Who calls: a user, with a role. What each may see and touch follows from these alone."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from videojob_contract.resources.base import LABEL_PATTERN

MAX_LABEL: Final = 63
_DIGEST: Final = 12


class Role(StrEnum):
    """What a caller may do, from least to most: each may do what those before it may."""

    VIEWER = "viewer"
    """See its own VideoJobs."""
    SUBMITTER = "submitter"
    """Make some, and change its own."""
    ADMIN = "admin"
    """All of that with everyone's."""

    def covers(self, other: Role) -> bool:
        """Tell whether this one may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone who is known."""

    user: str
    """As `spec.user` has it; empty for nobody in particular, which only admins are."""
    role: Role
    tier: str | None = None
    """The tier of what it makes; None for none."""

    @property
    def owner(self) -> str | None:
        """The user whose VideoJobs it may see; None for everyone's."""
        return None if self.role is Role.ADMIN else self.user


LOCAL: Final = Caller("", Role.ADMIN)
"""Whoever is on this machine, where nobody has to say who they are."""


def user_of(name: str) -> str:
    """Return what `spec.user` has of a name: the name if it can, else what it can of it with a digest of the whole.

    No two names become one user: what has a digest of 60 bits at its end is made here alone, or is a name that somebody
    chose for it.
    """
    if len(name) <= MAX_LABEL and re.fullmatch(LABEL_PATTERN, name):
        return name
    digest = base64.b32encode(hashlib.sha256(name.encode(errors="replace")).digest()).decode().lower()[:_DIGEST]
    readable = re.sub(r"[^A-Za-z0-9_.@]+", "-", name).strip("-_.@")[: MAX_LABEL - _DIGEST - 1].strip("-_.@")
    return f"{readable}-{digest}" if readable else digest
