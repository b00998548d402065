"""The Secret of an object store, as files in a folder, read whenever it is asked for: a change needs no restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_common.errors import UnreadableKeyError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_MOST_BYTES = 1 << 16


def read_secret(folder: Path, keys: Iterable[str]) -> dict[str, str]:
    """Return what files of these names have; those that are not there, or are empty, are left out. It blocks.

    Raises:
        UnreadableKeyError: one cannot be read.
    """
    return {key: value for key in keys if (value := _value(folder / key)) is not None}


def _value(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES).decode().strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeError) as error:
        raise UnreadableKeyError(file.name) from error
