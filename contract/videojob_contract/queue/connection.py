"""How both sides reach Redis: the client's settings, and the running of scripts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar, cast

from redis.asyncio import ConnectionPool, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import AuthenticationError, NoScriptError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from videojob_contract.queue.bounded_replies import BoundedParser
from videojob_contract.queue.errors import (
    CALL_S,
    LoginRefusedError,
    QueueUnavailableError,
    ScriptsMissingError,
    answered,
)
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.redis_connections import (
    Cancellable,
    CancellableTls,
    Following,
    FollowingPool,
    FollowingTls,
)
from videojob_contract.queue.scripts import scripts
from videojob_contract.queue.sentinels import ANSWER_S, Address, Sentinels, SentinelUrl, is_of_sentinels
from videojob_contract.queue.types import RENEW_S, PoolKey

T = TypeVar("T")
SOCKET_TIMEOUT_S = 2 * RENEW_S
"""Longer than the longest blocking command, which waits `RENEW_S`."""

SCRIPT_WAIT_S = 10.0
"""How long a worker waits for the operator to load the scripts, after Redis was restarted."""

_SCRIPT_POLL_S = 0.2

_PROTOCOL: Final[dict[str, Any]] = {
    "decode_responses": True,
    "encoding_errors": "surrogateescape",  # what is no text comes as it is, to be refused where it is read
    "protocol": 2,  # RESP3 would send commands at each connect that the workers' access list need not have
    "driver_info": None,  # the same
    "parser_class": BoundedParser,
    "socket_keepalive": True,
}


def connect(
    url: str,
    *,
    username: str | None = None,
    password: str | None = None,
    ca: str | None = None,
    sentinel_password: str | None = None,
) -> Redis:
    """Return a client for `redis://` or `rediss://`, or a URL of Sentinels, which connects when it is first used.

    A lost connection is tried again five times within about two seconds. A call that has no answer within `CALL_S` is
    given up: then `QueueUnavailableError` comes out of the queue's methods, and the next call tries anew. The caller
    closes the client with `aclose()`. With TLS, one of `ca`, in PEM, has signed the server's certificate; without
    `ca`, an authority that the system knows. Sentinels have no users, and may have a password of their own.

    Raises:
        ValueError: that is no such URL.
    """
    options: dict[str, Any] = {
        "username": username,
        "password": password,
        "max_connections": 10_000,  # one for each pool whose events the operator waits for, and more
        "socket_connect_timeout": 2,
        "socket_timeout": SOCKET_TIMEOUT_S,
        "health_check_interval": 15,
        "retry": _Retry(
            ExponentialWithJitterBackoff(base=0.05, cap=1),
            5,
            supported_errors=(RedisConnectionError, RedisTimeoutError),
        ),
        **_PROTOCOL,
    }
    if is_of_sentinels(url):
        return _following(SentinelUrl.parse(url), options, ca, sentinel_password)
    tls: dict[str, Any] = {"ssl_ca_data": ca} if ca and url.startswith("rediss:") else {}
    client = Redis.from_url(url, **tls, **options)
    pool = client.connection_pool
    pool.connection_class = CancellableTls if pool.connection_class is SSLConnection else Cancellable
    return client


def _following(url: SentinelUrl, options: dict[str, Any], ca: str | None, sentinel_password: str | None) -> Redis:
    """Return a client of the master that these Sentinels name."""
    tls: dict[str, Any] = {"ssl_ca_data": ca} if ca and url.tls else {}

    def client_of(address: Address) -> Redis:
        pool = ConnectionPool(
            connection_class=CancellableTls if url.tls else Cancellable,
            host=address.host,
            port=address.port,
            password=sentinel_password,
            socket_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 0),
            **tls,
            **_PROTOCOL,
        )
        return Redis.from_pool(pool)

    following = FollowingTls if url.tls else Following
    return Redis.from_pool(
        FollowingPool(Sentinels(url, client_of), connection_class=following, db=url.db, **tls, **options)
    )


def configuration_of(redis: Redis) -> str:
    """Name what the Sentinels agreed on when they were last asked; another name tells of a failover. Empty without."""
    pool = redis.connection_pool
    named = pool.sentinels.named if isinstance(pool, FollowingPool) else None
    return f"{named.address} by {named.epoch}" if named else ""


class _Retry(Retry):
    """Tries again what was lost on the way, which to the library a refused login is as well."""

    async def call_with_retry(self, do: Callable[[], Awaitable[T]], *args: Any, **kwargs: Any) -> T:
        """Call `do` until it succeeds or has failed often enough.

        Raises:
            LoginRefusedError: Redis does not let this user in; it was asked once.
        """

        async def once() -> T:
            try:
                return await do()
            except AuthenticationError as error:
                raise LoginRefusedError(f"Redis refuses the login: {error}") from error

        return cast("T", await super().call_with_retry(once, *args, **kwargs))


class ScriptRunner:
    """Runs a pool's scripts by their hashes."""

    def __init__(
        self,
        pool: PoolKey,
        redis: Redis,
        *,
        cluster: str,
        may_load: bool,
        token: Callable[[], int | None] = lambda: None,
    ) -> None:
        """Have `token` go with each script that looks at the pool's fence."""
        self.keys = Keys(pool, cluster)
        self.redis = redis
        self._may_load = may_load
        self._token = token

    async def load(self) -> None:
        """Put every script into Redis."""
        async with answered():
            for script in scripts().values():
                await self.redis.script_load(script.source)

    async def run(self, name: str, *args: str | float, uid: str = "", worker: str = "") -> Any:
        """Run a script; `uid` and `worker` fill its keys `signal` and `mail`.

        A script that Redis does not have is loaded by the operator. A worker waits until that has happened.

        Raises:
            QueueUnavailableError: Redis cannot be reached.
            QueueFullError: it takes nothing new.
            SupersededError: another operator serves the pool.
            ScriptsMissingError: nobody loads the scripts.
        """
        script = scripts()[name]
        special = {"signal": self.keys.signal(uid), "mail": self.keys.mail(worker)}
        keys = [special.get(key) or self.keys.fixed(key) for key in script.keys]
        waited_s = 0.0
        while True:
            token = (self._token() or "",) if "fence" in script.keys else ()
            try:
                async with answered():
                    return await awaited(self.redis.evalsha(script.sha, len(keys), *keys, *map(str, (*args, *token))))
            except QueueUnavailableError as error:
                if not isinstance(error.__cause__, NoScriptError):
                    raise
                if waited_s >= SCRIPT_WAIT_S:
                    raise ScriptsMissingError(
                        "Redis lacks the queue's scripts: is an operator of this version running?"
                    ) from error
            if self._may_load:
                await self.load()
            else:
                await asyncio.sleep(_SCRIPT_POLL_S)
            waited_s += _SCRIPT_POLL_S

    async def pop(self, keys: Sequence[str], timeout_s: float) -> str | None:
        """Wait for a message in one of the lists, at most `timeout_s` and at most `RENEW_S` seconds."""
        # Zero would wait for ever, and Redis rounds what is below a millisecond.
        wait_s = min(max(timeout_s, 0.001), RENEW_S)
        async with answered(wait_s + CALL_S):
            popped = await awaited(self.redis.blpop(list(keys), wait_s))
        return None if popped is None else cast("str", popped[1])


async def awaited(reply: Awaitable[Any] | Any) -> Any:
    """Await a reply, which the library's types let be no awaitable, but the asynchronous client's is."""
    return await cast("Awaitable[Any]", reply)
