"""Who may come to wait in a pool: one pass at a time, over its book, by its limits."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from videojob_common import logs
from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.limits import PoolLimits
from videojob_operator.act.day_store import DayStore
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.admission_book import AdmissionBook, AdmissionBooks
from videojob_operator.cache import Cache
from videojob_operator.day_counts import DayCounts
from videojob_operator.decide.limits import AdmissionRequest, counts_days, day_of
from videojob_operator.errors import OperatorError
from videojob_operator.records import PoolRecord, VideoJobKey

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 3600.0
"""How far ahead the next look is at most, in seconds: a clock may be put right meanwhile."""


class AdmissionReconciler:
    """Brings the requests of one pool at a time to where its limits have them."""

    def __init__(
        self,
        *,
        cache: Cache,
        books: AdmissionBooks,
        kubernetes: Kubernetes,
        owns: Callable[[PoolKey], bool],
        look_at: Callable[[VideoJobKey, float], None],
        writes_per_s: float,
        clock: Callable[[], datetime],
    ) -> None:
        """Have `look_at` called with each VideoJob that is to be reconciled, and in how many seconds."""
        self._cache = cache
        self._books = books
        self._days = DayStore(kubernetes)
        self._owns = owns
        self._look_at = look_at
        self._writes_per_s = writes_per_s
        self._clock = clock

    async def __call__(self, key: PoolKey) -> float | None:
        """Make a pass; return in how many seconds to make the next, or None."""
        with logs.about(namespace=key.namespace, pool=key.name):
            record, book = self._cache.pools.get(key), self._books.of(key)
            spec = record.accept().spec if record else None
            if record is None or spec is None or not self._owns(key):
                book.begin_day(None)  # whoever serves it may count on
                self._days.forget(key)
                if record is None:
                    self._books.forget(key)
                return None
            if not book.has_requests:
                return None
            return await self._pass(record, book, spec.limits)

    async def _pass(self, record: PoolRecord, book: AdmissionBook, limits: PoolLimits | None) -> float | None:
        now = self._clock()
        if limits is None or not counts_days(limits):
            book.begin_day(None)
            done = book.decide(limits, now)
            book.publish(done.granted)
            next_s = None
        else:
            day, tomorrow = day_of(limits, now)
            if book.day is None or (book.day.pool_uid, book.day.day) != (record.uid, day):
                book.begin_day(DayCounts.decode(await self._days.load(record.key), record.uid, day))
            done = book.decide(limits, tomorrow)
            if done.counted:
                await self._count(record.key, book, done.granted)
            book.publish(done.granted)
            next_s = min((tomorrow - now).total_seconds(), LONGEST_WAIT_S)
        self._tell(record.key, done.granted)
        self._tell(record.key, done.told)
        self._tell(record.key, done.told_again, spread_s=1 / self._writes_per_s)
        return next_s

    async def _count(self, pool: PoolKey, book: AdmissionBook, granted: Iterable[AdmissionRequest]) -> None:
        """Write what the day has counted, before anything of it is given out."""
        try:
            if book.day is not None:
                await self._days.save(pool, book.day.encode())
        except OperatorError:
            book.take_back(granted)
            book.begin_day(None)  # nobody knows what was written
            raise

    def _tell(self, pool: PoolKey, requests: Iterable[AdmissionRequest], *, spread_s: float = 0.0) -> None:
        for number, request in enumerate(requests):
            self._look_at(VideoJobKey(pool.namespace, request.name), number * spread_s)
