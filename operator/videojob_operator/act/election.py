"""Which replica of a release acts: the one that holds the release's Lease. The others watch, and are ready.

A replica that could not renew in time leads no more, whether it was frozen or cut off, and finds out before its next
write: `check` stands before each. It goes on as one that waits.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from videojob_operator import metrics
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.act.lease_lock import LeaseLock
from videojob_operator.errors import ApiError, NotOwnerError

log = logging.getLogger(__name__)

LEASE_S = 10.0
"""Seconds after which one that vanished is followed."""
RENEW_S = 2.0
"""How often the one that leads says that it does, in seconds."""
LOOK_S = 1.0
"""How often one that waits looks whether it may lead, in seconds."""


class Election:
    """Whether this replica leads."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        place: str,
        *,
        identity: str,
        clock: Callable[[], datetime],
        on_change: Callable[[], None],
    ) -> None:
        """Be elected by the Lease at `place`, NAMESPACE/NAME; without one, there is nobody else, and this leads.

        Tell `on_change` whenever it begins or ends to lead.
        """
        namespace, _, name = place.partition("/")
        self._lease = (
            LeaseLock(kubernetes, namespace, name, identity=identity, lease_s=LEASE_S, clock=clock) if place else None
        )
        self._on_change = on_change
        self._told = self._lease is None
        metrics.leads(leads=self._told)

    @property
    def leads(self) -> bool:
        """Whether this replica acts."""
        return self._lease is None or self._lease.held

    def check(self) -> None:
        """Let only a replica that leads go on.

        Raises:
            NotOwnerError: another may lead.
        """
        if not self.leads:
            raise NotOwnerError("this replica does not lead")

    async def run(self) -> None:
        """Stand for election, and once elected renew, until cancelled."""
        while True:
            wait_s = LEASE_S if self._lease is None else await self._step(self._lease)
            await asyncio.sleep(wait_s)

    async def release(self) -> None:
        """Let another lead at once."""
        if self._lease is not None:
            try:
                async with asyncio.timeout(RENEW_S):
                    await self._lease.release()
            except (TimeoutError, ApiError) as error:
                log.warning("who follows has to wait: %s", str(error) or "no answer in time")

    async def _step(self, lease: LeaseLock) -> float:
        """Ask for the Lease, or renew it; return in how many seconds to look again."""
        wait_s = LOOK_S
        # It may have run out, and be had again below: what happened meanwhile was left alone.
        self._tell(leads=lease.held)
        try:
            async with asyncio.timeout(LEASE_S / 3):
                if lease.held:
                    await lease.renew()
                elif (holder := await lease.claim()) is not None:
                    wait_s = min(LOOK_S, holder.for_s)
        except (TimeoutError, ApiError) as error:
            log.warning("the election: %s", str(error) or "the API server does not answer")
        self._tell(leads=lease.held)
        return RENEW_S if lease.held else wait_s

    def _tell(self, *, leads: bool) -> None:
        if leads is not self._told:
            self._told = leads
            log.info("this replica leads" if leads else "this replica does not lead any more")
            metrics.leads(leads=leads)
            self._on_change()
