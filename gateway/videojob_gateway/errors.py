"""What the gateway answers instead of what was asked; each says its HTTP status and one word for programs.

GatewayError
├── BadRequestError            400: not JSON, or not as HTTP has it
├── UnauthenticatedError       401: nobody is known by these credentials
├── UnverifiedError            401: a delivery is not signed as its VideoHook wants
├── NotAllowedError            403: who asks may not do this
├── NoSuchJobError             404: there is none, or it is another's
├── NoSuchPoolError            404: there is no such RenderPool, or it has no such queue
├── NoSuchLogError             404: no attempt has begun, or its pod is gone
├── NoSuchOutputError          404: there is no such output, or it is nowhere that can be read here
├── NoSuchHookError            404: no VideoHook of this name takes deliveries
├── NoSuchAssetError           404: there is no such asset, or it is another's
├── NoSuchUploadError          404: there is no such upload, or its time is over
├── NoUploadsError             404: the pool has no place of uploads, or none that can be reached here
├── NoSuchFileError            404: the page has no such file, or was not built
├── TooSlowError               408: the body does not come
├── StateError                 409: it is not in a state in which this can be done
├── NameInUseError             409: there is a VideoJob of this name
├── OffsetError                409: an upload does not go on there
├── NotWholeError              409: an upload has not come whole
├── NotInStoreError            409: an upload is in a volume, to which nobody puts parts
├── ReplacedError              410: another file is in its place
├── TusVersionError            412: uploads are resumed by another version of tus
├── TooLargeError              413: the body is too long
├── MediaTypeError             415: the body is of a type that is not read here
├── NoSuchPartError            416: the file has no such part
├── InvalidRequestError        422: fields are wrong; it has all of them
├── LookRefusedError           422: what is looked at cannot be rendered, or not in time
├── KeyReusedError             422: the Idempotency-Key was sent before, with another body
├── LockedError                423: another request writes to the same upload
├── TooManyStreamsError        429: the user follows as much as one may
├── TooManyAtOnceError         429: the user has as much done at a time as one may
├── TooManyRequestsError       429: the user has asked for as much as one may in a time
├── TooManyRefusalsError       429: too much that was refused came from this address
├── ChecksumError              460: the bytes are not those that were said
├── StoreRefusesError          502: the store of uploads does not let the gateway do it
├── NotReadyError              503: the VideoJobs are not known yet
├── NobodyIdleError            503: no worker is idle to look
├── LookFailedError            503: what is looked at cannot be read now
├── NoLooksError               503: nobody can be asked to look
├── HookFailsError             503: a VideoHook, or what it is verified with, cannot be read
├── VolumeError                503: the volume of uploads fails
├── StoreFailsError            503: the store of uploads fails, or is away
├── BusyError                  503: as much is sent to stores as the gateway has memory for
├── IssuerAwayError            503: the issuer's keys cannot be had
├── NoRoomError                507: the volume of uploads is full
└── QuotaError                 507: the user has as much as one may

What the API server refuses, or does not answer, are the client's errors; `problem_json` has their statuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from videojob_contract.problems import format_problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from videojob_contract.problems import Problem


class GatewayError(Exception):
    """Something is not as it should be for what was asked; its message says what, for people."""

    status: ClassVar[int]
    reason: str

    def __init__(self, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.headers = dict(headers or {})
        """Further headers of the answer."""


class BadRequestError(GatewayError):
    """It is not JSON, or not as HTTP has it."""

    status, reason = 400, "BadRequest"


class UnauthenticatedError(GatewayError):
    """Nobody is known by these credentials, or there are none."""

    status, reason = 401, "Unauthenticated"


class UnverifiedError(GatewayError):
    """A delivery is not signed as its VideoHook wants; who guesses is not told how."""

    status, reason = 401, "Unverified"

    def __init__(self) -> None:
        super().__init__("this is not signed as the hook wants", headers={"WWW-Authenticate": "Signature"})


class NotAllowedError(GatewayError):
    """Who asks is known, and may not do this."""

    status, reason = 403, "NotAllowed"


class NoSuchJobError(GatewayError):
    """There is no such VideoJob, or none that the caller may know of."""

    status, reason = 404, "NotFound"


class NoSuchPoolError(GatewayError):
    """There is no such RenderPool, or it has no such queue."""

    status, reason = 404, "NoSuchPool"


class NoSuchLogError(GatewayError):
    """No attempt has begun, or its pod is gone."""

    status, reason = 404, "NoSuchLog"


class NoSuchOutputError(GatewayError):
    """There is no such output, or it is nowhere that can be read here."""

    status, reason = 404, "NoSuchOutput"


class NoSuchHookError(GatewayError):
    """No VideoHook of this name takes deliveries."""

    status, reason = 404, "NoSuchHook"

    def __init__(self) -> None:
        super().__init__("no hook of this name takes deliveries")


class NoSuchAssetError(GatewayError):
    """There is no such asset, or none that the caller may know of."""

    status, reason = 404, "NoSuchAsset"


class NoSuchUploadError(GatewayError):
    """There is no such upload, or its time is over."""

    status, reason = 404, "NoSuchUpload"


class NoUploadsError(GatewayError):
    """The pool has no place of uploads, or none that can be reached here."""

    status, reason = 404, "NoUploads"


class NoSuchFileError(GatewayError):
    """The page has no such file, or was not built."""

    status, reason = 404, "NotFound"


class TooSlowError(GatewayError):
    """The body takes longer to come than is waited."""

    status, reason = 408, "TooSlow"


class StateError(GatewayError):
    """It is not in a state in which this can be done."""

    status, reason = 409, "WrongState"


class NameInUseError(GatewayError):
    """There is a VideoJob of this name."""

    status, reason = 409, "AlreadyExists"


class OffsetError(GatewayError):
    """An upload does not go on at this byte."""

    status, reason = 409, "WrongOffset"


class NotWholeError(GatewayError):
    """An upload has not come whole."""

    status, reason = 409, "NotWhole"


class NotInStoreError(GatewayError):
    """An upload is in a volume: its bytes come by the gateway alone."""

    status, reason = 409, "NotInStore"


class ReplacedError(GatewayError):
    """Another file is in the place of an output."""

    status, reason = 410, "Replaced"


class TusVersionError(GatewayError):
    """Uploads are resumed by another version of tus."""

    status, reason = 412, "WrongVersion"


class TooLargeError(GatewayError):
    """The body is longer than is read."""

    status, reason = 413, "TooLarge"


class MediaTypeError(GatewayError):
    """The body is of a type that is not read here."""

    status, reason = 415, "UnsupportedMediaType"


class NoSuchPartError(GatewayError):
    """A file has no part such as `Range` asks for."""

    status, reason = 416, "NoSuchPart"


class InvalidRequestError(GatewayError):
    """Fields are wrong: all of them, each with its path."""

    status, reason = 422, "Invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(format_problems(problems))
        self.problems = tuple(problems)


class LookRefusedError(InvalidRequestError):
    """What is looked at cannot be rendered, or not looked at in time."""

    def __init__(self, reason: str, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.reason = reason


class KeyReusedError(GatewayError):
    """The Idempotency-Key was sent before, with another body."""

    status, reason = 422, "KeyReused"


class LockedError(GatewayError):
    """Another request writes to the same upload."""

    status, reason = 423, "Locked"


class TooManyStreamsError(GatewayError):
    """The user has as many live streams open as one may."""

    status, reason = 429, "TooManyStreams"


class TooManyAtOnceError(GatewayError):
    """The user has as much done at a time as one may."""

    status, reason = 429, "TooManyAtOnce"


class TooManyRequestsError(GatewayError):
    """The user has asked for as much as one may in a time."""

    status, reason = 429, "RateLimited"

    def __init__(self, message: str, *, limit: Mapping[str, Any], again_s: int, headers: Mapping[str, str]) -> None:
        """`limit` says which, and `again_s` in how many seconds to ask again."""
        super().__init__(message, headers={"Retry-After": str(again_s), **headers})
        self.limit = {**limit, "retryAfterSeconds": again_s}


class TooManyRefusalsError(GatewayError):
    """As many credentials that nobody is known by came from this address as are looked at in a time."""

    status, reason = 429, "TooManyRefusals"


class ChecksumError(GatewayError):
    """The bytes are not those that were said."""

    status, reason = 460, "ChecksumMismatch"


class StoreRefusesError(GatewayError):
    """The store of uploads does not let the gateway do it: it, or the gateway's credentials, have to be put right."""

    status, reason = 502, "StoreRefuses"


