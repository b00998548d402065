"""Limits of what may come to wait, and what a VideoJob is told of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.decide.build import NOW, after, decide, entry, events, pool_spec, queued, status_of
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.limits import PoolLimits
from videojob_contract.resources.status import ConditionType, Phase
from videojob_contract.semantics.schedules import check_time_zone
from videojob_operator.decide.conditions import find
from videojob_operator.decide.limits import (
    AdmissionRequest,
    Granted,
    LimitMet,
    Used,
    counts_days,
    day_of,
    decides_admission,
    met,
)
from videojob_operator.decide.types import Decision, Enqueue
from videojob_operator.decide.waits import UNTIL

CREATED = {"creationTimestamp": "2026-01-01T11:00:00Z"}
FULL = LimitMet("waiting.user", "ann", 3, 3)


def limits(**fields: Any) -> PoolLimits:
    return PoolLimits.model_validate(fields)


def ask(spec: dict[str, Any] | None = None, rules: dict[str, Any] | None = None, **fields: Any) -> Decision:
    pool = pool_spec(limits={"waiting": {"user": 3}} if rules is None else rules)
    return decide({"user": "ann"} | (spec or {}), metadata=CREATED, pool=pool, **fields)


def asked(**fields: Any) -> AdmissionRequest:
    request = ask(**fields).asks
    assert request is not None
    return request


def test_a_job_asks_before_it_is_enqueued_and_says_nothing_yet():
    decision = ask({"priority": 3, "project": "film"})
    assert (decision.status, decision.before, decision.after) == (None, (), ())
    assert decision.asks is not None
    assert (decision.asks.user, decision.asks.project, decision.asks.priority) == ("ann", "film", 3)
    assert decision.asks.since == datetime(2026, 1, 1, 11, tzinfo=UTC)


def test_one_that_is_granted_is_enqueued():
    decision = ask(asked=asked(), verdict=Granted(is_daily=False))
    status = status_of(decision)
    assert (status.phase, status.admitted_at, decision.asks) == ("Queued", None, None)
    assert any(isinstance(action, Enqueue) for action in decision.before)


def test_one_that_a_day_counted_says_when():
    status = status_of(ask(asked=asked(), verdict=Granted(is_daily=True)))
    assert status.admitted_at == NOW


def test_one_that_meets_a_limit_says_which_once_and_asks_on():
    first = ask(asked=asked(), verdict=FULL)
    status = status_of(first)
    assert (status.phase, status.reason) == ("Pending", Reason.LIMIT_REACHED)
    admitted = find(status.conditions, ConditionType.ADMITTED)
    assert admitted is not None
    assert (admitted.status, admitted.message) == (
        "False",
        f'limit waiting.user of user "ann": 3 of 3 used; it waits until {UNTIL[Reason.LIMIT_REACHED]}',
    )
    assert events(first) == [("Normal", "LimitReached")]
    again = ask(status=status, asked=first.asks, verdict=FULL)
    assert (again.status, again.after, again.asks) == (None, (), first.asks)


def test_one_that_is_looked_at_again_is_not_read_again(monkeypatch):
    request = asked()
    monkeypatch.setattr("videojob_operator.decide.admitting.pixel_frames", None)
    assert ask(asked=request, verdict=FULL).asks == request


@pytest.mark.parametrize("spec", [{"suspend": True}, {"queue": "urgent"}, {"startAt": "2027-01-01T00:00:00Z"}])
def test_what_something_else_holds_back_asks_nothing(spec):
    assert ask(spec, asked=asked(), verdict=Granted(is_daily=False)).asks is None


def test_what_was_let_in_does_not_ask_again():
    waits = ask(status=queued(), entry=entry(EntryState.QUEUED))
    assert waits.asks is None
    retried = ask(status=queued(phase=Phase.PENDING, failures=1, attempts=1))
    assert retried.asks is None
    assert status_of(retried).phase == "Queued"


def test_a_place_that_was_given_up_is_asked_for_and_counted_once():
    held = ask(status=queued(phase=Phase.PENDING, attempts=0, admitted_at=after(-60)))
    assert held.asks is not None
    assert held.asks.is_counted


@pytest.mark.parametrize("verdict", [FULL, LimitMet("dailyPerUser", "ann", 2, 2, after(60))])
def test_it_is_refused_where_the_pool_says_so(verdict):
    rules = {"waiting": {"user": 3}, "dailyPerUser": 2, "whenExceeded": "refuse"}
    status = status_of(ask(rules=rules, asked=asked(rules=rules), verdict=verdict))
    assert (status.phase, status.reason) == ("Failed", Reason.LIMIT_EXCEEDED)
    assert 'of user "ann"' in status.message
    admitted = find(status.conditions, ConditionType.ADMITTED)
    assert admitted is not None
    assert admitted.reason is Reason.LIMIT_EXCEEDED


LONG = [{"color": "#203040", "duration": "10s"}]


@pytest.mark.parametrize(
    ("size", "spec", "refused"),
    [
        (1920 * 1080 * 300, {"clips": LONG}, False),
        (1920 * 1080 * 300 - 1, {"clips": LONG}, True),
        (640 * 360 * 250, {"clips": LONG, "canvas": {"width": 640, "height": 360, "fps": "25"}}, False),
        (1, {"clips": LONG, "outputs": [{"name": "sound", "format": "mp3"}]}, False),
        (1, {"clips": LONG, "outputs": [{"name": "still", "format": "jpg"}]}, False),
        (320 * 180 * 300 * 2 - 1, {"clips": LONG, "outputs": [
            {"name": name, "format": "mp4", "width": 320, "height": 180} for name in "ab"]}, True),
        (10**6, {"clips": LONG, "tier": "pro"}, False),
    ],
)  # fmt: skip
def test_the_size_of_a_job_is_pixels_of_every_frame(size, spec, refused):
    rules = {"size": size, "tiers": {"pro": {"size": 10**12}}, "allowTiers": {"pro": ["ann"]}}
    decision = ask(spec, rules)
    if not refused:
        assert decision.asks is not None
        return
    status = status_of(decision)
    assert (status.phase, status.reason) == ("Failed", Reason.LIMIT_EXCEEDED)
    assert f"of {size:,} pixels" in status.message


@pytest.mark.parametrize(
    ("user", "tier", "words"),
    [
        ("ann", "pro", ""),
        ("bob", "pro", 'does not allow tier "pro" to user "bob"'),
        (None, "pro", 'does not allow tier "pro" to a VideoJob without a user'),
        (None, "free", ""),
        ("ann", "hidden", 'does not allow tier "hidden" to user "ann"'),
        ("ann", "gold", 'has no tier "gold"; it has free, hidden, pro'),
        ("*", "pro", "spec.user"),
    ],
)
def test_a_tier_is_for_whom_the_pool_allows(user, tier, words):
    rules = {"tiers": {"pro": {}, "free": {}, "hidden": {}}, "allowTiers": {"pro": ["ann"], "free": ["*"]}}
    decision = ask({"user": user, "tier": tier}, rules)
    if not words:
        assert decision.asks is not None
        return
    status = status_of(decision)
    assert (status.phase, status.reason) == ("Failed", Reason.INVALID_SPEC)
    assert words in status.message


def test_a_tier_in_a_pool_without_any_is_refused_and_not_ignored():
    status = status_of(decide({"tier": "pro"}, pool=pool_spec()))
    assert 'has no tier "pro"; it has none' in status.message


@pytest.mark.parametrize(
    ("rules", "asks", "days"),
    [
        ({}, False, False),
        ({"running": {"user": 1}, "size": 10**12}, False, False),
        ({"waiting": {}}, True, False),
        ({"dailyPerUser": 1}, True, True),
        ({"tiers": {"pro": {"dailyPerUser": 1}}}, True, True),
    ],
)
def test_nobody_asks_where_nothing_is_limited(rules, asks, days):
    assert decides_admission(limits(**rules)) is asks
    assert counts_days(limits(**rules)) is days
    assert (ask(rules=rules).asks is not None) is asks


def test_words_tell_how_much_is_used_and_when_it_passes():
    berlin = limits(timeZone="Europe/Berlin")
    daily = LimitMet("dailyPerUser", "", 5, 5, datetime(2026, 3, 28, 23, tzinfo=UTC))
    assert daily.words("p", berlin) == (
        "limit dailyPerUser of VideoJobs without a user: 5 of 5 used; the next day begins at 2026-03-29T00:00+01:00"
    )
    assert LimitMet("waiting.backlog", "", 3500.4, 3600).words("p", berlin) == (
        'limit waiting.backlog of pool "p": 3500s of 1h used'
    )
    assert LimitMet("waiting.project", "film", 9, 9).words("p", berlin) == (
        'limit waiting.project of project "film": 9 of 9 used'
    )


REQUEST = AdmissionRequest("u", "n", NOW, 0, "ann", "film", "", 10.0, False, (1, ""))


@pytest.mark.parametrize(
    ("rules", "used", "limit"),
    [
        ({"waiting": {"user": 2}}, Used(user=1), None),
        ({"waiting": {"user": 2}}, Used(user=2), "waiting.user"),
        ({"waiting": {"user": 0}}, Used(), "waiting.user"),
        ({"waiting": {"project": 2}}, Used(project=2), "waiting.project"),
        ({"waiting": {"pool": 2}}, Used(pool=2), "waiting.pool"),
        ({"waiting": {"backlog": "20s"}}, Used(pool=1, backlog_s=10), None),
        ({"waiting": {"backlog": "20s"}}, Used(pool=1, backlog_s=11), "waiting.backlog"),
        ({"waiting": {"backlog": "5s"}}, Used(), None),
        ({"dailyPerUser": 2}, Used(today=2), "dailyPerUser"),
        ({"dailyPerUser": 2, "waiting": {"pool": 1}}, Used(pool=1, today=2), "dailyPerUser"),
    ],
)
def test_what_is_met(rules, used, limit):
    found = met(REQUEST, limits(**rules), used, after(0))
    assert (found and found.limit) == limit


ZONES = [
    "Etc/UTC",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Pacific/Apia",
    "Asia/Beirut",
]


@given(
    zone=st.sampled_from(ZONES),
    now=st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_a_day_ends_when_the_next_begins_in_every_zone(zone, now):
    """Also where clocks are put forward at midnight, and where a day is left out, as in Apia in 2011."""
    assert list(check_time_zone(zone, "")) == []
    own = limits(timeZone=zone)
    day, begins = day_of(own, now)
    assert begins > now
    assert day_of(own, begins)[0] > day
    assert day_of(own, begins - timedelta(seconds=1))[0] == day
