"""Who is let into a pool: never more than its limits have room for, in order, and each place to who is next."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.limits import PoolLimits
from videojob_operator.admission_book import SPARE_ITEMS, AdmissionBook, AdmissionPass
from videojob_operator.day_counts import MOST_ASSUMED, DayCounts
from videojob_operator.decide.limits import AdmissionRequest, Granted, LimitMet
from videojob_operator.records import VideoJobRecord, project_videojob

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 2, tzinfo=UTC)
POOL = PoolKey("team", "default")


def limits(**fields: Any) -> PoolLimits:
    return PoolLimits.model_validate(fields)


def request(name: str, user: str = "ann", **fields: Any) -> AdmissionRequest:
    given = {"uid": name, "name": name, "since": NOW, "priority": 0, "project": "", "tier": "", "predicted_s": 10.0}
    return AdmissionRequest(**(given | {"user": user, "is_counted": False, "made_of": (1, "")} | fields))


def seen(each: AdmissionRequest, phase: str = "Queued", *, admitted: bool = False) -> VideoJobRecord:
    status = {"phase": phase, "predicted": {"seconds": each.predicted_s}}
    metadata = {"namespace": "team", "name": each.name, "uid": each.uid, "generation": 1, "resourceVersion": "1"}
    spec = {"user": each.user, "project": each.project}
    return project_videojob(
        {"metadata": metadata, "spec": spec, "status": status | ({"admittedAt": "2026"} if admitted else {})}, None
    )


def names(requests: tuple[AdmissionRequest, ...]) -> list[str]:
    return [each.name for each in requests]


def asked(book: AdmissionBook, *requests: AdmissionRequest) -> AdmissionBook:
    for each in requests:
        book.put(each)
    return book


def decide(book: AdmissionBook, rules: PoolLimits) -> AdmissionPass:
    done = book.decide(rules, MIDNIGHT)
    book.publish(done.granted)
    return done


def test_places_go_by_priority_then_age_then_name() -> None:
    book = asked(
        AdmissionBook(),
        request("c"),
        request("b"),
        request("old", since=NOW - timedelta(1)),
        request("dear", priority=1),
    )
    assert names(decide(book, limits(waiting={"pool": 3})).granted) == ["dear", "old", "b"]
    assert book.verdict("c") == LimitMet("waiting.pool", "", 3, 3)
    assert isinstance(book.verdict("b"), Granted)


def test_who_meets_a_limit_of_their_own_keeps_nobody_waiting() -> None:
    book = asked(AdmissionBook(), *(request(f"a{n}") for n in range(4)), request("b0", "bob", project="film"))
    asked(book, request("b1", "bob", project="film"), request("b2", "bob"))
    done = decide(book, limits(waiting={"user": 2, "project": 1}))
    assert names(done.granted) == ["a0", "a1", "b0", "b2"]
    assert book.verdict("a3") == LimitMet("waiting.user", "ann", 2, 2)
    assert book.verdict("b1") == LimitMet("waiting.project", "film", 1, 1)
    assert +book.held == {"waiting.user": 2, "waiting.project": 1}


def test_a_place_that_is_free_goes_to_the_next_and_concerns_nobody_else() -> None:
    rules = limits(waiting={"user": 2})
    waiting = [request(f"a{n:04}") for n in range(1000)]
    book = asked(AdmissionBook(), *waiting)
    first = decide(book, rules)
    assert (len(first.granted), len(first.told)) == (2, 998)
    for each in first.granted:
        book.see(each.uid, seen(each))
        book.drop(each.uid)
    assert book.see("a0000", seen(waiting[0], "Running"))
    again = decide(book, rules)
    assert (names(again.granted), again.told, again.told_again) == (["a0002"], (), ())


def test_a_grant_that_is_not_seen_yet_is_used_and_given_back_when_nothing_is_asked_any_more() -> None:
    rules = limits(waiting={"pool": 1})
    book = asked(AdmissionBook(), request("a"), request("b"))
    assert names(decide(book, rules).granted) == ["a"]
    assert decide(book, rules).granted == ()
    assert book.drop("a")
    assert names(decide(book, rules).granted) == ["b"]


def test_a_large_one_is_not_passed_over_for_ever() -> None:
    rules = limits(waiting={"backlog": "100s"})
    first, large, small = request("a", predicted_s=60.0), request("b", predicted_s=50.0), request("c", predicted_s=1.0)
    book = asked(AdmissionBook(), first, large, small)
    assert names(decide(book, rules).granted) == ["a"]
    book.see("a", seen(first))
    book.see("a", seen(first, "Running"))
    assert names(decide(book, rules).granted) == ["b", "c"]
    longest = asked(AdmissionBook(), request("film", predicted_s=1e6))
    assert names(decide(longest, rules).granted) == ["film"]  # or it would wait for ever


def test_a_tier_has_limits_of_its_own_and_counts_all_of_the_user() -> None:
    rules = limits(waiting={"user": 1}, tiers={"pro": {"waiting": {"user": 3}}, "free": {}})
    book = asked(AdmissionBook(), request("a"), request("b"), request("c", tier="free"))
    asked(book, *(request(f"d{n}", tier="pro") for n in range(3)))
    assert names(decide(book, rules).granted) == ["a", "d0", "d1"]
    book.see("a", None)
    assert names(decide(book, rules).granted) == ["d2"]  # those of no tier are still over theirs


def test_a_day_counts_what_was_granted_whatever_becomes_of_it() -> None:
    rules = limits(dailyPerUser=2)
    book = AdmissionBook()
    book.begin_day(DayCounts("pool", "2026-01-01"))
    asked(book, request("a"), request("b"), request("c"), request("d", is_counted=True))
    done = decide(book, rules)
    assert (names(done.granted), done.counted) == (["a", "b", "d"], True)
    assert book.verdict("c") == LimitMet("dailyPerUser", "ann", 2, 2, MIDNIGHT)
    for uid in "abd":
        book.see(uid, None)
    assert decide(book, rules).granted == ()
    book.begin_day(DayCounts("pool", "2026-01-02"))
    assert names(decide(book, rules).granted) == ["c"]


def test_what_was_counted_before_a_crash_is_not_counted_again() -> None:
    rules = limits(dailyPerUser=2)
    book = AdmissionBook()
    book.begin_day(DayCounts("pool", "2026-01-01"))
    decide(asked(book, request("a")), rules)
    assert book.day is not None
    after = AdmissionBook()
    after.begin_day(DayCounts.decode(book.day.encode(), "pool", "2026-01-01"))
    done = decide(asked(after, request("a"), request("b"), request("c")), rules)
    assert names(done.granted) == ["a", "b"]
    after.see("a", seen(request("a"), admitted=True))
    assert after.day is not None
    assert after.day.assumed == {"b"}


def test_what_could_not_be_written_is_taken_back() -> None:
    book = AdmissionBook()
    book.begin_day(DayCounts("pool", "2026-01-01"))
    done = asked(book, request("a")).decide(limits(dailyPerUser=1), MIDNIGHT)
    assert book.verdict("a") is None
    book.take_back(done.granted)
    book.begin_day(None)
    book.begin_day(DayCounts("pool", "2026-01-01"))
    assert names(decide(book, limits(dailyPerUser=1)).granted) == ["a"]


def test_no_more_is_granted_of_a_day_than_can_be_remembered() -> None:
    rules = limits(dailyPerUser=10_000)
    book = AdmissionBook()
    book.begin_day(DayCounts("pool", "2026-01-01"))
    asked(book, *(request(f"{n:05}") for n in range(MOST_ASSUMED + 10)))
    assert len(decide(book, rules).granted) == MOST_ASSUMED
    late = request(f"{MOST_ASSUMED:05}")
    assert book.verdict(late.uid) is None
    assert book.see("00000", seen(request("00000"), admitted=True))
    assert names(decide(book, rules).granted) == [late.name]


def test_another_limit_is_told_to_those_that_stay_out() -> None:
    book = asked(AdmissionBook(), request("a"), request("b"), request("c"))
    decide(book, limits(waiting={"pool": 1}))
    more = decide(book, limits(waiting={"pool": 2}))
    assert (names(more.granted), names(more.told_again)) == (["b"], ["c"])
    assert book.verdict("c") == LimitMet("waiting.pool", "", 2, 2)
    assert names(decide(book, limits()).granted) == ["c"]


def test_edits_leave_nothing_behind() -> None:
    book = asked(AdmissionBook(), request("a"), request("b"))
    decide(book, limits(waiting={"user": 1}))
    for priority in range(4 * SPARE_ITEMS):
        book.put(request("b", priority=-(priority % 100)))
        decide(book, limits(waiting={"user": 1}))
    assert book._items <= 2 * SPARE_ITEMS + 2


RULES = st.fixed_dictionaries(
    {},
    optional={
        "waiting": st.fixed_dictionaries(
            {}, optional={"user": st.integers(0, 3), "project": st.integers(0, 3), "pool": st.integers(0, 6)}
        ),
        "dailyPerUser": st.integers(0, 5),
        "tiers": st.just({"pro": {"waiting": {"user": 4}, "dailyPerUser": 7}}),
    },
)


@settings(max_examples=150, deadline=None)
@given(rules=RULES, seed=st.integers(0, 2**32), steps=st.integers(10, 120))
def test_never_more_than_the_limits_and_never_a_place_left_free(  # noqa: PLR0912 - all that may happen
    rules: Any, seed: int, steps: int
) -> None:
    """Over any order of creation, deletion, starts, edits, lost grants and restarts."""
    chance, own = random.Random(seed), limits(**rules)  # noqa: S311 - to be repeated
    daily = own.daily_per_user is not None or bool(own.tiers)
    book, kept = AdmissionBook(), DayCounts("pool", "today").encode()
    there: dict[str, tuple[AdmissionRequest, str]] = {}
    had: Counter[str] = Counter()
    book.begin_day(DayCounts.decode(kept, "pool", "today") if daily else None)
    killed = False
    for step in range(steps):
        ways = ["create", "create", "create", "start", "delete", "edit", "restart", "suspend"]
        match "restart" if killed else chance.choice(ways):
            case "create":
                each = request(
                    f"{step:04}",
                    chance.choice(["ann", "bob", ""]),
                    project=chance.choice(["", "film"]),
                    tier=chance.choice(["", "pro"]) if own.tiers else "",
                    priority=chance.choice([0, 0, 5]),
                )
                there[each.uid] = each, "Pending"
                book.put(each)
            case "edit" if waiting := [each for each, phase in there.values() if phase == "Pending"]:
                each = replace(chance.choice(waiting), priority=chance.randint(-5, 5))
                there[each.uid] = each, "Pending"
                book.put(each)
            case "suspend" if waiting := [each for each, phase in there.values() if phase == "Pending"]:
                each = chance.choice(waiting)
                book.drop(each.uid)
                book.put(each)
            case "start" if queued := [each for each, phase in there.values() if phase == "Queued"]:
                each = chance.choice(queued)
                there[each.uid] = each, "Running"
                book.see(each.uid, seen(each, "Running", admitted=daily))
            case "delete" if there:
                uid = chance.choice(list(there))
                del there[uid]
                book.see(uid, None)
            case "restart":
                book = AdmissionBook()
                book.begin_day(DayCounts.decode(kept, "pool", "today") if daily else None)
                for each, phase in there.values():
                    book.see(each.uid, seen(each, phase, admitted=daily and phase != "Pending"))
                    if phase == "Pending":
                        book.put(each)
        done = book.decide(own, MIDNIGHT)
        if done.counted and book.day is not None:
            kept = book.day.encode()
        killed = chance.random() < 0.1
        if killed:
            continue  # before anything is given out
        book.publish(done.granted)
        for each in list(there.values()):
            one = each[0]
            if isinstance(book.verdict(one.uid), Granted) and each[1] == "Pending":
                there[one.uid] = one, "Queued"
                had[one.user] += 1
                book.see(one.uid, seen(one, admitted=daily))
                book.drop(one.uid)
        check(own, there, had, book)


def check(
    own: PoolLimits, there: dict[str, tuple[AdmissionRequest, str]], had: Counter[str], book: AdmissionBook
) -> None:
    queued = [each for each, phase in there.values() if phase == "Queued"]
    waiting = own.waiting
    most_user = 4 if own.tiers else None
    users, projects = Counter(each.user for each in queued), Counter(each.project for each in queued if each.project)
    for user, count in users.items():
        if waiting and waiting.user is not None:
            assert count <= max(waiting.user, most_user or 0)
        if own.daily_per_user is not None:
            assert had[user] <= max(own.daily_per_user, 7 if own.tiers else 0)
    if waiting and waiting.project is not None:
        assert all(count <= waiting.project for count in projects.values())
    if waiting and waiting.pool is not None:
        assert len(queued) <= waiting.pool
    is_full = waiting is not None and waiting.pool is not None and len(queued) >= waiting.pool
    for each, phase in there.values():
        verdict = book.verdict(each.uid)
        if phase != "Pending" or not isinstance(verdict, LimitMet):
            continue
        used = {
            "waiting.user": users[each.user],
            "waiting.project": projects[each.project],
            "waiting.pool": len(queued),
        }
        if verdict.limit in used and not is_full:
            assert used[verdict.limit] >= verdict.most, f"{each.name} waits for a place that is free"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"pool": "p", "day": "d"}', '{"pool":"p","day":"d","counts":"x"}']
)
def test_what_is_no_count_counts_nothing(text: str) -> None:
    assert DayCounts.decode(text, "p", "d").of("ann") == 0


def test_ten_thousand_users_fit() -> None:
    counts = DayCounts("p", "d")
    for number in range(10_000):
        counts.add(f"user-{number}@example.org", "")
    text = counts.encode()
    assert len(text) < 170_000
    again = DayCounts.decode(text, "p", "d")
    assert all(again.of(f"user-{number}@example.org") == 1 for number in range(10_000))
    assert DayCounts.decode(text, "p", "e").of("user-1@example.org") == 0
    assert DayCounts.decode(text, "another", "d").of("user-1@example.org") == 0
