"""Which window of a pool is on, and what size it has then."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.decide.build import after, decide, entry, observe_pool, pool_spec, queued, status_of
from videojob_contract.errors import Reason
from videojob_contract.problems import SpecError
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.renderpool import RenderPoolStatus
from videojob_contract.resources.windows import PoolWindow
from videojob_contract.semantics.schedules import last_due
from videojob_contract.validation import parse_renderpool
from videojob_operator.decide.pool import decide_pool
from videojob_operator.decide.pool_size import active_window, in_force
from videojob_operator.decide.types import Memory

OFFICE = {"schedule": "0 8 * * 1-5", "timeZone": "Europe/Berlin", "duration": "10h", "minIdle": 3}
NIGHT = {"schedule": "@daily", "timeZone": "Europe/Berlin", "duration": "6h", "maxWorkers": 0}
HOURLY = {"schedule": "0 * * * *", "duration": "1h", "maxWorkers": 7}


def window(**fields: Any) -> PoolWindow:
    return PoolWindow.model_validate(fields)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("windows", "now", "index", "until"),
    [
        ([], utc(2026, 1, 1), None, None),
        ([OFFICE], utc(2026, 3, 27, 6, 59, 59), None, utc(2026, 3, 27, 7)),
        ([OFFICE], utc(2026, 3, 27, 7), 0, utc(2026, 3, 27, 17)),
        # The clocks of Berlin are put forward on 29 March: eight o'clock is an hour earlier then.
        ([OFFICE], utc(2026, 3, 27, 17), None, utc(2026, 3, 30, 6)),
        # 29 March begins at 23:00 and has 23 hours; six hours are six hours.
        ([NIGHT], utc(2026, 3, 29, 4), 0, utc(2026, 3, 29, 5)),
        # 25 October has 25 hours.
        ([NIGHT], utc(2026, 10, 25, 3, 59), 0, utc(2026, 10, 25, 4)),
        ([NIGHT], utc(2026, 10, 25, 5), None, utc(2026, 10, 25, 23)),
        # Of two that are on the first counts, and a change of the other is none.
        ([OFFICE, HOURLY], utc(2026, 3, 27, 8), 0, utc(2026, 3, 27, 17)),
        ([HOURLY, OFFICE], utc(2026, 3, 27, 8, 30), 0, None),
        ([OFFICE, {**OFFICE, "schedule": "0 12 * * *"}], utc(2026, 3, 27, 12), 0, utc(2026, 3, 27, 17)),
        # One that lasts longer than it is until the next is always on.
        ([{**HOURLY, "duration": "90m"}], utc(2026, 3, 27), 0, None),
    ],
)
def test_which_window_is_on_and_when_that_changes(windows, now, index, until):
    found = active_window([window(**each) for each in windows], now, None)
    assert found.index == index
    assert (found.until if found.changes else None) == until


WINDOWS = st.builds(
    window,
    schedule=st.sampled_from(["@hourly", "@daily", "*/7 * * * *", "30 2 * * *", "0 0 1 * *", "15 3 * * 0"]),
    timeZone=st.sampled_from(["Etc/UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    duration=st.sampled_from(["1m", "45m", "3h", "25h", "200h"]),
)


@settings(max_examples=60, deadline=None)
@given(
    windows=st.lists(WINDOWS, min_size=1, max_size=4),
    now=st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    share=st.floats(0, 0.999),
)
def test_what_is_found_holds_until_it_says(windows, now, share):
    """Against the plain question, asked of every window at one moment."""

    def plainly(at: datetime) -> int | None:
        begun = [last_due(each, at) for each in windows]
        on = [
            begin is not None and at < begin + timedelta(seconds=float(each.duration))
            for each, begin in zip(windows, begun, strict=True)
        ]
        return on.index(True) if any(on) else None

    found = active_window(windows, now, None)
    assert found.index == plainly(now)
    assert found.until is not None
    assert found.until > now
    assert plainly(now + share * (found.until - now)) == found.index
    assert (plainly(found.until) != found.index) is found.changes
    assert active_window(windows, now + share * (found.until - now), found) is found


def test_a_pool_says_its_size_and_looks_again_at_the_border():
    spec = {"minIdle": 1, "maxWorkers": 5, "windows": [OFFICE]}
    now = utc(2026, 3, 27, 16, 59, 30)
    first = decide_pool(observe_pool(spec=spec, now=now, snapshot=replace(observe_pool().snapshot, at=now)))
    assert first.status is not None
    assert first.status.window is not None
    assert first.status.window.to_dict() == {
        "schedule": "0 8 * * 1-5", "minIdle": 3, "maxWorkers": 5, "nextChangeAt": "2026-03-27T17:00:00.000Z",
    }  # fmt: skip
    assert len(first.create) == 3
    assert first.requeue_after_s is not None
    assert first.requeue_after_s <= 30
    later = decide_pool(observe_pool(spec=spec, now=utc(2026, 3, 27, 17), status=first.status, memory=first.memory))
    assert later.status is not None
    assert later.status.window is not None
    assert (later.status.window.schedule, later.status.window.min_idle) == (None, 1)


def test_a_change_is_told_though_the_queue_is_away():
    spec = {"windows": [OFFICE]}
    status = decide_pool(observe_pool(spec=spec, now=utc(2026, 3, 27, 8), snapshot=None)).status
    assert status is not None
    assert status.window is not None
    assert status.window.min_idle == 3


def test_without_windows_nothing_is_said():
    status = decide_pool(observe_pool()).status
    assert status is not None
    assert status.window is None
    assert in_force(pool_spec(maxWorkers=3), RenderPoolStatus()) == pool_spec(maxWorkers=3)


def test_what_waits_is_told_of_the_size_that_holds():
    pool = in_force(
        pool_spec(windows=[NIGHT]), RenderPoolStatus.model_validate({"window": {"minIdle": 0, "maxWorkers": 0}})
    )
    told = status_of(
        decide({}, queued(), entry=entry(EntryState.QUEUED), now=after(10), pool=pool, memory=Memory(after(0)))
    )
    assert told.reason is Reason.POOL_AT_MAXIMUM
    assert "maxWorkers is 0" in told.message


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"schedule": "0 0 30 2 *"}, "spec.windows[0].schedule"),
        ({"timeZone": "Europe/Atlantis"}, "spec.windows[0].timeZone: there is no time zone"),
        ({"duration": "0s"}, "spec.windows[0].duration: must be longer than 0s"),
    ],
)
def test_a_window_that_cannot_be_is_refused(fields, words):
    with pytest.raises(SpecError) as refused:
        parse_renderpool({"metadata": {"name": "p"}, "spec": {"windows": [OFFICE | fields]}})
    assert words in refused.value.message
