"""What every publisher is given, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from videojob_contract.resources.uris import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Destination:
    """Where an output goes, and for whom."""

    path: str
    """The field, such as `spec.outputs[0].uri`."""
    uri: str
    uid: str
    """The VideoJob's, so that temporary names of two jobs differ."""
    attempt: int
    """So that temporary names of two attempts differ."""
    volumes: Mapping[str, Path]
    """Folder of each volume."""
    on_bytes: Callable[[int], None]
    """Called, from any thread, with the number of bytes just copied."""

    def __str__(self) -> str:
        return f"{self.path}: {shown(self.uri)}"


@dataclass(frozen=True)
class Piece:
    """One file of an output."""

    open: Callable[[], int]
    """Opens it for reading and returns its descriptor, which the caller closes."""
    parts: tuple[str, ...] = ()
    """Where it goes, seen from the folder of the main file; empty for the main file itself."""


class Staged(Protocol):
    """An output that is complete at its destination, under temporary names."""

    @property
    def size_bytes(self) -> int:
        """How long all of its files are together."""

    @property
    def sha256(self) -> str:
        """The digest of its main file, in hex."""

    async def commit(self) -> None:
        """Give every file its name, the main file last and in one step that replaces what had it before."""

    async def discard(self) -> None:
        """Remove it, unless it is committed; may be called at any time, and more than once."""
