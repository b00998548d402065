"""A source file, and the errors that name it the way its user knows it."""

from dataclasses import dataclass
from pathlib import Path

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.uris import redact_uri


@dataclass(frozen=True, slots=True)
class Source:
    """A fetched source: where the spec names it, by which URI, and the local file."""

    field: str
    uri: str
    path: Path

    def error(self, what: str, reason: Reason = Reason.INVALID_MEDIA) -> PermanentError:
        """Return the error to raise: `spec.clips[2].image.uri: volume://media/x.jpg is ...`."""
        return PermanentError(f"{self.field}: {redact_uri(self.uri)} {what}", reason)
