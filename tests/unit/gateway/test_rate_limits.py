"""Rates of users: what a window has left and when there is more, and what a replica counts by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojob_common.errors import ConfigError
from videojob_gateway import rate_limits
from videojob_gateway.config import Settings
from videojob_gateway.errors import InvalidRequestError, TooManyRequestsError
from videojob_gateway.rate_limits import CountedWindow, RateLimits
from videojob_gateway.tier_rates import Counted, Rates, TierRates

LENGTH_S = 60.0
TIERS = {
    "*": TierRates(submissions=Rates(per_day=5)),
    "gold": TierRates(submissions=Rates(per_day=50)),
    "free": TierRates(submissions=Rates(per_hour=1), requests=Rates(per_day=2)),
}


def later(window: CountedWindow, seconds: float) -> CountedWindow:
    """What a window is after some time without requests."""
    if window.now and seconds >= window.moves_s:
        return later(CountedWindow(LENGTH_S, window.now, LENGTH_S, 0, 0.0), seconds - window.moves_s)
    left_s = window.before_s - seconds
    moves_s = max(0.0, window.moves_s - seconds)
    return CountedWindow(LENGTH_S, window.before if left_s > 0 else 0, max(0.0, left_s), window.now, moves_s)


@st.composite
def windows(draw: st.DrawFn) -> CountedWindow:
    into_s = draw(st.floats(0, LENGTH_S - 0.001))
    before = draw(st.integers(0, 200))
    return CountedWindow(
        LENGTH_S, before, (LENGTH_S - into_s) if before else 0.0, draw(st.integers(0, 200)), LENGTH_S - into_s
    )


@given(windows(), st.integers(1, 200), st.data())
def test_after_the_wait_there_is_as_much_as_was_asked_for(
    window: CountedWindow, quota: int, data: st.DataObject
) -> None:
    cost = data.draw(st.integers(1, quota))
    wait_s = window.wait_s(quota, cost)
    assert 0 <= wait_s <= 2 * LENGTH_S + 1
    assert (wait_s == 0) is (window.left(quota) >= cost)
    assert later(window, wait_s).left(quota) >= cost


def test_the_wait_is_no_longer_than_it_has_to_be() -> None:
    assert CountedWindow(LENGTH_S, 0, 0.0, 10, 20.5).wait_s(10, 1) == 21  # what is before counts a little less at once
    assert CountedWindow(LENGTH_S, 0, 0.0, 10, 20.5).wait_s(10, 3) == 20 + 12 + 1
    assert CountedWindow(LENGTH_S, 10, 30.0, 5, 30.0).wait_s(10, 3) == 12 + 1


async def accepted(rates: RateLimits, user: str, tier: str | None, tries: int) -> int:
    done = 0
    for _ in range(tries):
        try:
            await rates.count(Counted.SUBMISSIONS, user, tier)
            done += 1
        except TooManyRequestsError:
            continue
    return done


async def test_each_user_has_what_its_tier_has() -> None:
    rates = RateLimits(TIERS)
    # Where a day ends meanwhile, a little more.
    assert 5 <= await accepted(rates, "ana", None, 30) < 10
    assert 5 <= await accepted(rates, "ben", "silver", 30) < 10
    assert await accepted(rates, "eve", "gold", 30) == 30
    assert 1 <= await accepted(rates, "kim", "free", 30) <= 2
    assert await accepted(rates, "", None, 30) == 30
    assert await accepted(RateLimits({}), "ana", None, 30) == 30
    assert await accepted(RateLimits({"gold": TIERS["gold"]}), "ana", None, 30) == 30


async def test_what_is_refused_says_which_limit_and_when() -> None:
    rates = RateLimits(TIERS)
    await accepted(rates, "kim", "free", 5)
    with pytest.raises(TooManyRequestsError, match=r"you may have 1 VideoJobs rendered in an hour; ask") as refused:
        await rates.count(Counted.SUBMISSIONS, "kim", "free")
    again_s = refused.value.limit["retryAfterSeconds"]
    assert 1 <= again_s <= 2 * 3600
    assert refused.value.headers["Retry-After"] == str(again_s)
    assert refused.value.headers["RateLimit-Policy"] == '"submissions-hour";q=1;w=3600'


async def test_more_than_a_whole_quota_is_wrong_and_not_only_early() -> None:
    with pytest.raises(InvalidRequestError, match="are 6, and you may have 5 VideoJobs rendered in a day"):
        await RateLimits(TIERS).count(Counted.SUBMISSIONS, "ana", None, 6)


async def test_what_a_replica_counts_by_itself_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "MOST_COUNTED", 20)
    rates = RateLimits(TIERS)
    for number in range(50):
        await rates.count(Counted.SUBMISSIONS, f"user-{number}", None)
        assert len(rates._own.storage) <= 20


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ('{"*": {"submissions": {"perMinute": 0}}}', r"VIDEOJOB_RATE_LIMITS: \*\.submissions\.perMinute: Input should"),
        ('{"*": {"submissions": {"perSecond": 1}}}', r"VIDEOJOB_RATE_LIMITS: \*\.submissions\.perSecond: Extra"),
        ("{", "VIDEOJOB_RATE_LIMITS: "),
        ("[]", "VIDEOJOB_RATE_LIMITS: "),
        ('{"Gold!": {}}', "VIDEOJOB_RATE_LIMITS: 'Gold!' cannot be the name of a tier"),
    ],
)
def test_rates_that_are_none_are_refused(said: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        Settings.from_env({"VIDEOJOB_RATE_LIMITS": said})


def test_tiers_follow_from_groups_in_their_order() -> None:
    given = {"VIDEOJOB_GROUP_TIERS": "films=gold, system:serviceaccounts=free"}
    settings = Settings.from_env(given)
    assert settings.tier_of(["system:serviceaccounts", "films"]) == "gold"
    assert settings.tier_of(["system:serviceaccounts"]) == "free"
    assert settings.tier_of(["others"]) is None
    for wrong in ("films", "films=", "films=Gold!"):
        with pytest.raises(ConfigError, match="VIDEOJOB_GROUP_TIERS"):
            Settings.from_env({"VIDEOJOB_GROUP_TIERS": wrong})


def test_proxies_are_addresses_or_networks() -> None:
    assert Settings.from_env({"VIDEOJOB_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}).trusted_proxies == ("10.0.0.0/8", "::1")
    for wrong in ("*", "10.0.0.1/8", "proxy.example.org"):
        with pytest.raises(ConfigError, match="VIDEOJOB_TRUSTED_PROXIES"):
            Settings.from_env({"VIDEOJOB_TRUSTED_PROXIES": wrong})
