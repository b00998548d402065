"""The sessions with the queues: one for each RenderPool that there is."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.types import PoolKey
from videojob_operator.act.queues import QueueSession
from videojob_operator.parts import keep_up
from videojob_operator.queue_listener import QueueListener


class QueueSessions:
    """Opens and closes them, and knows those that are open."""

    def __init__(
        self,
        queue_of: Callable[[PoolKey], OperatorApi],
        listener: Callable[[], QueueListener],
        tasks: asyncio.TaskGroup,
    ) -> None:
        """Run sessions in `tasks`, and have them tell `listener()`, which is asked for with the first."""
        self._queue_of = queue_of
        self._listener = listener
        self._tasks = tasks
        self._open: dict[PoolKey, tuple[QueueSession, asyncio.Task[None]]] = {}

    def __iter__(self) -> Iterator[QueueSession]:
        return iter([session for session, _ in self._open.values()])

    def get(self, pool: PoolKey) -> QueueSession | None:
        """Return the session with a pool's queues, if one is open."""
        found = self._open.get(pool)
        return found[0] if found else None

    def open(self, pool: PoolKey) -> QueueSession:
        """Return the session with a pool's queues; a new one connects in the background."""
        if pool not in self._open:
            session = QueueSession(self._queue_of(pool), self._listener(), consumer=socket.gethostname())
            self._open[pool] = (session, self._tasks.create_task(keep_up("session with a pool's queues", session.run)))
        return self._open[pool][0]

    async def leave(self, pool: PoolKey) -> None:
        """End the session with a pool's queues, if one is open, and leave them to another operator."""
        found = self._open.pop(pool, None)
        if found is not None:
            found[1].cancel()
            with suppress(asyncio.CancelledError):
                await found[1]

    async def close(self, pool: PoolKey) -> None:
        """End the session with the queues of a pool that is gone, if one is open, and delete them.

        Raises:
            QueueUnavailableError: Redis is away; to be called again.
        """
        await self.leave(pool)
        self._listener().wake_stale_entries(pool)
        await self._queue_of(pool).delete_pool()
