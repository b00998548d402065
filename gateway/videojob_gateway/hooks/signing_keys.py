"""What senders sign with: entries of the Secret that is mounted for hooks, each with a key a line."""

from __future__ import annotations

import base64
import binascii
import logging
from typing import TYPE_CHECKING, Final

from videojob_contract.resources.videohook import Scheme
from videojob_gateway.errors import HookFailsError

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

MOST_KEYS: Final = 8
"""Of an entry: all are tried with each delivery."""
SHORTEST: Final = 16
"""Characters of a key that is a text: whoever has seen a delivery can guess as often as they like."""
_WHSEC: Final = "whsec_"
_WHSEC_BYTES: Final = range(24, 65)  # as Standard Webhooks has it
_LONGEST_FILE: Final = 16 * 1024


def read_keys(folder: Path, entry: str, scheme: Scheme) -> list[bytes]:
    """Return the keys of an entry, as they are now.

    Raises:
        HookFailsError: there are none that can be used; the log says why.
    """
    try:
        lines = _lines(folder, entry)
        return [_decoded(line) if scheme is Scheme.STANDARD_WEBHOOKS else _plain(line) for line in lines]
    except (OSError, ValueError) as error:
        # What a file has is not said: of a wrong key, a part may be right.
        why = error if not isinstance(error, UnicodeDecodeError) else "it is no text"
        log.error("the entry %s of the Secret of hooks cannot be used: %s", entry, why)  # noqa: TRY400 - the same
        raise HookFailsError("the gateway has no key that this hook can be verified with; its log says why") from None


def _lines(folder: Path, entry: str) -> list[str]:
    if entry.startswith("."):  # how Kubernetes changes all at once, and the way out of the folder
        raise ValueError("an entry begins with no dot")
    with (folder / entry).open("rb") as file:
        lines = [line for line in file.read(_LONGEST_FILE).decode().splitlines() if line]
    if not 0 < len(lines) <= MOST_KEYS:
        raise ValueError(f"an entry has 1 to {MOST_KEYS} keys, one a line, and this has {len(lines)}")
    return lines


def _plain(line: str) -> bytes:
    if len(line) < SHORTEST:
        raise ValueError(f"a key has at least {SHORTEST} characters")
    return line.encode()


def _decoded(line: str) -> bytes:
    try:
        key = base64.b64decode(line.removeprefix(_WHSEC), validate=True)
    except binascii.Error:
        key = b""
    if not line.startswith(_WHSEC) or len(key) not in _WHSEC_BYTES:
        raise ValueError(f"a key is {_WHSEC} and the base64 of {_WHSEC_BYTES[0]} to {_WHSEC_BYTES[-1]} bytes")
    return key
