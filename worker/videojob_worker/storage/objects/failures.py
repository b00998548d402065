"""What the answers of object stores mean for an attempt: the one place where their errors become a job's.

By the code that a server gives, and without one by the status of HTTP. No text of a server or of the client is passed
on: it may hold what is secret.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_contract.errors import PermanentError, Reason, TransientError, VideoJobError
from videojob_worker import errno_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.object_stores import ObjectStore

_CODE = re.compile(r"<Code>([A-Za-z]{1,64})</Code>")
_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_CERTIFICATE = re.compile(r"InvalidCertificate\(\s*(?:Other\(\s*OtherError\(\s*)?(\w+)")
_OF_CLOUD = re.compile(
    r"Generic \w+ error: (?:Failed to read (?:EKS )?token file|Error reading federated token file"
    r"|Error performing [A-Z]+ (?:REDACTED|https?://[^/]+/(?:v\d/credentials|latest/(?:api/token|meta-data)"
    r"|computeMetadata|metadata/identity)))"
)
"""How the words begin of what went wrong where a cloud gives credentials; its answers have a status like a store's."""
_UNTRUSTED = {"UnknownIssuer", "BadSignature"}  # the latter of an authority whose key was renewed under its name
_SERVERS_FAULT = 500


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


@dataclass(frozen=True)
class _Meaning:
    """What an answer means; `says` has places for `store`, `bucket`, `verb`, `needs` and what was `said`."""

    kind: type[PermanentError | TransientError]
    says: str
    is_missing: bool = False
    anonymous: str | None = None
    """What is said instead where requests are anonymous."""

    def error(self, purpose: Purpose, said: str) -> VideoJobError:
        entry = purpose.entry
        text = (self.anonymous if self.anonymous and entry.is_anonymous else self.says).format(
            store=f"object store {entry.name}",
            bucket=entry.bucket,
            verb=purpose.verb,
            needs=purpose.needs,
            said=said,
        )
        reason = purpose.missing if self.is_missing else purpose.forbidden
        return self.kind(f"{purpose.what}: {text}", reason if self.kind is PermanentError else None)


_NOT_FOUND = _Meaning(PermanentError, "not found", is_missing=True)
_NO_BUCKET = _Meaning(PermanentError, "{store} has no bucket {bucket}", is_missing=True)
_DENIED = _Meaning(
    PermanentError,
    "{store} does not let it be {verb} ({said}): allow {needs}",
    anonymous="{store} does not let it be {verb} without credentials ({said}): give it some",
)
_REFUSED = _Meaning(PermanentError, "{store} refuses it ({said})")
_REGION = _Meaning(PermanentError, "the bucket of {store} is in another region: set its region")
_ARCHIVED = _Meaning(PermanentError, "is in an archive: restore it first")
_UNTRUSTED_CERTIFICATE = _Meaning(
    PermanentError, "the certificate of {store} does not hold ({said}): put who signed it into ca.crt of its Secret"
)
_BAD_CERTIFICATE = _Meaning(PermanentError, "the certificate of {store} does not hold ({said}): give it another")
# Credentials are the platform's, and may be put right, or be on their way to the worker, while the job waits.
_UNKNOWN = _Meaning(TransientError, "{store} does not know the credentials ({said}): renew them")
_EXPIRED = _Meaning(TransientError, "the credentials of {store} have expired ({said}): renew them")
_NO_CREDENTIALS = _Meaning(TransientError, "{store} gets no credentials from its cloud")
_SKEWED = _Meaning(TransientError, "the clocks of the node and of {store} differ too much: set them")
_NO_UPLOAD = _Meaning(TransientError, "the upload to {store} was completed or given up meanwhile ({said})")
_CHANGED = _Meaning(TransientError, "was changed while it was {verb}")
_SLOWER = _Meaning(TransientError, "{store} asks for fewer requests ({said})")
_TROUBLE = _Meaning(TransientError, "{store} answers {said}")
_NO_HOST = _Meaning(TransientError, "the host of {store} cannot be resolved")
_SILENT = _Meaning(TransientError, "{store} was silent for too long")
_BROKEN = _Meaning(TransientError, "{store} cannot be {verb}: the connection fails")

_BY_CODE = {
    code: meaning
    for meaning, codes in (
        (_NO_BUCKET, "NoSuchBucket ContainerNotFound ContainerBeingDeleted InvalidBucketName"),
        (_UNKNOWN, "InvalidAccessKeyId SignatureDoesNotMatch InvalidToken AuthenticationFailed InvalidSecurity"),
        (_EXPIRED, "ExpiredToken TokenRefreshRequired RequestExpired"),
        (_SKEWED, "RequestTimeTooSkewed"),
        (_NO_UPLOAD, "NoSuchUpload InvalidBlockList"),
        (_REGION, "PermanentRedirect AuthorizationHeaderMalformed IllegalLocationConstraintException"),
        (_ARCHIVED, "InvalidObjectState BlobArchived"),
        (_SLOWER, "SlowDown ServerBusy TooManyRequests RequestLimitExceeded"),
    )
    for code in codes.split()
}
_BY_STATUS = {
    401: _UNKNOWN,
    403: _DENIED,
    404: _NOT_FOUND,
    405: _DENIED,
    408: _TROUBLE,
    409: _TROUBLE,
    412: _CHANGED,
    425: _TROUBLE,
    429: _SLOWER,
}
_BY_TEXT = (
    ("token request", _NO_CREDENTIALS),
    ("AssumeRole", _NO_CREDENTIALS),
    ("security-credentials", _NO_CREDENTIALS),
    ("without LOCATION", _REGION),
    ("dns error", _NO_HOST),
    ("TimedOut", _SILENT),
)
"""What obstore says where there is no answer."""
_STATUS_OF_CLASS = {
    "FileNotFoundError": 404,
    "PermissionDeniedError": 403,
    "UnauthenticatedError": 401,
    "PreconditionError": 412,
    "AlreadyExistsError": 409,
}


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
    if isinstance(error, OSError) and error.errno is not None:  # of the disk: obstore's have none
        return errno_mapping.local(error, purpose.what) or TransientError(f"{purpose.what}: {error.strerror}")
    text, status = str(error), _STATUS_OF_CLASS.get(type(error).__name__)
    if status is None and purpose.entry.workload_identity and _OF_CLOUD.match(text):
        return _NO_CREDENTIALS.error(purpose, "")
    # The text has the object's key in it, which may be like anything here: where the class tells, it is not asked.
    if status is None:
        if certificate := _CERTIFICATE.search(text):
            meaning = _UNTRUSTED_CERTIFICATE if certificate[1] in _UNTRUSTED else _BAD_CERTIFICATE
            return meaning.error(purpose, certificate[1])
        told = next((meaning for said, meaning in _BY_TEXT if said in text), None)
        if told is not None:
            return told.error(purpose, "")
    answer = _STATUS.search(text)
    status = int(answer[1]) if answer else status
    code = found[1] if answer and (found := _CODE.search(text, answer.end())) else ""
    if status is None:
        return _BROKEN.error(purpose, "")
    otherwise = _TROUBLE if status >= _SERVERS_FAULT else _REFUSED
    meaning = _BY_CODE.get(code) or _BY_STATUS.get(status, otherwise)
    return meaning.error(purpose, f"HTTP {status}, {code}" if code else f"HTTP {status}")
