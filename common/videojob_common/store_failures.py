"""What the answers of object stores mean: the one place where obstore's errors are read.

By the code that a server gives, and without one by the status of HTTP. No text of a server or of the client is passed
on: it may hold what is secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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


class Blame(Enum):
    """What has to change before the same request can succeed."""

    REQUEST = auto()
    """What is asked for, or how the store is set up."""
    MISSING = auto()
    """There is no such object, or no such bucket."""
    CREDENTIALS = auto()
    """The platform's: they may be put right, or be on their way, meanwhile."""
    STORE = auto()
    """Nothing: the store or the network fails, or somebody else was faster."""


@dataclass(frozen=True)
class StoreFailure:
    """What a store's answer means."""

    blame: Blame
    says: str
    """For people."""


@dataclass(frozen=True)
class _Meaning:
    """What an answer means; `says` has places for `store`, `bucket`, `verb`, `needs` and what was `said`."""

    blame: Blame
    says: str
    anonymous: str | None = None
    """What is said instead where requests are anonymous."""


_NOT_FOUND = _Meaning(Blame.MISSING, "not found")
_NO_BUCKET = _Meaning(Blame.MISSING, "{store} has no bucket {bucket}")
_DENIED = _Meaning(
    Blame.REQUEST,
    "{store} does not let it be {verb} ({said}): allow {needs}",
    anonymous="{store} does not let it be {verb} without credentials ({said}): give it some",
)
_REFUSED = _Meaning(Blame.REQUEST, "{store} refuses it ({said})")
_REGION = _Meaning(Blame.REQUEST, "the bucket of {store} is in another region: set its region")
_ARCHIVED = _Meaning(Blame.REQUEST, "is in an archive: restore it first")
_UNTRUSTED_CERTIFICATE = _Meaning(
    Blame.REQUEST, "the certificate of {store} does not hold ({said}): put who signed it into ca.crt of its Secret"
)
_BAD_CERTIFICATE = _Meaning(Blame.REQUEST, "the certificate of {store} does not hold ({said}): give it another")
_UNKNOWN = _Meaning(Blame.CREDENTIALS, "{store} does not know the credentials ({said}): renew them")
_EXPIRED = _Meaning(Blame.CREDENTIALS, "the credentials of {store} have expired ({said}): renew them")
_NO_CREDENTIALS = _Meaning(Blame.CREDENTIALS, "{store} gets no credentials from its cloud")
_SKEWED = _Meaning(Blame.STORE, "the clocks of the node and of {store} differ too much: set them")
_NO_UPLOAD = _Meaning(Blame.STORE, "the upload to {store} was completed or given up meanwhile ({said})")
_CHANGED = _Meaning(Blame.STORE, "was changed while it was {verb}")
_SLOWER = _Meaning(Blame.STORE, "{store} asks for fewer requests ({said})")
_TROUBLE = _Meaning(Blame.STORE, "{store} answers {said}")
_NO_HOST = _Meaning(Blame.STORE, "the host of {store} cannot be resolved")
_SILENT = _Meaning(Blame.STORE, "{store} was silent for too long")
_BROKEN = _Meaning(Blame.STORE, "{store} cannot be {verb}: the connection fails")

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


def store_failure(error: Exception, entry: ObjectStore, *, verb: str, needs: str, anonymous: bool) -> StoreFailure:
    """Return what an error of obstore's means.

    Args:
        error: an `obstore.exceptions.BaseError`, or an `OSError` or `ValueError` of obstore.
        entry: the store that was asked.
        verb: what was to be done, such as `read`.
        needs: what the credentials have to be allowed for it.
        anonymous: whether the request was not signed.
    """
    meaning, said = _meaning_of(error, entry)
    says = meaning.anonymous if anonymous and meaning.anonymous else meaning.says
    names = {"store": f"object store {entry.name}", "bucket": entry.bucket}
    return StoreFailure(meaning.blame, says.format(**names, verb=verb, needs=needs, said=said))


def _meaning_of(error: Exception, entry: ObjectStore) -> tuple[_Meaning, str]:
    text, status = str(error), _STATUS_OF_CLASS.get(type(error).__name__)
    if status is None and entry.workload_identity and _OF_CLOUD.match(text):
        return _NO_CREDENTIALS, ""
    # The text has the object's key in it, which may be like anything here: where the class tells, it is not asked.
    if status is None:
        if certificate := _CERTIFICATE.search(text):
            return _UNTRUSTED_CERTIFICATE if certificate[1] in _UNTRUSTED else _BAD_CERTIFICATE, certificate[1]
        told = next((meaning for said, meaning in _BY_TEXT if said in text), None)
        if told is not None:
            return told, ""
    answer = _STATUS.search(text)
    status = int(answer[1]) if answer else status
    code = found[1] if answer and (found := _CODE.search(text, answer.end())) else ""
    if status is None:
        return _BROKEN, ""
    otherwise = _TROUBLE if status >= _SERVERS_FAULT else _REFUSED
    meaning = _BY_CODE.get(code) or _BY_STATUS.get(status, otherwise)
    return meaning, f"HTTP {status}, {code}" if code else f"HTTP {status}"
