"""One `coordination.k8s.io` Lease, held by one process at a time, by the rules of client-go's leader election.

A Lease has run out when nobody was seen to renew it for its time: no clock but our own matters, and that of each holder
counts from before it asked, and for a little less. Each tenure has a *token*, greater than every one before it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from videojob_contract.api_paths import LEASES
from videojob_operator.act.kubernetes import CONFLICT, Kubernetes, Object
from videojob_operator.errors import ApiError

HOLDERS_SHARE = 5 / 6
"""Of its time, for which a holder that could not renew a Lease goes on believing that it is its own."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Another process that holds a Lease."""

    identity: str
    renews: bool
    """Whether it was seen to renew it: one that vanished does not."""
    for_s: float = field(default=0.0, compare=False)
    """In how many seconds the Lease runs out, if nobody renews it."""


@dataclass(frozen=True, slots=True)
class _Seen:
    word: tuple[str, str]
    """Who holds it, and when it was renewed by the holder's own word."""
    at: float
    """When this was first seen, on the event loop's clock."""
    renews: bool


class LeaseLock:
    """Whether a Lease is ours. Processes of one identity are one: each takes it from the one before at once."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        namespace: str,
        name: str,
        *,
        identity: str,
        lease_s: float,
        clock: Callable[[], datetime],
        owner: Object | None = None,
    ) -> None:
        """Make the Lease, where there is none, with a reference to its `owner`."""
        self._kubernetes = kubernetes
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._lease_s = lease_s
        self._clock = clock
        self._owner = owner
        self._version = ""  # of the resource; empty where there is no right to Leases
        self._token = 0
        self._until = 0.0  # on the event loop's clock
        self._seen: _Seen | None = None

    @property
    def held(self) -> bool:
        """Whether it is ours."""
        return _now() < self._until

    @property
    def token(self) -> int | None:
        """The token of our tenure; None where there is no right to Leases, and so none."""
        return self._token if self._version else None

    async def claim(self, above: int = 0) -> Holder | None:
        """Come to hold it if nobody does, with a token greater than `above`; return who does otherwise.

        Raises:
            ApiError: it is not known who does.
        """
        lease = await self._kubernetes.get(LEASES, self._namespace, self._name)
        if lease is not None and (holder := self._other(lease)) is not None:
            return holder
        token = max(((lease or {}).get("spec") or {}).get("leaseTransitions") or 0, above) + 1
        spec = self._spec(self._identity) | {"acquireTime": self._time(), "leaseTransitions": token}
        sent = _now()
        if lease is not None:
            written = await self._patch(spec, lease["metadata"]["resourceVersion"])
        else:
            owners = {"ownerReferences": [self._owner]} if self._owner else {}
            body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": self._name} | owners}
            written = await self._kubernetes.create(LEASES, self._namespace, body | {"spec": spec})
        if written is None:
            raise ApiError(CONFLICT, "Conflict", f"the Lease {self._name} changed hands at the same moment")
        self._hold(sent, written["metadata"]["resourceVersion"], token)
        self._seen = None
        return None

    async def renew(self) -> bool:
        """Hold it for longer; return whether it is ours still.

        Raises:
            ApiError: it is not known whether it is; it runs out by itself.
        """
        if not self._version:  # the right to Leases may have been given since
            await self._kubernetes.get(LEASES, self._namespace, self._name)
            self.let_go()
            return False
        sent = _now()
        try:
            written = await self._patch(self._spec(self._identity), self._version)
        except ApiError as error:
            if error.code != CONFLICT:
                raise
            written = None
            lease = await self._kubernetes.get(LEASES, self._namespace, self._name)
            if lease is not None and self._is_ours(lease):  # only the answer to a renewal was lost
                written = await self._patch(self._spec(self._identity), lease["metadata"]["resourceVersion"])
        if written is None:
            self.let_go()
            return False
        self._hold(sent, written["metadata"]["resourceVersion"], self._token)
        return True

    def hold_without_right(self) -> None:
        """Take it to be ours for its time, as there is no right to ask."""
        self._hold(_now(), "", 0)

    def let_go(self) -> None:
        """Take it to be ours no more."""
        self._version, self._until = "", 0.0

    async def release(self) -> None:
        """Let others have it at once.

        Raises:
            ApiError: they have to wait for it to run out.
        """
        version = self._version
        self.let_go()
        if version:
            await self._patch(self._spec(""), version)

    def _other(self, lease: Object) -> Holder | None:
        """Return who else holds a Lease that has not run out."""
        spec = lease.get("spec") or {}
        word = (spec.get("holderIdentity") or "", spec.get("renewTime") or "")
        if word[0] in {"", self._identity}:
            return None
        seen = self._seen
        if seen is None or seen.word != word:
            renews = seen is not None and seen.word[0] == word[0]
            self._seen = seen = _Seen(word, _now(), renews)
        left_s = seen.at + self._lease_s - _now()
        return Holder(word[0], seen.renews, left_s) if left_s > 0 else None

    def _is_ours(self, lease: Object) -> bool:
        spec = lease.get("spec") or {}
        return (spec.get("holderIdentity"), spec.get("leaseTransitions")) == (self._identity, self._token)

    async def _patch(self, spec: Object, version: str) -> Object | None:
        body = {"metadata": {"resourceVersion": version}, "spec": spec}
        return await self._kubernetes.patch(LEASES, self._namespace, self._name, body)

    def _spec(self, holder: str) -> Object:
        return {
            "holderIdentity": holder,
            "leaseDurationSeconds": max(1, round(self._lease_s)),
            "renewTime": self._time(),
        }

    def _time(self) -> str:
        return self._clock().isoformat(timespec="microseconds").replace("+00:00", "Z")

    def _hold(self, sent: float, version: str, token: int) -> None:
        # From when it was asked for: those who wait count from when it was granted, or later.
        self._version, self._token, self._until = version, token, sent + self._lease_s * HOLDERS_SHARE


def _now() -> float:
    return asyncio.get_running_loop().time()
