"""The Secret of an object store, as files in a folder, read whenever it is asked for: a change needs no restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_common.object_clients import AUTHORITY, CREDENTIAL_KEYS
from videojob_contract.errors import TransientError

if TYPE_CHECKING:
    from pathlib import Path

    from videojob_contract.resources.object_stores import ObjectStore

_MOST_BYTES = 1 << 16


def read_secret(what: str, entry: ObjectStore, folder: Path) -> dict[str, str]:
    """Read the files that a store of its provider may have; `what` names the URI, with its field, that it is for.

    Raises:
        TransientError: one cannot be read.
    """
    names = (*(CREDENTIAL_KEYS[entry.provider] if entry.secret_ref else ()), *((AUTHORITY,) if entry.endpoint else ()))
    return {name: value for name in names if (value := _value(what, entry, folder / name)) is not None}


def _value(what: str, entry: ObjectStore, file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES).decode().strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeError) as error:
        raise TransientError(f"{what}: {file.name} of object store {entry.name} cannot be read") from error
