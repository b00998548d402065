"""The one merge patch of a status."""

import pytest

from videojob_operator.act.status import difference, tells_progress_alone


def merged(old, patch):
    """Apply an RFC 7386 patch one level deep, as the top-level fields of a status are replaced whole."""
    return {key: value for key, value in (old | patch).items() if value is not None}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"phase": "Pending"}),
        ({"phase": "Pending", "eta": "x"}, {"phase": "Running"}),
        ({"outputs": [{"a": 1}], "progress": 1}, {"outputs": [{"a": 2}], "progress": 1}),
        ({"progress": 1}, {"progress": 1}),
    ],
)
def test_the_patch_leads_from_old_to_new_and_names_only_what_differs(old, new):
    patch = difference(old, new)
    assert merged(old, patch) == new
    assert all(old.get(key) != value for key, value in patch.items())


def test_progress_is_told_from_a_transition():
    assert tells_progress_alone({"progress": 3, "eta": None, "message": "x"})
    assert not tells_progress_alone({"progress": 3, "phase": "Running"})
