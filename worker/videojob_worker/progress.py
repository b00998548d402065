"""How far a render is: a share of its predicted cost, never going back, told a few times a second."""

import time
from collections.abc import Callable

from videojob_contract.assignment import Progress
from videojob_contract.resources.status import Stage

INTERVAL_S = 0.25
"""Seconds between two reports: half of what whoever waits is promised."""

_SURE_AFTER = 0.05
_SURE_AFTER_S = 2.0
"""An end is predicted after this share, or this many seconds of work: what came first says little of the rest."""


class Meter:
    """Adds up finished work and reports it.

    Args:
        total: predicted cost of everything, in any unit.
        on_progress: told of the progress.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        total: float,
        on_progress: Callable[[Progress], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total = total
        self._on_progress = on_progress
        self._clock = clock
        self._done = 0.0
        self._percent = 0.0
        self._started = clock()
        self._reported = self._started
        self._working_since: float | None = None
        self._stage = Stage.INITIALIZING
        self._message = ""

    def enter(self, stage: Stage, message: str) -> None:
        """Begin a stage; reported at once."""
        self._stage, self._message = stage, message
        self._report()

    def update(self, partial: float, message: str | None = None) -> None:
        """Say that `partial` of the cost of the current piece of work is done; reported when it is time.

        The first of all is reported at once.
        """
        if message is not None:
            self._message = message
        self._percent = max(self._percent, min(100.0, 100 * (self._done + partial) / self._total))
        first = self._working_since is None and self._percent > 0
        if first:
            self._working_since = self._clock()
        if first or self._clock() - self._reported >= INTERVAL_S:
            self._report()

    def finish(self, cost: float) -> None:
        """Count a piece of work as done for good; reported at once."""
        self._done += cost
        self.update(0.0)
        self._report()

    def _report(self) -> None:
        self._reported = self._clock()
        eta_s = self._eta_s()
        self._on_progress(Progress(stage=self._stage, percent=self._percent, message=self._message, eta_s=eta_s))

    def _eta_s(self) -> float | None:
        share = self._percent / 100
        if self._working_since is None:
            return None
        if share < _SURE_AFTER and self._reported - self._working_since < _SURE_AFTER_S:
            return None
        return (self._reported - self._started) * (1 - share) / share
