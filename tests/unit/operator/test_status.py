"""The one merge patch of a status."""

from hypothesis import given
from hypothesis import strategies as st

from videojob_operator.act.fake.objects import merged
from videojob_operator.act.status import difference, tells_progress_alone

LEAVES = st.integers(0, 2) | st.lists(st.integers(0, 2), max_size=2)
NAMES = st.sampled_from("abc")
STATUSES = st.dictionaries(
    NAMES, st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=6)
)


@given(STATUSES, STATUSES)
def test_the_patch_leads_from_old_to_new_and_names_only_what_differs(old, new):
    patch = difference(old, new)
    assert merged(old, patch) == new
    assert all(old.get(key) != value for key, value in patch.items())


def test_what_an_object_has_no_more_is_taken_out_of_it():
    old = {"window": {"schedule": "* * * * *", "maxWorkers": 3}, "outputs": [{"a": 1}]}
    new = {"window": {"maxWorkers": 1}, "outputs": [{"b": 1}]}
    assert difference(old, new) == {"window": {"schedule": None, "maxWorkers": 1}, "outputs": [{"b": 1}]}


def test_progress_is_told_from_a_transition():
    assert tells_progress_alone({"progress": 3, "eta": None, "message": "x"})
    assert not tells_progress_alone({"progress": 3, "phase": "Running"})
