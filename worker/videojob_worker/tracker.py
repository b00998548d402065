"""The progress of a whole attempt, from that of its stages.

Each stage has a share of the whole by what it usually costs. What comes out never goes back, whatever goes
in.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from videojob_contract.assignment import Progress
from videojob_contract.resources.status import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from videojob_worker.report import Reporter

_FETCH_SHARE = {False: 2.0, True: 15.0}  # opened where they are; downloaded
_PUBLISH_SHARE = 5.0

log = logging.getLogger("videojob.tracker")


class Tracker:
    """Maps each stage's progress into that of the attempt, and reports it."""

    def __init__(self, reporter: Reporter, *, downloads: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._reporter = reporter
        self._clock = clock
        self._started = clock()
        self._fetch_share = _FETCH_SHARE[downloads]
        self._render_share = 100.0 - self._fetch_share - _PUBLISH_SHARE
        self._percent = 0.0
        self._stage = Stage.INITIALIZING
        self._warning = ""
        self._has_frames = False
        self._took_s: dict[Stage, float] = {}
        self._entered = self._started

    @property
    def took_s(self) -> dict[Stage, float]:
        """Wall seconds that each stage took, the current one until now, in their order."""
        self._enter(self._stage)
        return {stage: round(self._took_s[stage], 3) for stage in sorted(self._took_s, key=_order)}

    def starting(self) -> None:
        """Say that the attempt was taken on."""
        self._report(Stage.INITIALIZING, 0.0, "taking the assignment")

    def fetching(self, done: int, total: int) -> None:
        """Say how many sources are there."""
        self._report(
            Stage.FETCHING,
            self._fetch_share * _share(done, total),
            f"source {done} of {total}" if total else "no sources",
        )

    def rendering(self, progress: Progress) -> None:
        """Pass on what the engine says of its own work."""
        percent = self._fetch_share + self._render_share * progress.percent / 100
        if progress.stage is Stage.RENDERING and progress.percent > 0 and not self._has_frames:
            self._has_frames = True
            log.info("first frame")
        self._report(max(self._stage, progress.stage, key=_order), percent, progress.message, progress.eta_s)

    def publishing(self, done_bytes: int, total_bytes: int) -> None:
        """Say how much is copied to where it goes."""
        percent = 100.0 - _PUBLISH_SHARE * (1 - _share(done_bytes, total_bytes))
        # 100 is for when everything has its name.
        message = f"{done_bytes / 1e6:.1f} of {total_bytes / 1e6:.1f} MB published"
        elapsed_s = self._clock() - self._started
        self._report(Stage.PUBLISHING, min(percent, 99.0), message, elapsed_s * (100.0 - percent) / percent)

    def completed(self, message: str) -> None:
        """Say that all is done."""
        self._report(Stage.COMPLETED, 100.0, message, 0.0)

    def warn(self, warning: str) -> None:
        """Add a warning to every message from now on."""
        self._warning = warning

    def _report(self, stage: Stage, percent: float, message: str, eta_s: float | None = None) -> None:
        self._percent = max(self._percent, min(100.0, percent))
        self._enter(stage)
        text = "; ".join(part for part in (message, self._warning) if part)
        self._reporter.report(
            Progress(
                stage=stage,
                percent=round(self._percent, 2),
                message=text,
                eta_s=None if eta_s is None else round(eta_s, 1),
            )
        )

    def _enter(self, stage: Stage) -> None:
        now = self._clock()
        self._took_s[self._stage] = self._took_s.get(self._stage, 0.0) + now - self._entered
        self._stage, self._entered = stage, now


_ORDER = list(Stage)


def _order(stage: Stage) -> int:
    return _ORDER.index(stage)


def _share(done: int, total: int) -> float:
    return done / total if total else 1.0
