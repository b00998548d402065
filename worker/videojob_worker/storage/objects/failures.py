"""What goes wrong with an object store as errors of a job: the one place where the one becomes the other."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_common.store_failures import Blame, store_failure
from videojob_contract.errors import PermanentError, Reason, TransientError, VideoJobError
from videojob_worker import errno_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.object_stores import ObjectStore


@dataclass(frozen=True)
class Purpose:
    """What is done with an object: what is said of it, and the reasons of its failures."""

    what: str
    """Names URI and field."""
    entry: ObjectStore
    verb: str
    """Such as `read`."""
    needs: str
    """What the credentials have to be allowed."""
    missing: Reason
    forbidden: Reason


@contextmanager
def converted(purpose: Purpose) -> Iterator[None]:
    """Turn the errors of a store into those of a job.

    Raises:
        PermanentError: another attempt would meet the same.
        TransientError: it may not: the store, the network or its credentials fail, or the disk is full.
    """
    from obstore.exceptions import BaseError  # noqa: PLC0415 - a worker is claimed before it needs this

    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        raise _of(error, purpose) from error


def _of(error: Exception, purpose: Purpose) -> VideoJobError:
    what, entry = purpose.what, purpose.entry
    if isinstance(error, OSError) and error.errno is not None:  # of the disk: obstore's have none
        return errno_mapping.local(error, what) or TransientError(f"{what}: {error.strerror}")
    failure = store_failure(error, entry, verb=purpose.verb, needs=purpose.needs, anonymous=entry.is_anonymous)
    message = f"{what}: {failure.says}"
    match failure.blame:
        case Blame.REQUEST:
            return PermanentError(message, purpose.forbidden)
        case Blame.MISSING:
            return PermanentError(message, purpose.missing)
    return TransientError(message)
