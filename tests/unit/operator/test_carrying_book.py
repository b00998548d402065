from datetime import UTC, datetime, timedelta

from videojob_contract.queue.types import PoolKey
from videojob_operator.carrying_book import ASIDE, TURN, CarryingBook

POOL, OTHER = PoolKey("ns", "default"), PoolKey("ns", "other")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER, TEMPLATE = NOW + timedelta(seconds=1), {"spec": {}}


def book() -> CarryingBook:
    given = CarryingBook()
    given.give(POOL, ("a", "b"), TEMPLATE, NOW)
    return given


def test_a_turn_is_of_one_pool_and_ends_when_it_is_taken():
    turns = book()
    assert turns.template_for(POOL, "a", LATER) is TEMPLATE
    assert turns.template_for(POOL, "c", LATER) is turns.template_for(OTHER, "a", LATER) is None
    turns.end(POOL, "a")
    turns.end(OTHER, "b")
    assert (turns.turns_of(POOL, LATER), turns.aside_of(POOL, LATER)) == ({"b"}, set())
    assert turns.turns_of(OTHER, LATER) == set()


def test_who_does_not_begin_in_time_is_passed_over_for_a_while():
    turns = book()
    assert turns.template_for(POOL, "a", NOW + TURN) is None
    assert (turns.turns_of(POOL, NOW + TURN), turns.aside_of(POOL, NOW + TURN)) == (set(), {"a", "b"})
    assert turns.aside_of(POOL, NOW + ASIDE) == set()


def test_when_the_queues_are_back_no_turn_is_left():
    turns = book()
    turns.forget(POOL)
    assert turns.template_for(POOL, "a", NOW) is None
    assert turns.turns_of(POOL, NOW) == set()
