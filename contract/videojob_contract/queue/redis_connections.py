"""The library's connections to Redis, mended: they can be cancelled, and they follow Sentinels."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from redis.asyncio import Connection, ConnectionPool, SSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MasterDownError, ReadOnlyError

from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.sentinels import Address, Sentinels

FRESH_S = 1.0
"""How old what is known of the master may be for a call on a connection that is open, in seconds: so little is written
to one that was silent, was replaced, and does not know it yet."""


class Cancellable(Connection):
    """A connection whose user can be cancelled while it sends.

    Redis-py waits for that by `asyncio.wait_for`, which before Python 3.12 loses a cancellation that comes in
    the very moment it is done. The task would then go on for ever.
    """

    async def send_packed_command(
        self,
        command: bytes | str | Iterable[bytes],
        check_health: bool = True,  # noqa: FBT001, FBT002 - the base class'
    ) -> None:
        """Send, and raise a cancellation that came meanwhile."""
        task = asyncio.current_task()
        cancellations = task.cancelling() if task else 0
        await super().send_packed_command(command, check_health)
        if task and task.cancelling() > cancellations:
            await self.disconnect(nowait=True)  # an answer is under way that nobody will read
            raise asyncio.CancelledError


class CancellableTls(Cancellable, SSLConnection):
    """The same, with TLS; all that trust the same authorities share their context, which takes long to make."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context = _contexts.setdefault(self.ca_data or "", self.ssl_context)


_contexts: Final = dict[str, Any]()
"""By the certificates of authorities, in PEM."""


class Following(Cancellable):
    """A connection to whichever server the Sentinels name; each call begins with a look whether it still is."""

    def __init__(self, *, sentinels: Sentinels, **options: Any) -> None:
        super().__init__(**options)
        self._sentinels = sentinels

    async def connect_check_health(
        self,
        check_health: bool = True,  # noqa: FBT001, FBT002 - the base class'
        retry_socket_connect: bool = True,  # noqa: FBT001, FBT002 - the same
    ) -> None:
        """Connect to the master, if this is not connected to it.

        Raises:
            QueueUnavailableError: the Sentinels name none.
        """
        try:
            master = await self._sentinels.master(FRESH_S if self.is_connected else 0.0)
        except QueueUnavailableError:
            if self.is_connected:
                return  # to one that they have named, and no other
            raise
        if self.is_connected and master.address != Address(self.host, self.port):
            await self.disconnect(nowait=True)
        self.host, self.port = master.address
        await super().connect_check_health(check_health, retry_socket_connect)

    async def on_connect_check_health(self, check_health: bool = True) -> None:  # noqa: FBT001, FBT002 - the base class'
        """Log in, and make sure that the server takes itself for the master, too."""
        await super().on_connect_check_health(check_health)
        await self.send_command("ROLE", check_health=False)
        if (await self.read_response())[0] != "master":
            raise RedisConnectionError(f"{self.host}:{self.port} is a replica, and the Sentinels name it as the master")

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """Read a reply; one that only a replica gives is the end of the connection, and the call is made once more."""
        try:
            return await super().read_response(*args, **options)
        except (ReadOnlyError, MasterDownError) as error:
            await self.disconnect(nowait=True)
            raise RedisConnectionError(f"{self.host}:{self.port} has become a replica: {error}") from error


class FollowingTls(Following, CancellableTls):
    """The same, with TLS."""


class FollowingPool(ConnectionPool):
    """Connections that follow the same Sentinels, and close theirs when all are closed."""

    def __init__(self, sentinels: Sentinels, **options: Any) -> None:
        super().__init__(sentinels=sentinels, **options)
        self.sentinels = sentinels

    async def disconnect(self, inuse_connections: bool = True) -> None:  # noqa: FBT001, FBT002 - the base class'
        """Close idle connections, or all."""
        await super().disconnect(inuse_connections)
        if inuse_connections:
            await self.sentinels.aclose()
