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


class Staged(Protocol):
    """An output that is complete at its destination, under a temporary name."""

    @property
    def size_bytes(self) -> int:
        """How long it is."""

    @property
    def sha256(self) -> str:
        """Its digest, in hex."""

    async def commit(self) -> None:
        """Give it its name, in one step that replaces what had it before."""

    async def discard(self) -> None:
        """Remove it, unless it is committed; may be called at any time, and more than once."""
