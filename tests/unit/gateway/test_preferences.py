"""What a client would like of an answer."""

import pytest

from videojob_gateway.preferences import LONGEST_WAIT_S, preferred_wait_s


@pytest.mark.parametrize(
    ("given", "wait_s"),
    [
        ([], 0),
        (["wait=3"], 3),
        (["respond-async, wait=3"], 3),
        (["respond-async", 'WAIT = "4"; a=b'], 4),
        (["wait=3, wait=7"], 3),
        (["wait=100000"], LONGEST_WAIT_S),
        (["wait", "wait=", "wait=-1", "wait=1.5", "wait=x", "await=3", "wait=" + "9" * 5000, "wait=٣"], 0),
    ],
)
def test_a_wait_is_read_and_what_is_none_passed_over(given, wait_s):
    assert preferred_wait_s(given) == wait_s
