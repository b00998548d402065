"""The one place that builds keys of Redis.

Every key of a pool starts with `vj:{cluster/namespace/pool}:`. The braces make the pool a hash tag, so that all of
its keys are in one slot of Redis Cluster, and one script may use them together. The cluster tells its pools from those
of the same names in another Kubernetes cluster, which may use the same Redis.
"""

from videojob_contract.queue.types import PoolKey

PREFIX = "vj:"
"""Every key starts so; access lists are written with it."""

RATES = f"{PREFIX}rates:"
"""What a gateway counts of its callers' requests starts so; it goes by itself after two of its windows."""

FIXED = {
    "epoch": "string: set once; gone means that Redis was emptied",
    "fence": "string: token of the operator that serves the pool",
    "weights": "hash: queue → weight; 0 when it is closed and drains, negative while it is stopped or claims are held",
    "terms": "string: by which assignments are made now; those of other terms are not claimed",
    "passes": "hash: queue → how far it is ahead of its share",
    "sequence": "string: counts what was ever enqueued",
    "backlog": "sorted set: `queue:place:uid` of what waits, all at score 0, so in lexical order",
    "lanes": "sorted set: `queue:user:rank:tag:place:uid` of what waits, all at score 0",
    "turns": "sorted set: `queue:pass:user` of the users of a queue, all at score 0",
    "shared": "sorted set: `queue:user:tag:uid` of what even sharing would still be at, all at score 0",
    "accounts": "hash: `queue:user` → what the user had (`pass:virtual:unspent`); queue → its virtual time",
    "rules": "hash: `order`, `weight:USER`, and `running:KIND` for limits of what runs",
    "running": "sorted set: `user:USER:uid` and `project:PROJECT:uid` of what runs, all at score 0",
    "resting": "sorted set: `user:USER:queue` and `KIND:NAME:` with a member of `lanes`: put aside for room",
    "entries": "hash: uid → record (JSON), or tombstone",
    "payloads": "hash: uid → assignment (compressed JSON)",
    "progress": "hash: uid → the worker's latest word (JSON)",
    "results": "hash: uid → how the attempt ended (JSON)",
    "leases": "sorted set: uid, by when its lease ends",
    "tombstones": "sorted set: uid, by when its tombstone may go",
    "workers": "hash: worker → its record (JSON)",
    "seen": "sorted set: worker, by when it was last heard of",
    "wake": "list: tokens that idle workers wait for",
    "events": "stream: what the operator is told",
    "inspections": "list: ids of inspections that no worker has taken; lives a minute",
}
"""The keys that every pool has, and what they hold."""

PER_NAME = {
    "signal": "list: attempts of the uid that should stop; lives a minute",
    "mail": "list: wakes one worker; lives a minute",
    "inspection": "string: an inspection (compressed JSON) that no worker has taken; lives half a minute",
    "inspected": "list: what came of an inspection; lives half a minute",
}
"""Keys for one uid (`signal`), one worker (`mail`) or one inspection."""


class Keys:
    """The keys of one pool of one cluster, which is empty where Redis serves no other."""

    def __init__(self, pool: PoolKey, cluster: str = "") -> None:
        tag = f"{cluster}/{pool}" if cluster else str(pool)
        self._prefix = f"{PREFIX}{{{tag}}}:"
        self.user = f"{PREFIX}{tag}"
        """Name of the Redis user of the pool's workers."""

    def fixed(self, name: str) -> str:
        """Return the key `name`, one of `FIXED`."""
        if name not in FIXED:
            raise KeyError(name)
        return self._prefix + name

    def signal(self, uid: str) -> str:
        """Return the key of the list that tells the worker of a VideoJob to stop."""
        return f"{self._prefix}signal:{uid}"

    def mail(self, worker: str) -> str:
        """Return the key of the list that wakes a worker."""
        return f"{self._prefix}mail:{worker}"

    def inspection(self, identity: str) -> str:
        """Return the key of an inspection that waits."""
        return f"{self._prefix}inspection:{identity}"

    def inspected(self, identity: str) -> str:
        """Return the key of the list of what came of an inspection."""
        return f"{self._prefix}inspected:{identity}"

    def all_fixed(self) -> list[str]:
        """Return every key that lasts."""
        return [self.fixed(name) for name in FIXED]


def rates_of(namespace: str, cluster: str = "") -> str:
    """Return what keys of the gateway's counts in a namespace start with."""
    return f"{RATES}{cluster}/{namespace}" if cluster else f"{RATES}{namespace}"


ANY_POOL = Keys(PoolKey("*", "*"))
"""Patterns of the keys of every pool, for access lists."""
