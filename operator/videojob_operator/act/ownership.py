"""Which operator serves a RenderPool: the one that holds its Lease. Any other keeps its hands off all that is its.

Two serve a namespace when a second release watches it, or when someone scales the Deployment. As in client-go's leader
election, a Lease has run out when nobody was seen to renew it for its time: no clock but our own matters.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from videojob_contract.api_paths import LEASES
from videojob_contract.queue.types import PoolKey
from videojob_operator.act.kubernetes import CONFLICT, FORBIDDEN, Kubernetes, Object
from videojob_operator.act.worker_job import owner_reference
from videojob_operator.errors import ApiError, NamespaceTerminatingError

log = logging.getLogger(__name__)

AT_A_TIME = 8
"""Leases renewed at a time."""
RELEASE_S = 3.0
"""How long an operator that ends takes to let go of its pools, in seconds."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Another operator that owns a pool."""

    identity: str
    renews: bool
    """Whether it was seen to renew its Lease: one that vanished does not."""


@dataclass(frozen=True, slots=True)
class _Held:
    version: str
    """Resource version of the Lease; empty where the operator has no right to Leases."""
    until: float
    """On the event loop's clock."""


@dataclass(frozen=True, slots=True)
class _Seen:
    word: tuple[str, str]
    """Who holds a Lease, and when that was renewed by its own word."""
    at: float
    """When this was first seen, on the event loop's clock."""
    renews: bool


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
    ) -> None:
        """Tell `on_change` of each pool that came to be ours, or is not any more."""
        self._kubernetes = kubernetes
        self.identity = identity
        self._lease_s = lease_s
        self._clock = clock
        self._on_change = on_change
        self._held: dict[PoolKey, _Held] = {}
        self._seen: dict[PoolKey, _Seen] = {}

    def holds(self, pool: PoolKey) -> bool:
        """Whether this operator may act on a pool, and on what belongs to it."""
        held = self._held.get(pool)
        return held is not None and _now() < held.until

    async def claim(self, pool: PoolKey, uid: str) -> Holder | None:
        """Come to own a pool if nobody does; return who does otherwise.

        Raises:
            ApiError: it is not known who does.
        """
        if self.holds(pool):
            return None
        try:
            lease = await self._kubernetes.get(LEASES, pool.namespace, _name(pool))
            if lease is not None and (holder := self._other(pool, lease)) is not None:
                return holder
            await self._take(pool, uid, lease)
        except ApiError as error:
            if error.code != FORBIDDEN:
                raise
            if not isinstance(error, NamespaceTerminatingError):
                log.warning("no right to Leases: nothing keeps a second operator from serving %s: %s", pool, error)
            self._hold(pool, "")
        self._on_change(pool)
        return None

    def forget(self, pool: PoolKey) -> bool:
        """Let go of a pool that is gone, and its Lease with it; return whether it was ours."""
        self._seen.pop(pool, None)
        return self._held.pop(pool, None) is not None

    async def run(self) -> None:
        """Renew what is held, until cancelled."""
        gate = asyncio.Semaphore(AT_A_TIME)
        while True:
            await asyncio.sleep(self._lease_s / 3)
            await asyncio.gather(*(self._renew(pool, held, gate) for pool, held in list(self._held.items())))

    async def release(self) -> None:
        """Let others have at once what is held."""
        held = [(pool, each.version) for pool, each in self._held.items() if each.version]
        self._held.clear()
        try:
            async with asyncio.timeout(RELEASE_S):
                await asyncio.gather(*(self._write(pool, "", version) for pool, version in held))
        except (TimeoutError, ApiError) as error:
            log.warning("not all pools were let go of: %s", str(error) or "no answer in time")

    def _other(self, pool: PoolKey, lease: Object) -> Holder | None:
        """Return who else holds a Lease that has not run out."""
        spec = lease.get("spec") or {}
        word = (spec.get("holderIdentity") or "", spec.get("renewTime") or "")
        if word[0] in {"", self.identity}:
            return None
        seen = self._seen.get(pool)
        if seen is None or seen.word != word:
            renews = seen is not None and seen.word[0] == word[0]
            self._seen[pool] = seen = _Seen(word, _now(), renews)
        return Holder(word[0], seen.renews) if _now() < seen.at + self._lease_s else None

    async def _take(self, pool: PoolKey, uid: str, lease: Object | None) -> None:
        if lease is not None:
            written = await self._write(pool, self.identity, lease["metadata"]["resourceVersion"])
        else:
            metadata = {"name": _name(pool), "ownerReferences": [owner_reference("RenderPool", pool.name, uid)]}
            spec = self._spec(self.identity) | {"acquireTime": self._time()}
            body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
            written = await self._kubernetes.create(LEASES, pool.namespace, body)
        if written is None:
            raise ApiError(CONFLICT, "Conflict", f"the Lease of pool {pool} changed hands at the same moment")
        self._hold(pool, written["metadata"]["resourceVersion"])
        self._seen.pop(pool, None)

    async def _renew(self, pool: PoolKey, held: _Held, gate: asyncio.Semaphore) -> None:
        written = None
        try:
            async with gate:
                if held.version:
                    written = await self._write(pool, self.identity, held.version)
                else:  # the right to Leases may have been given since
                    await self._kubernetes.get(LEASES, pool.namespace, _name(pool))
        except ApiError as error:
            if error.code == FORBIDDEN and not held.version:
                if self._held.get(pool) is held:
                    self._hold(pool, "")
                return
            if error.code != CONFLICT:
                log.warning("the Lease of pool %s is not renewed: %s", pool, error)
                return
        if self._held.get(pool) is not held:
            return
        if written is not None:
            self._hold(pool, written["metadata"]["resourceVersion"])
        else:  # someone else has it, or nobody: `claim` is to find out
            del self._held[pool]
            self._on_change(pool)

    async def _write(self, pool: PoolKey, holder: str, version: str) -> Object | None:
        body = {"metadata": {"resourceVersion": version}, "spec": self._spec(holder)}
        return await self._kubernetes.patch(LEASES, pool.namespace, _name(pool), body)

    def _spec(self, holder: str) -> Object:
        return {
            "holderIdentity": holder,
            "leaseDurationSeconds": max(1, round(self._lease_s)),
            "renewTime": self._time(),
        }

    def _time(self) -> str:
        return self._clock().isoformat(timespec="microseconds").replace("+00:00", "Z")

    def _hold(self, pool: PoolKey, version: str) -> None:
        # Over a little earlier for us than for those who wait for it.
        self._held[pool] = _Held(version, _now() + self._lease_s * 5 / 6)


def _name(pool: PoolKey) -> str:
    return f"renderpool-{pool.name}"


def _now() -> float:
    return asyncio.get_running_loop().time()
