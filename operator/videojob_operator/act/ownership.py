"""Which operator serves a RenderPool: the one that holds its Lease. Any other keeps its hands off all that is its.

Two serve a namespace when a second release watches it. Replicas of one release are one here: which of them acts is for
`election` to say, and the one that does has the pools of the one before at once, with tokens of its own.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from videojob_contract.queue.errors import SupersededError
from videojob_contract.queue.types import PoolKey
from videojob_operator.act.kubernetes import FORBIDDEN, Kubernetes
from videojob_operator.act.lease_lock import Holder, LeaseLock
from videojob_operator.act.worker_job import owner_reference
from videojob_operator.errors import ApiError, NamespaceTerminatingError, NotOwnerError

log = logging.getLogger(__name__)

AT_A_TIME = 8
"""Leases renewed at a time."""
RELEASE_S = 3.0
"""How long an operator that ends takes to let go of its pools, in seconds."""


class Ownership:
    """The pools that this operator serves."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        *,
        identity: str,
        lease_s: float,
        clock: Callable[[], datetime],
        on_change: Callable[[PoolKey], None],
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """Tell `on_change` of each pool that came to be ours, or is not any more; none is unless we lead."""
        self._kubernetes = kubernetes
        self.identity = identity
        self._lease_s = lease_s
        self._clock = clock
        self._on_change = on_change
        self._leads = leads
        self._leases: dict[PoolKey, LeaseLock] = {}
        self._held: set[PoolKey] = set()
        self._above: dict[PoolKey, int] = {}
        """Tokens that the queues of a pool hold against ours."""

    @property
    def leads(self) -> bool:
        """Whether this replica serves pools at all."""
        return self._leads()

    def holds(self, pool: PoolKey) -> bool:
        """Whether this operator may act on a pool, and on what belongs to it."""
        return pool in self._held and self._leases[pool].held and self._leads()

    def token(self, pool: PoolKey) -> int | None:
        """Return the token of our tenure of a pool; None where there is no right to Leases, and so none.

        Raises:
            SupersededError: it is not ours now.
        """
        if not self.holds(pool):
            raise SupersededError
        return self._leases[pool].token

    async def claim(self, pool: PoolKey, uid: str) -> Holder | None:
        """Come to own a pool if nobody does; return who does otherwise.

        Raises:
            ApiError: it is not known who does.
            NotOwnerError: another replica leads.
        """
        if self.holds(pool):
            return None
        if not self._leads():
            raise NotOwnerError(f"another replica serves pool {pool}")
        lease = self._leases.setdefault(pool, self._lease(pool, uid))
        try:
            holder = await lease.claim(self._above.get(pool, 0))
            if holder is not None:
                return holder
        except ApiError as error:
            if error.code != FORBIDDEN:
                raise
            if not isinstance(error, NamespaceTerminatingError):
                log.warning("no right to Leases: nothing keeps a second operator from serving %s: %s", pool, error)
            lease.hold_without_right()
        self._held.add(pool)
        self._on_change(pool)
        return None

    def forget(self, pool: PoolKey) -> bool:
        """Let go of a pool that is gone, and its Lease with it; return whether it was ours."""
        self._leases.pop(pool, None)
        self._above.pop(pool, None)
        was_ours = pool in self._held
        self._held.discard(pool)
        return was_ours

    def stand_by(self, pool: PoolKey) -> None:
        """Leave a pool to the replica that leads."""
        self._held.discard(pool)

    def refused(self, pool: PoolKey, highest: int) -> None:
        """Note that a pool's queues know a greater token than ours: it is to be claimed anew, if it is ours at all."""
        if highest > self._above.get(pool, 0):
            log.warning(
                "the queues of pool %s are served by token %d: its Lease is to be asked for again", pool, highest
            )
            self._above[pool] = highest
            self._lose(pool)

    async def run(self) -> None:
        """Renew what is held, until cancelled."""
        gate = asyncio.Semaphore(AT_A_TIME)
        while True:
            await asyncio.sleep(self._lease_s / 3)
            if self._leads():
                await asyncio.gather(*(self._renew(pool, self._leases[pool], gate) for pool in list(self._held)))

    async def release(self) -> None:
        """Let others have at once what is held."""
        held = [self._leases[pool] for pool in self._held]
        self._held.clear()
        try:
            async with asyncio.timeout(RELEASE_S):
                await asyncio.gather(*(lease.release() for lease in held))
        except (TimeoutError, ApiError) as error:
            log.warning("not all pools were let go of: %s", str(error) or "no answer in time")

    async def _renew(self, pool: PoolKey, lease: LeaseLock, gate: asyncio.Semaphore) -> None:
        has_lapsed = not lease.held
        try:
            # One answer may be lost, and the next is in time.
            async with gate, asyncio.timeout(self._lease_s / 3):
                is_ours = await lease.renew()
        except TimeoutError:
            log.warning("the Lease of pool %s is not renewed: no answer in time", pool)
            return
        except ApiError as error:
            if error.code == FORBIDDEN and lease.token is None:
                lease.hold_without_right()
                return
            log.warning("the Lease of pool %s is not renewed: %s", pool, error)
            return
        if not is_ours and self._leases.get(pool) is lease:
            self._lose(pool)  # someone else has it, or nobody: `claim` is to find out
        elif is_ours and has_lapsed:
            self._on_change(pool)  # what happened meanwhile was left alone

    def _lose(self, pool: PoolKey) -> None:
        if pool in self._held:
            self._held.discard(pool)
            self._leases[pool].let_go()
            self._on_change(pool)

    def _lease(self, pool: PoolKey, uid: str) -> LeaseLock:
        return LeaseLock(
            self._kubernetes,
            pool.namespace,
            f"renderpool-{pool.name}",
            identity=self.identity,
            lease_s=self._lease_s,
            clock=self._clock,
            owner=owner_reference("RenderPool", pool.name, uid),
        )
