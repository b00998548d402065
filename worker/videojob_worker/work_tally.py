"""What a render's kinds of work were to take, and what they took."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_contract.resources.work import WorkDone


class WorkTally:
    """Adds up passes over the frames. Kinds are values of `WorkKind`, which is loaded when it is asked for."""

    def __init__(self) -> None:
        self._planned_s: Counter[str] = Counter()
        self._took_s: Counter[str] = Counter()

    def add_pass(self, planned_s: Mapping[str, float], spent_s: Mapping[str, float], wall_s: float) -> None:
        """Count a pass: what each kind was to take, what its threads spent on each, and how long it was in all."""
        share = wall_s / (sum(spent_s.values()) or 1.0)
        self._planned_s.update(planned_s)
        self._took_s.update({kind: spent * share for kind, spent in spent_s.items()})

    def report(self) -> tuple[WorkDone, ...]:
        """Return what was counted."""
        from videojob_contract.resources.work import WorkDone, WorkKind  # noqa: PLC0415 - brings the models along

        return tuple(
            WorkDone(kind=WorkKind(kind), planned_s=planned_s, took_s=self._took_s[kind])
            for kind, planned_s in self._planned_s.items()
        )


class TimeSpent:
    """Seconds that threads spend on each kind of work."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._lock = Lock()

    def add(self, seconds: Mapping[str, float]) -> None:
        """Count what a thread has spent."""
        with self._lock:
            self.seconds.update(seconds)
