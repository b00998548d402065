"""A keyed work queue: what a watch turns events into, and what calls the reconcilers.

- A key waits at most once, however many events it had; one that is added while it is worked on runs once more
  afterwards.
- A key is never worked on twice at the same time.
- A reconcile that raises is tried again, after a wait that doubles with each failure of that key.
- A key can be added for later; the earliest time wins.
- What is looked at for no news of its own, such as all of a pool that came to be ours, lets news go before it.
- Keys can be held to a shortest interval between two runs, which turns a burst of events into one run.
"""

import asyncio
import heapq
import itertools
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from videojob_contract.errors import VideoJobError
from videojob_operator import metrics
from videojob_operator.errors import OperatorError

log = logging.getLogger(__name__)
Key = TypeVar("Key", bound=Hashable)

NEWS_AT_A_TIME = 16
"""News that may go before a key without any that waits: it is looked at in the end, however many there are."""
SPARE_ENTRIES = 1000
"""Entries of the timer that may be void, beside as many as there are keys, before they are cleared away."""


class WorkQueue(Generic[Key]):
    """Keys that wait for `reconcile`.

    It returns after how many seconds it wants to see its key again, or None.
    """

    def __init__(
        self,
        name: str,
        reconcile: Callable[[Key], Awaitable[float | None]],
        *,
        workers: int,
        retry_initial_s: float,
        retry_max_s: float,
        interval_of: Callable[[Key], float] = lambda _: 0.0,
    ) -> None:
        self.name = name
        self._reconcile = reconcile
        self._workers = workers
        self._retry_initial_s = retry_initial_s
        self._retry_max_s = retry_max_s
        self._interval_of = interval_of  # in seconds
        self._ready: dict[Key, float] = {}  # key → when it became ready; insertion order is age
        self._routine: dict[Key, float] = {}  # the same, of keys without news
        self._passed_by = 0  # times that news went before those
        self._running: dict[Key, float] = {}  # key → when its run started
        self._again: set[Key] = set()  # added while running
        self._due: dict[Key, float] = {}  # key → when it becomes ready
        self._heap: list[
            tuple[float, int, Key]
        ] = []  # (due, tie breaker, key); entries that _due disagrees with are void
        self._order = itertools.count()
        self._failures: dict[Key, int] = {}
        self._last_run: dict[Key, float] = {}  # kept only with an interval
        self._moved_at = 0.0  # when a key was last done with, or came when none waited
        self._wake_worker = asyncio.Event()
        self._wake_timer = asyncio.Event()

    def add(self, key: Key, *, routine: bool = False) -> None:
        """Have `key` reconciled as soon as a worker is free; without news, `routine`, behind all that has some."""
        if key in self._running:
            self._again.add(key)
            return
        if key in self._ready or (routine and key in self._routine):
            return
        if key in self._last_run:
            wait_s = self._last_run[key] + self._interval_of(key) - self._now()
            if wait_s > 0:
                self.add_after(key, wait_s)
                return
        self._due.pop(key, None)
        now = self._now()
        if not self.waiting:
            self._moved_at = now
        since = self._routine.pop(key, now)
        (self._routine if routine else self._ready)[key] = since
        self._wake_worker.set()

    def add_after(self, key: Key, delay_s: float) -> None:
        """Have `key` reconciled in `delay_s` seconds, or earlier if that was already wanted."""
        due = self._now() + delay_s
        if key in self._ready or key in self._routine or self._due.get(key, due + 1) <= due:
            return
        self._due[key] = due
        heapq.heappush(self._heap, (due, next(self._order), key))
        if len(self._heap) > 2 * len(self._due) + SPARE_ENTRIES:
            # A key that is due tomorrow and is looked at every few minutes leaves a void entry each time.
            self._heap = [(due, next(self._order), key) for key, due in self._due.items()]
            heapq.heapify(self._heap)
        if self._heap[0][2] == key:
            self._wake_timer.set()

    @property
    def waiting(self) -> int:
        """Number of keys that are ready and wait for a worker."""
        return len(self._ready) + len(self._routine)

    @property
    def oldest_age_s(self) -> float:
        """Seconds for which the oldest key has been waiting or worked on; 0 when there is none."""
        oldest = [next(iter(waiting.values())) for waiting in (self._ready, self._routine) if waiting]
        started = [*self._running.values(), *oldest]
        return max(self._now() - min(started), 0.0) if started else 0.0

    @property
    def stalled_s(self) -> float:
        """Seconds for which a reconcile has hung, or keys have waited and none was done with; 0 when all moves.

        Of 10,000 keys that came at once the last waits long, and nothing is wrong.
        """
        since = [*self._running.values(), *([self._moved_at] if self.waiting else [])]
        return max(self._now() - min(since), 0.0) if since else 0.0

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._run_timer())
            for _ in range(self._workers):
                tasks.create_task(self._run_worker())

    async def _run_worker(self) -> None:
        while True:
            while not self.waiting:
                self._wake_worker.clear()
                await self._wake_worker.wait()
            waiting = self._whose_turn()
            key = next(iter(waiting))
            await self._run_one(key, waiting.pop(key))

    def _whose_turn(self) -> dict[Key, float]:
        if self._ready and (not self._routine or self._passed_by < NEWS_AT_A_TIME):
            self._passed_by += bool(self._routine)
            return self._ready
        self._passed_by = 0
        return self._routine

    async def _run_one(self, key: Key, queued_at: float) -> None:
        self._running[key] = started = self._now()
        self._due.pop(key, None)
        interval_s = self._interval_of(key)
        if interval_s:
            self._last_run[key] = started
        metrics.reconcile_started(self.name, started - queued_at)
        failed = False
        try:
            requeue_after_s = await self._reconcile(key)
        except Exception as error:
            failed = True
            requeue_after_s = self._backoff_s(key)
            what = "reconciling %s failed, and is tried again in %.1f s: %s"
            known = isinstance(error, (OperatorError, VideoJobError))
            log.warning(what, key, requeue_after_s, error, exc_info=None if known else error)
        else:
            self._failures.pop(key, None)
        finally:
            del self._running[key]
            self._moved_at = self._now()
            metrics.reconcile_finished(self.name, self._now() - started, failed=failed)
        if requeue_after_s is not None:
            self.add_after(key, max(requeue_after_s, interval_s))
        if key in self._again:
            self._again.discard(key)
            self.add(key)  # something is new: that is worth a try before a backoff has passed

    def _backoff_s(self, key: Key) -> float:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        # Capped before the power is taken, so that a key that fails for days does not overflow a float.
        return min(self._retry_initial_s * 2.0 ** min(failures, 30), self._retry_max_s)

    async def _run_timer(self) -> None:
        while True:
            self._wake_timer.clear()
            now = self._now()
            while self._heap and self._heap[0][0] <= now:
                due, _, key = heapq.heappop(self._heap)
                if self._due.get(key) == due:
                    del self._due[key]
                    self._last_run.pop(key, None)
                    self.add(key)
            timeout_s = self._heap[0][0] - now if self._heap else None
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake_timer.wait()
            except TimeoutError:
                pass

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
