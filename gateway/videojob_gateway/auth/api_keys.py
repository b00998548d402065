"""API keys: who has one is the user that its file says. Files have digests alone, so who reads them has no key.

A key is `vjk_NAME_SECRET`, its secret 256 bits of chance: one round of SHA-256 is as hard to turn back as many.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from videojob_contract.resources.base import Label, Name  # noqa: TC001 - pydantic reads annotations
from videojob_gateway.auth.caller import Caller, Role
from videojob_gateway.errors import UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

PREFIX: Final = "vjk_"
FRESH_S: Final = 5.0
"""How long what was read counts without another look."""
_LONGEST_FILE: Final = 4096


class ApiKey(BaseModel):
    """What is known of a key, as its file has it."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True)

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Of the whole key, in hex."""
    user: Label
    """As `spec.user` has it."""
    role: Role
    """What it may be used for."""
    tier: Name | None = None
    """Tier of what is made with it."""
    expires_at: AwareDatetime | None = None
    """Until when it can be used; for ever if None."""


class ApiKeys:
    """The keys of a folder, read again when it changes, as it does when the Secret that is mounted there does."""

    def __init__(self, folder: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._folder = folder
        self._clock = clock
        self._changed_at = -1
        self._read_at = -FRESH_S
        self._keys: dict[str, ApiKey] = {}

    def caller_of(self, key: str) -> Caller:
        """Return whose a key is.

        Raises:
            UnauthenticatedError: it is nobody's, or was until a moment that has passed.
        """
        self._refresh()
        known = self._keys.get(key.removeprefix(PREFIX).partition("_")[0])
        # What is compared is digests: how long it takes says nothing of the key.
        if known is None or not hmac.compare_digest(digest_of(key), known.sha256):
            raise UnauthenticatedError("there is no such API key")
        if known.expires_at is not None and known.expires_at <= self._clock():
            raise UnauthenticatedError("this API key has expired")
        return Caller(known.user, known.role, known.tier)

    def _refresh(self) -> None:
        try:
            changed_at = self._folder.stat().st_mtime_ns
        except OSError as error:
            log.warning("no API keys can be read: %s", error)
            self._keys, self._changed_at = {}, -1
            return
        # Also when nothing seems to have changed: clocks of file systems are coarse, and what changes within one tick
        # of them, or in a file alone, is not seen on the folder.
        if changed_at != self._changed_at or time.monotonic() - self._read_at > FRESH_S:
            self._keys = {path.name: key for path in self._files() if (key := _read(path)) is not None}
            self._changed_at, self._read_at = changed_at, time.monotonic()

    def _files(self) -> list[Path]:
        # Those that begin with a dot are how Kubernetes changes all at once.
        return [path for path in sorted(self._folder.iterdir()) if not path.name.startswith(".") and path.is_file()]


def new_key(name: str) -> str:
    """Return a key that nobody has had before; `name` has no `_` in it."""
    return f"{PREFIX}{name}_{secrets.token_urlsafe(32)}"


def digest_of(key: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def _read(path: Path) -> ApiKey | None:
    try:
        with path.open("rb") as file:
            return ApiKey.model_validate(json.loads(file.read(_LONGEST_FILE)))
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, each["loc"])) for each in error.errors(include_input=False))
        log.error("the API key %s is not as it should be: %s", path.name, wrong)  # noqa: TRY400 - it has the digest in it
    except (OSError, ValueError) as error:
        log.error("the API key %s cannot be read: %s", path.name, type(error).__name__)  # noqa: TRY400 - the same
    return None
