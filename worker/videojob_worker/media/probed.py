"""All sources of a job, fetched and probed, by their URI."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from pathlib import Path

from videojob_contract.resources.damage import OnDamage
from videojob_worker.media.files.source import Source
from videojob_worker.media.probe import ProbedSource
from videojob_worker.render_warnings import RenderWarnings


@dataclass(frozen=True, slots=True)
class ProbedSources:
    """Where each source lies, and what is known of it; nothing is open."""

    files: Mapping[str, Path]
    """The local file of each URI."""
    probed: Mapping[str, ProbedSource]
    """What is known of each picture, video and sound, by URI."""
    warnings: RenderWarnings = dataclass_field(default_factory=RenderWarnings, compare=False, repr=False)
    on_damage: Mapping[str, OnDamage] = dataclass_field(default_factory=dict)
    """What becomes of each that is damaged, by URI; of others, what is usual."""

    def source(self, field: str, uri: str) -> Source:
        """Return the source that a field of the spec names by its URI."""
        return Source(field, uri, self.files[uri], self.warnings, self.on_damage.get(uri, OnDamage.CONCEAL))

    def sound(self, field: str, uri: str, track: int | str | None) -> Source:
        """Return the source that a field names, of which one track of sound is heard."""
        return replace(self.source(field, uri), track=track)