class NotReadyError(GatewayError):
    """The VideoJobs are not known yet."""

    status, reason = 503, "NotReady"

    def __init__(self) -> None:
        super().__init__("the VideoJobs are not known yet; ask again", headers={"Retry-After": "1"})


class NobodyIdleError(GatewayError):
    """No worker is idle to look at something."""

    status, reason = 503, "NobodyIdle"

    def __init__(self, message: str) -> None:
        super().__init__(f"{message}; ask again", headers={"Retry-After": "2"})


class LookFailedError(GatewayError):
    """What is looked at cannot be read now, such as a source whose server is away."""

    status, reason = 503, "LookFailed"


class NoLooksError(GatewayError):
    """Nobody can be asked to look at something."""

    status, reason = 503, "NoLooks"


class HookFailsError(GatewayError):
    """A VideoHook, or what it is verified with, cannot be read."""

    status, reason = 503, "HookFails"


class VolumeError(GatewayError):
    """The volume of uploads fails."""

    status, reason = 503, "VolumeFails"


class StoreFailsError(GatewayError):
    """The store of uploads fails, or is away."""

    status, reason = 503, "StoreFails"

    def __init__(self, message: str) -> None:
        super().__init__(message, headers={"Retry-After": "5"})


class BusyError(GatewayError):
    """As much is sent to stores at a time as the gateway has memory for."""

    status, reason = 503, "Busy"

    def __init__(self, message: str) -> None:
        super().__init__(f"{message}; ask again", headers={"Retry-After": "2"})


class IssuerAwayError(GatewayError):
    """There are no keys of the issuer to look at a token with."""

    status, reason = 503, "IssuerUnavailable"


class NoRoomError(GatewayError):
    """The volume of uploads is full."""

    status, reason = 507, "NoRoom"


class QuotaError(GatewayError):
    """The user has as much as one may."""

    status, reason = 507, "QuotaExceeded"
