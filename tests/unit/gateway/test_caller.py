"""Users and roles."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojob_contract.resources.base import LABEL_PATTERN
from videojob_gateway.auth.caller import LOCAL, Caller, Role, user_of


@given(st.text(min_size=1))
def test_every_name_is_a_user_that_a_spec_can_have(name):
    user = user_of(name)
    assert len(user) <= 63
    assert re.fullmatch(LABEL_PATTERN, user)


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_names_are_two_users(one, other):
    assert (user_of(one) == user_of(other)) == (one == other)


@pytest.mark.parametrize(
    ("name", "user"),
    [
        ("ana@example.org", r"ana@example\.org"),
        ("system:serviceaccount:films:portal", r"system-serviceaccount-films-portal-[a-z2-7]{12}"),
        ("auth0|12345", r"auth0-12345-[a-z2-7]{12}"),
        ("名前", r"[a-z2-7]{12}"),
        ("a" * 64, r"a{50}-[a-z2-7]{12}"),
    ],
)
def test_a_name_stays_readable(name, user):
    assert re.fullmatch(user, user_of(name))


def test_each_role_covers_those_before_it():
    assert [[one.covers(other) for other in Role] for one in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_only_admins_see_everyones():
    assert LOCAL.owner is None
    assert Caller("ana", Role.SUBMITTER).owner == Caller("ana", Role.VIEWER).owner == "ana"
