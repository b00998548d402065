"""What each pool has learnt of how long things take, from one reconcile of its VideoJobs to the next of its own."""

from collections.abc import Mapping

from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.work import NOTHING_LEARNT, LearntRates
from videojob_operator.decide import rates


class RateBook:
    """Rates by pool. The pools' status is where they last; what was not written there yet may be lost."""

    def __init__(self) -> None:
        self._learnt: dict[PoolKey, LearntRates] = {}

    def of(self, pool: PoolKey, written: LearntRates | None) -> LearntRates:
        """Return what a pool has learnt: until it is served, what its status says."""
        return self._learnt.get(pool) or written or NOTHING_LEARNT

    def serve(self, pool: PoolKey, template: str, written: LearntRates | None) -> LearntRates:
        """Return what a pool has learnt of workers of a template, and have it learn of those from now on."""
        self._learnt[pool] = rates.of_template(self.of(pool, written), template)
        return self._learnt[pool]

    def learn(self, pool: PoolKey, template: str, shown: Mapping[str, float]) -> None:
        """Take in what an attempt on a worker of a template shows; that of an outdated one is left."""
        known = self._learnt.get(pool)
        if known is not None and known.template == template:
            self._learnt[pool] = rates.learn(known, shown)

    def forget(self, pool: PoolKey) -> None:
        """Let go of a pool that is gone, or another operator's."""
        self._learnt.pop(pool, None)
