"""What every fetcher is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from videojob_contract.assignment import SourceLimits
    from videojob_worker.sources.guard import Resolver


@dataclass(frozen=True)
class Context:
    """What may be read, and where downloads go."""

    volumes: Mapping[str, Path]
    """Folder of each volume."""
    limits: SourceLimits
    """What the pool allows."""
    downloads: Path
    """An existing folder for what is downloaded."""
    resolve: Resolver
    """How names become addresses."""
