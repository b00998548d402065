"""Threads that work while the calling one reports progress; they stop when the job is cancelled or one fails."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import Event, Lock
from typing import Any, Self, TypeVar

from videojob_contract.errors import CancelledError
from videojob_worker.progress import Meter

T = TypeVar("T")

_POLL_S = 0.1
_FIRST_POLL_S = 0.01  # until there is something to tell


class Tally:
    """Adds up the cost of what several threads have done."""

    def __init__(self) -> None:
        self.cost = 0.0
        self._lock = Lock()

    def add(self, cost: float) -> None:
        """Count some more."""
        with self._lock:
            self.cost += cost


class RenderThreads:
    """A context manager; on leaving it every thread has ended.

    Args:
        meter: told of the tally, several times a second.
        cancelled: asked as often whether to stop.
    """

    def __init__(self, meter: Meter, cancelled: Callable[[], bool]) -> None:
        self.meter = meter
        self.tally = Tally()
        self._cancelled = cancelled
        self._stop = Event()
        self._pools: list[ThreadPoolExecutor] = []
        self._aside: list[Future[Any]] = []

    def stopped(self) -> bool:
        """Tell a thread whether to stop."""
        return self._stop.is_set()

    def check_cancelled(self) -> None:
        """Return, or stop the thread.

        Raises:
            CancelledError: it has to stop.
        """
        if self._stop.is_set():
            raise CancelledError("the render was cancelled")

    def aside(self, work: Callable[[], T]) -> "Future[T]":
        """Start work that goes on beside all other; when it fails, `wait` raises."""
        future = self._pool(1, "aside").submit(work)
        self._aside.append(future)
        return future

    def run(self, works: Iterable[Callable[[], T]], threads: int, say: Callable[[], str]) -> list[T]:
        """Do work in so many threads, and return the results in order; `say` gives the word for people meanwhile.

        Raises:
            CancelledError: the job was cancelled.
            Exception: what one of them raised, the first of all.
        """
        pool = self._pool(threads, "work")
        futures = [pool.submit(work) for work in works]
        self.wait(futures, say)
        return [future.result() for future in futures]

    def wait(self, futures: Iterable["Future[T]"], say: Callable[[], str]) -> None:
        """Wait until all are done; see `run`."""
        waiting: set[Future[Any]] = set(futures)
        while waiting:
            watched = waiting | {future for future in self._aside if not future.done()}
            wait(watched, timeout=_POLL_S if self.tally.cost else _FIRST_POLL_S, return_when=FIRST_EXCEPTION)
            for future in (*waiting, *self._aside):
                if future.done():
                    future.result()
            waiting = {future for future in waiting if not future.done()}
            if self._cancelled():
                raise CancelledError("the render was cancelled")
            self.meter.update(self.tally.cost, say())

    def _pool(self, threads: int, name: str) -> ThreadPoolExecutor:
        self._pools.append(ThreadPoolExecutor(threads, thread_name_prefix=name))
        return self._pools[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=True)
