"""Where clients put media of their own, for VideoJobs of a pool to read."""

from fractions import Fraction
from urllib.parse import unquote

from videojob_contract.resources.base import Duration, Model, Uri


class Uploads(Model):
    """A place for media that clients bring, and how long it stays there."""

    prefix: Uri
    """What its URIs begin with, such as volume://media/uploads or s3://films/uploads: a folder of one of the pool's
    volumes or object stores that is not readOnly. No output goes there."""
    ttl: Duration = Fraction(7 * 24 * 3600)
    """How long a file stays after it was written, at least 1h; then a worker of the pool removes it."""


def is_upload(uri: str, uploads: Uploads | None) -> bool:
    """Whether a URI names something below the prefix, however it is escaped."""
    return uploads is not None and unquote(uri).startswith(f"{unquote(uploads.prefix).rstrip('/')}/")
