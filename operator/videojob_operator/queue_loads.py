"""How much waits in each queue, as VideoJobs say: kept as they change, so that nobody walks through ten thousand."""

from collections import Counter, defaultdict

from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.status import Phase
from videojob_operator.decide.backlog import Load
from videojob_operator.records import VideoJobKey, VideoJobRecord


class QueueLoads:
    """Counts, and sums of what is predicted, of what is Queued."""

    def __init__(self) -> None:
        self._counts: defaultdict[PoolKey, Counter[str]] = defaultdict(Counter)
        self._sums_ms: defaultdict[PoolKey, Counter[str]] = defaultdict(Counter)

    def of(self, pool: PoolKey) -> dict[str, Load]:
        """Return what waits in each queue of a pool in which something does."""
        counts, sums_ms = self._counts.get(pool, Counter()), self._sums_ms.get(pool, Counter())
        return {queue: Load(count, sums_ms[queue] / 1000) for queue, count in counts.items() if count}

    def counts(self) -> list[int]:
        """Return how many wait in each pool in which something does."""
        return [counts.total() for counts in self._counts.values()]

    def follow(self, _: VideoJobKey, before: VideoJobRecord | None, after: VideoJobRecord | None) -> None:
        """Do as the store of VideoJobs did."""
        for record, sign in ((before, -1), (after, 1)):
            if record is not None and record.phase is Phase.QUEUED:
                # Whole milliseconds: what is taken off again is what was put on.
                self._sums_ms[record.pool][record.queue] += sign * round(record.predicted_s * 1000)
                self._counts[record.pool][record.queue] += sign
        if before is not None and not any(self._counts.get(before.pool, {}).values()):
            self._counts.pop(before.pool, None)
            self._sums_ms.pop(before.pool, None)
