"""A source file, and the errors that name it the way its user knows it."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Final

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.damage import OnDamage
from videojob_contract.resources.uris import redact_uri
from videojob_worker.render_warnings import RenderWarnings

MOST_MISSING: Final = 0.5
"""What lacks a larger share of itself is not shown."""


@dataclass(frozen=True, slots=True)
class Source:
    """A fetched source: where the spec names it, by which URI, and the local file."""

    field: str
    uri: str
    path: Path
    warnings: RenderWarnings = dataclass_field(default_factory=RenderWarnings, compare=False, repr=False)
    """Those of the render."""
    on_damage: OnDamage = OnDamage.CONCEAL
    """Whether it is shown without what is damaged of it."""
    track: int | str | None = None
    """Which of its sounds is heard: by number, from 1, or by language; None for the one that players begin with."""

    @property
    def name(self) -> str:
        """The way its user knows it: `spec.clips[2].image.uri: volume://media/x.jpg`."""
        return f"{self.field}: {redact_uri(self.uri)}"

    def error(self, what: str, reason: Reason = Reason.INVALID_MEDIA) -> PermanentError:
        """Return the error to raise: `spec.clips[2].image.uri: volume://media/x.jpg is ...`."""
        return PermanentError(f"{self.name} {what}", reason)

    def warn(self, what: str) -> None:
        """Say what may surprise whoever looks at the result: `... lacks its last two bytes, which are not shown`."""
        self.warnings.add(f"{self.name} {what}")

    def conceal(self, what: str, missing: float, most: float = MOST_MISSING) -> None:
        """Say that it is shown without what is damaged of it: `is cut short: ...`.

        Args:
            what: is wrong with it.
            missing: which share of it is, from 0 to 1.
            most: the largest share without which it is shown.

        Raises:
            PermanentError: it must be whole, or too much of it is missing.
        """
        if self.on_damage is OnDamage.FAIL or missing > most:
            raise self.error(what)
        self.warn(what)
