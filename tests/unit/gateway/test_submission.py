"""What is asked for, as a VideoJob of its caller."""

import pytest

from videojob_contract.labels import ANNOTATION_SUBMISSION
from videojob_gateway.auth.caller import LOCAL, Caller, Role
from videojob_gateway.errors import (
    BadRequestError,
    InvalidRequestError,
    KeyReusedError,
    NameInUseError,
    NotAllowedError,
)
from videojob_gateway.submission import check_same, read_submission

ANA = Caller("ana", Role.SUBMITTER, "gold")
ADMIN = Caller("root", Role.ADMIN)


def there(submission):
    return {"metadata": {"annotations": dict(submission.annotations)}}


def test_it_is_its_callers_and_of_the_callers_tier():
    assert read_submission({"spec": {"queue": "high"}}, ANA, None).spec == {
        "queue": "high",
        "user": "ana",
        "tier": "gold",
    }
    assert read_submission({"spec": {"user": "ana", "tier": None}}, ANA, None).spec["tier"] == "gold"
    assert read_submission({"spec": {}}, LOCAL, None).spec == {}


@pytest.mark.parametrize("spec", [{"user": "ben"}, {"tier": "silver"}, {"user": ["ana"]}, {"user": ""}, {"tier": {}}])
def test_nobody_but_an_admin_says_another_user_or_tier(spec):
    with pytest.raises(NotAllowedError):
        read_submission({"spec": spec}, ANA, None)
    assert read_submission({"spec": spec}, ADMIN, None).spec.items() >= spec.items()


def test_a_caller_without_a_tier_has_none():
    with pytest.raises(NotAllowedError):
        read_submission({"spec": {"tier": "gold"}}, Caller("ana", Role.SUBMITTER), None)


def test_a_key_gives_a_name_that_is_its_callers():
    one = read_submission({"spec": {}}, ANA, "order-17")
    assert one.name == read_submission({"spec": {}}, ANA, '"order-17"').name
    assert one.name.startswith("job-")
    assert len(one.name) <= 63
    assert one.name != read_submission({"spec": {}}, ANA, "order-18").name
    assert one.name != read_submission({"spec": {}}, Caller("ben", Role.SUBMITTER), "order-17").name
    assert read_submission({"spec": {}}, ANA, None).name == "job-"


def test_the_same_is_told_from_another_of_its_name():
    one = read_submission({"name": "a", "spec": {"queue": "a"}}, ANA, "1")
    check_same(one, there(read_submission({"spec": {"queue": "a"}, "name": "a"}, ANA, "1")))
    for body, key, error in (
        ({"name": "a", "spec": {"queue": "b"}}, "1", KeyReusedError),
        ({"name": "a", "spec": {"queue": "a"}}, "2", NameInUseError),
        ({"name": "a", "spec": {"queue": "a"}}, None, NameInUseError),
    ):
        with pytest.raises(error):
            check_same(one, there(read_submission(body, ANA, key)))
        with pytest.raises(error):
            check_same(read_submission(body, ANA, key), there(one))
    without = read_submission({"name": "a", "spec": {}}, ANA, None)
    assert ANNOTATION_SUBMISSION not in without.annotations
    with pytest.raises(NameInUseError):
        check_same(without, {"metadata": {}})


@pytest.mark.parametrize("key", ["", '""', "a b", "é", "x" * 256, "a\nb"])
def test_a_key_that_is_none_is_refused(key):
    with pytest.raises(BadRequestError):
        read_submission({"spec": {}}, ANA, key)


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({}, ["spec"]),
        ({"spec": []}, ["spec"]),
        ({"spec": {}, "nmae": "a"}, ["nmae"]),
        ({"spec": {}, "name": "A"}, ["name"]),
        ({"spec": {}, "name": "a-"}, ["name"]),
        ({"spec": {}, "name": "a" * 64}, ["name"]),
        ({"spec": {}, "name": 1}, ["name"]),
        ({"spec": {}, "labels": []}, []),
        ({"spec": {}, "labels": [1]}, ["labels"]),
        ({"spec": {}, "labels": {"a": 1, "-": "b", "c": "é", "d": "ok"}}, ["labels.a", "labels.-", "labels.c"]),
        ({"spec": {}, "labels": {"videojob.dev/pool": "a", "x.videojob.dev/pool": "a"}}, 2),
        ({"spec": {}, "labels": {str(number): "" for number in range(33)}}, ["labels"]),
    ],
)
def test_everything_that_is_wrong_beside_the_spec_is_named(document, paths):
    if not paths:
        read_submission(document, ANA, None)
        return
    with pytest.raises(InvalidRequestError) as caught:
        read_submission(document, ANA, None)
    found = [problem.path for problem in caught.value.problems]
    assert len(found) == paths if isinstance(paths, int) else found == paths
