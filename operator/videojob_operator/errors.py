"""What can go wrong in the operator itself; nearly all of it is tried again.

OperatorError
├── ApiError                        the API server refused a request, or did not answer
│   └── NamespaceTerminatingError   nothing can be created any more where it should be
├── AttemptSpentError               the attempt that is next was begun already, or given up
├── DayChangedError                 another operator wrote the counts of a pool's day
├── NameTakenError                  a Job of others has the name that a worker's was to have
├── NotOwnerError                   another operator, or another replica, may have taken over
├── RefusedError                    the queue refused an attempt
├── SigningKeyError                 a webhook's messages cannot be signed
├── StatusRefusedError              the API server does not take a status as it is, now or later
└── UrlSigningError                 URLs of a pool's outputs cannot be signed
"""

_REFUSALS = set(range(400, 500)) - {409, 429}
"""HTTP statuses; a conflict and too many requests pass by themselves."""


class OperatorError(Exception):
    """Something outside did not do as asked; its message says what, and no traceback is needed."""


class ApiError(OperatorError):
    """The API server refused a request.

    `code` is the HTTP status, 0 without an answer; `reason` is its one word for it, and `words` are all that it said.
    """

    def __init__(self, code: int, reason: str, message: str, words: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.words = words

    @property
    def is_refusal(self) -> bool:
        """Whether the server answered, and will answer the same until something else is changed."""
        return self.code in _REFUSALS


class NamespaceTerminatingError(ApiError):
    """The namespace goes, and soon all that is in it: there is no use in trying again."""


class NotOwnerError(OperatorError):
    """What was to be done is for another operator, or another replica, to do."""


class StatusRefusedError(OperatorError):
    """The API server finds a status invalid: to write it again would not help."""


class AttemptSpentError(OperatorError):
    """The attempt that the status says is next was begun already, or given up: it takes another number."""


class DayChangedError(OperatorError):
    """Another operator wrote what a pool's users had of a day: it is to be read again."""


class NameTakenError(OperatorError):
    """Somebody else made a Job of this name."""


class RefusedError(OperatorError):
    """The queue refused an attempt that the status says is next: it knows a newer one, or a tombstone."""


class SigningKeyError(OperatorError):
    """There is no key that a webhook's messages could be signed with; the message says where one was looked for."""


class UrlSigningError(OperatorError):
    """URLs of outputs cannot be signed with what the pool names for that; the message says why."""
