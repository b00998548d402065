"""What can go wrong: what the API server refuses, what cannot be reached, and what a VideoJob comes to.

ClientError
├── ConfigurationError      no API server is configured, or the kubeconfig cannot be used
├── RequestError            a request did not do what was asked: its HTTP status and Kubernetes' reason
│   ├── UnauthorizedError   who asks is not known, or no longer
│   ├── ForbiddenError      who asks may not do this
│   ├── NotFoundError       there is no such object
│   ├── AlreadyExistsError  there is one of that name
│   ├── ConflictError       it is not the object, or not the version of it, that was meant
│   ├── ExpiredError        the API server no longer knows the version that was asked for
│   ├── InvalidError        it cannot be written like this: every field that is wrong
│   └── UnavailableError    no answer, too many requests, or a failure of the server; another try may do
├── UnreadableError         an object's spec is not what this version of the client can read
├── NoPodError              no worker has begun the VideoJob: there is nothing to read yet
└── WaitError               in wait_errors.py: a VideoJob did not come to what was waited for; has its last state
    ├── JobFailedError      it failed: the reason and the message
    ├── JobCancelledError   it was cancelled
    ├── JobFinishedError    it has succeeded, and so the phase that was waited for will not come
    ├── JobDeletedError     it was deleted
    └── WaitTimeoutError    time was up; a TimeoutError too
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.problems import Problem, format_problems

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Problem"]


class ClientError(Exception):
    """Something did not go as asked; its message says what, for people."""


class ConfigurationError(ClientError):
    """No API server is configured, or the kubeconfig cannot be used."""


class RequestError(ClientError):
    """A request did not do what was asked."""

    def __init__(self, message: str, *, code: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        """HTTP status; 0 without an answer."""
        self.reason = reason
        """Kubernetes' one word for it, such as `NotFound`; empty when something before the API server answered."""


class UnauthorizedError(RequestError):
    """Who asks is not known, or no longer: the token has expired."""


class ForbiddenError(RequestError):
    """Who asks may not do this: a Role that allows it is missing."""


class NotFoundError(RequestError):
    """There is no such object, or no such kind of object: the CRDs are not installed."""


class AlreadyExistsError(RequestError):
    """There is an object of that name already."""


class ConflictError(RequestError):
    """It is not the object (`uid`), or not the version of it (`resource_version`), that was meant."""


class ExpiredError(RequestError):
    """The API server no longer knows the version that was asked for; `watch` and `list` go on by themselves."""

    def __init__(self, message: str, *, code: int = 0, reason: str = "", token: str = "") -> None:
        super().__init__(message, code=code, reason=reason)
        self.token = token
        """With which a list can go on, though no longer as it was at one moment; empty if it cannot."""


class InvalidError(RequestError):
    """It cannot be written like this."""

    def __init__(self, message: str, *, code: int = 0, reason: str = "", problems: Sequence[Problem] = ()) -> None:
        super().__init__(message, code=code, reason=reason)
        self.problems = tuple(problems)
        """Every field that is wrong: its path, such as `spec.clips[2].duration`, and why."""


class UnavailableError(RequestError):
    """No answer, too many requests, or a failure of the server; another try may do.

    Reads have been tried again before this is raised. Writes have not: the API server may have done what was asked.
    """

    def __init__(self, message: str, *, code: int = 0, reason: str = "", retry_after_s: float = 0) -> None:
        super().__init__(message, code=code, reason=reason)
        self.retry_after_s = retry_after_s
        """How long the server asks to wait; 0 if it does not say."""


class UnreadableError(ClientError):
    """An object's spec is not what this version of the client can read; its manifest can still be had."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(format_problems(problems))
        self.problems = tuple(problems)


class NoPodError(ClientError):
    """No worker has begun the VideoJob: there is nothing to read yet."""
