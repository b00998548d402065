"""The Secret of an object store, as files in a folder, read whenever it is asked for: a change needs no restart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_contract.errors import TransientError
from videojob_contract.resources.object_stores import Provider

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from videojob_contract.resources.object_stores import ObjectStore

ACCESS_KEY, SECRET_KEY, TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
SERVICE_ACCOUNT = "GOOGLE_SERVICE_ACCOUNT_KEY"
ACCOUNT_KEY, SAS_TOKEN = "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN"
AUTHORITY = "ca.crt"

_NAMES = {
    Provider.S3: (ACCESS_KEY, SECRET_KEY, TOKEN),
    Provider.GS: (SERVICE_ACCOUNT,),
    Provider.AZ: (ACCOUNT_KEY, SAS_TOKEN),
}
_MOST_BYTES = 1 << 16


@dataclass(frozen=True)
class StoreSecret:
    """What the Secret of a store has, by its keys."""

    what: str
    """Names the URI, with its field, that it is for."""
    entry: ObjectStore
    values: Mapping[str, str]

    def required(self, name: str, *, instead: str = "") -> str:
        """Return the value of a key; `instead` is another that would do.

        Raises:
            TransientError: there is none.
        """
        value = self.values.get(name)
        if value is None:
            secret = self.entry.secret_ref.name if self.entry.secret_ref else ""
            names = f"{name} or {instead}" if instead else name
            raise TransientError(f"{self.what}: the Secret {secret} of object store {self.entry.name} has no {names}")
        return value


def read_secret(what: str, entry: ObjectStore, folder: Path) -> StoreSecret:
    """Read the files that a store of its provider may have.

    Raises:
        TransientError: one cannot be read.
    """
    names = (*(_NAMES[entry.provider] if entry.secret_ref else ()), *((AUTHORITY,) if entry.endpoint else ()))
    values = {name: value for name in names if (value := _value(what, entry, folder / name)) is not None}
    return StoreSecret(what, entry, values)


def _value(what: str, entry: ObjectStore, file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES).decode().strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeError) as error:
        raise TransientError(f"{what}: {file.name} of object store {entry.name} cannot be read") from error
