"""Worker Jobs that have rendered, and wait for the end of their time to live: only a pool's newest says anything.

There is one of each VideoJob that was rendered within ten minutes. A pool must not look at all of them each time: it
would look the more rarely the more it gets done.
"""

import heapq
from collections import defaultdict

from videojob_contract.queue.types import PoolKey
from videojob_operator.decide.types import WorkerJob
from videojob_operator.projections import ObjectKey


class SpentJobs:
    """The spent Jobs of each pool, by their serials."""

    def __init__(self) -> None:
        self._serials: dict[ObjectKey, tuple[PoolKey, int]] = {}
        self._newest_first: defaultdict[PoolKey, list[tuple[int, ObjectKey]]] = defaultdict(list)
        """Heaps of the negated serials; what `_serials` disagrees with is void."""

    def follow(self, key: ObjectKey, _: WorkerJob | None, after: WorkerJob | None) -> None:
        """Do as the store of Jobs did."""
        if after is None or not after.is_spent:
            self._serials.pop(key, None)
            return
        pool = PoolKey(key.namespace, after.pool)
        if self._serials.get(key) != (pool, after.serial):
            self._serials[key] = pool, after.serial
            heapq.heappush(self._newest_first[pool], (-after.serial, key))

    def newest(self, pool: PoolKey) -> ObjectKey | None:
        """Return the one of the highest serial."""
        heap = self._newest_first.get(pool, [])
        while heap and self._serials.get(heap[0][1]) != (pool, -heap[0][0]):
            heapq.heappop(heap)
        if not heap:
            self._newest_first.pop(pool, None)
            return None
        return heap[0][1]
