from hypothesis import given
from hypothesis import strategies as st

from tests.unit.decide.build import NOW, after
from videojob_contract.errors import Reason
from videojob_contract.resources.status import ConditionType
from videojob_operator.decide.conditions import find, shorten, with_condition

KINDS = st.sampled_from(ConditionType)


def put(conditions, kind, *, holds, at=0.0, reason=Reason.STARTED, message=""):
    return with_condition(conditions, kind, holds=holds, reason=reason, message=message, at=after(at), generation=1)


def test_the_transition_time_moves_only_with_the_status():
    first = put([], ConditionType.STARTED, holds=True)
    second = put(first, ConditionType.STARTED, holds=True, at=5, reason=Reason.CLAIMED, message="new")
    third = put(second, ConditionType.STARTED, holds=False, at=9)

    assert (second[0].reason, second[0].message, second[0].last_transition_time) == ("Claimed", "new", NOW)
    assert third[0].last_transition_time == after(9)


@given(st.lists(st.tuples(KINDS, st.booleans()), max_size=20))
def test_there_is_one_of_each_in_their_order(changes):
    conditions = []
    for kind, holds in changes:
        conditions = put(conditions, kind, holds=holds)
        found = find(conditions, kind)
        assert found is not None
        assert found.status == str(holds)
    kinds = [condition.type for condition in conditions]
    assert kinds == [kind for kind in ConditionType if kind in dict(changes)]


def test_saying_the_same_again_changes_nothing():
    first = put([], ConditionType.STARTED, holds=True)

    assert put(first, ConditionType.STARTED, holds=True, at=60) == first


def test_a_message_that_is_too_long_for_the_schema_is_cut():
    assert len(put([], ConditionType.STARTED, holds=True, message="x" * 5000)[0].message) == 2048
    assert shorten("x" * 2048) == "x" * 2048
