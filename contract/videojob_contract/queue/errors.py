"""What can go wrong with the queue itself. Errors of the Redis library are turned into these, here alone.

TransientError
└── QueueUnavailableError   Redis cannot be reached, does not answer, or refuses: try again
    ├── QueueFullError      Redis is out of memory and takes nothing new
    ├── LoginRefusedError   Redis does not know the user or the password, or does not let it do what it must
    ├── ScriptsMissingError nobody has loaded the scripts that this version runs
    ├── SupersededError     another operator serves the pool
    └── NewerRecordError    a newer version wrote what the queue has
PermanentError
└── UnknownQueueError       the pool has no such queue
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.exceptions

from videojob_contract.errors import PermanentError, Reason, TransientError


class QueueUnavailableError(TransientError):
    """Redis cannot be reached, or refuses to work; nothing is known of what was asked."""


class QueueFullError(QueueUnavailableError):
    """Redis is out of memory: it takes nothing new, and goes on with what it has."""


class LoginRefusedError(QueueUnavailableError):
    """Redis refuses the user or its password, or has not given it the rights that it needs."""


class ScriptsMissingError(QueueUnavailableError):
    """Redis works, but has not got the scripts of this version: no operator runs, or one of another version."""


class NewerRecordError(QueueUnavailableError):
    """What the queue has of a VideoJob was written by a newer version, and is left as it is."""

    def __init__(self, uid: str = "") -> None:
        super().__init__(f"a newer version wrote what the queue has of {uid or 'it'}: it is left to that")


class SupersededError(QueueUnavailableError):
    """This operator does not serve the pool any more, or not yet again: what it asked was not done."""

    def __init__(self, highest: int = 0) -> None:
        """Name the token that the queues know, if they refused."""
        super().__init__("the pool is served by another operator")
        self.highest = highest


class UnknownQueueError(PermanentError):
    """The pool has no queue of this name."""

    default_reason = Reason.INVALID_SPEC


CALL_S = 2.5
"""How long Redis may take for one call, in seconds, connecting and trying again included."""


@asynccontextmanager
async def answered(within_s: float = CALL_S) -> AsyncIterator[None]:
    """Turn every error of the library, and silence, into `QueueUnavailableError`.

    A refusal may end, as an outage does. What was asked may have been done all the same: only the answer is missing.
    """
    try:
        async with asyncio.timeout(within_s):
            yield
    except TimeoutError as error:
        raise QueueUnavailableError(f"Redis has not answered for {within_s:g} s") from error
    except redis.exceptions.OutOfMemoryError as error:
        raise QueueFullError(f"Redis is full: {error}") from error
    except (redis.exceptions.AuthenticationError, redis.exceptions.NoPermissionError) as error:
        raise LoginRefusedError(f"Redis refuses the login: {error}") from error
    except redis.exceptions.ResponseError as error:
        raise _meant_by(error) from error
    except redis.exceptions.RedisError as error:
        raise QueueUnavailableError(f"the queue in Redis does not work: {error}") from error
    except OSError as error:
        raise QueueUnavailableError(f"Redis cannot be reached: {error}") from error


def _meant_by(error: redis.exceptions.ResponseError) -> QueueUnavailableError:
    said = str(error)
    if isinstance(error, redis.exceptions.MovedError):
        return QueueUnavailableError(
            f"Redis is a cluster of several shards ({said}): the queues need a server, or a cluster of one shard"
        )
    if said.startswith("NEWER"):
        return NewerRecordError()
    if said.startswith("SUPERSEDED "):
        return SupersededError(int(said.split()[1]))
    if said.startswith("NOREPLICAS"):
        return QueueUnavailableError("Redis takes no change: too few replicas follow it (min-replicas-to-write)")
    return QueueUnavailableError(f"the queue in Redis does not work: {said}")
