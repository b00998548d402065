"""How large a pool may be now: by its windows, and not at all while it drains."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_contract.resources.windows import WindowStatus
from videojob_contract.semantics.schedules import last_due, next_due

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from videojob_contract.resources.renderpool import RenderPoolSpec, RenderPoolStatus
    from videojob_contract.resources.windows import PoolWindow

_LOOKS = 100
"""Beginnings and ends that are looked at for the next change: a window may follow itself without a gap."""


@dataclass(frozen=True, slots=True)
class ActiveWindow:
    """Which window is on, from when to when that is known."""

    windows: tuple[PoolWindow, ...]
    index: int | None
    """None when none is on."""
    since: datetime
    until: datetime | None
    """When it is to be looked at again; None when nothing ever changes."""
    changes: bool
    """Whether another is on then."""

    def holds(self, windows: Sequence[PoolWindow], now: datetime) -> bool:
        """Whether this still is so; clocks may be put back."""
        return self.windows == tuple(windows) and self.since <= now and (self.until is None or now < self.until)


def active_window(windows: Sequence[PoolWindow], now: datetime, known: ActiveWindow | None) -> ActiveWindow:
    """Return which window is on: the first of those that are. `known` is what was found before."""
    if known is not None and known.holds(windows, now):
        return known
    begun, following = [last_due(each, now) for each in windows], [next_due(each, now) for each in windows]
    index, at = _first_on(windows, begun, now), now
    for _ in range(_LOOKS):
        ends = (_end_of(window, begin) for window, begin in zip(windows, begun, strict=True))
        borders = [border for border in (*ends, *following) if border is not None and border > at]
        if not borders:
            return ActiveWindow(tuple(windows), index, now, None, changes=False)
        at = min(borders)
        for each, begins in enumerate(following):
            if begins == at:
                begun[each], following[each] = at, next_due(windows[each], at)
        if _first_on(windows, begun, at) != index:
            return ActiveWindow(tuple(windows), index, now, at, changes=True)
    return ActiveWindow(tuple(windows), index, now, at, changes=False)


def status_of(spec: RenderPoolSpec, active: ActiveWindow) -> WindowStatus | None:
    """Return what a pool says of its windows; nothing where it has none."""
    if not spec.windows:
        return None
    window = None if active.index is None else spec.windows[active.index]
    return WindowStatus(
        schedule=window.schedule if window else None,
        min_idle=spec.min_idle if window is None or window.min_idle is None else window.min_idle,
        max_workers=spec.max_workers if window is None or window.max_workers is None else window.max_workers,
        next_change_at=active.until if active.changes else None,
    )


def in_force(spec: RenderPoolSpec, status: RenderPoolStatus) -> RenderPoolSpec:
    """Return the spec with the size that holds now: one that drains makes no worker, and lets idle ones go at once."""
    if spec.drain:
        return spec.model_copy(update={"min_idle": 0, "max_workers": 0})
    if not spec.windows or status.window is None:
        return spec
    return spec.model_copy(update={"min_idle": status.window.min_idle, "max_workers": status.window.max_workers})


def _first_on(windows: Sequence[PoolWindow], begun: Sequence[datetime | None], at: datetime) -> int | None:
    """Return which is the first that is on, by when each has begun last."""
    ends = (_end_of(window, begin) for window, begin in zip(windows, begun, strict=True))
    return next((index for index, end in enumerate(ends) if end is not None and at < end), None)


def _end_of(window: PoolWindow, begin: datetime | None) -> datetime | None:
    return None if begin is None else begin + timedelta(seconds=float(window.duration))
