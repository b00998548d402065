"""What the operator accepts of specs, and what it refuses."""

from typing import Any

import pytest

from tests.unit.decide.build import raw
from videojob_contract.errors import Reason
from videojob_contract.template_refs import fix
from videojob_operator.decide.specs import accept_pool, accept_videojob


def test_the_status_is_no_part_of_what_is_accepted():
    assert accept_videojob(raw(status={"phase": "Nonsense"})).refusal is None
    accepted = accept_pool({"spec": {"minIdle": 2}, "status": {"nonsense": 1}})
    assert accepted.spec is not None
    assert (accepted.spec.min_idle, accepted.refusal) == (2, None)


def test_a_videojob_that_is_not_supported_has_a_spec_for_the_attempt_that_may_run():
    accepted = accept_videojob(raw({"parallelism": 2}))
    assert accepted.refusal is not None
    assert accepted.refusal.reason is Reason.NOT_SUPPORTED
    assert "spec.parallelism" in accepted.refusal.message
    assert accepted.spec is not None


def test_a_videojob_that_cannot_be_read_has_none_and_every_problem_is_named():
    accepted = accept_videojob(raw({"clips": [{"color": "red", "duration": "x"}]}))
    assert accepted.refusal is not None
    assert accepted.refusal.reason is Reason.INVALID_SPEC
    assert "spec.clips[0].color" in accepted.refusal.message
    assert "spec.clips[0].duration" in accepted.refusal.message
    assert accepted.spec is None


@pytest.mark.parametrize(
    ("spec", "reason"),
    [({"maxWorkers": -1}, Reason.INVALID_SPEC), ({"storage": {"outputPrefix": "https://a/b"}}, Reason.NOT_SUPPORTED)],
)
def test_a_pool_that_is_refused_has_no_spec(spec: dict[str, Any], reason: Reason):
    accepted = accept_pool({"spec": spec})
    assert accepted.refusal is not None
    assert accepted.refusal.reason is reason
    assert accepted.spec is None


def test_what_later_definitions_have_in_a_spec_is_left_out_and_named():
    accepted = accept_videojob(
        raw({"shine": "much", "clips": [{"color": "#203040", "duration": "1s", "lens": {"f": 2}}]})
    )
    assert accepted.refusal is None
    assert accepted.spec is not None
    assert "does not know them: spec.clips[0].lens, spec.shine" in accepted.left_out
    pool = accept_pool({"spec": {"minIdle": 2, "queues": [{"name": "a", "weight": 3, "colour": "red"}]}})
    assert pool.spec is not None
    assert [queue.name for queue in pool.spec.queues] == ["a"]
    assert "spec.queues[0].colour" in pool.left_out


def test_what_is_wrong_is_refused_whatever_else_is_of_later_definitions():
    accepted = accept_videojob(raw({"shine": "much", "clips": [{"color": "red", "duration": "1s"}]}))
    assert accepted.refusal is not None
    assert "spec.clips[0].color" in accepted.refusal.message
    assert "shine" not in accepted.refusal.message


def test_a_misspelt_field_of_a_template_is_no_later_definition():
    clips = [{"color": "#203040", "duration": "1s", "colr": 1}]
    template = fix({"metadata": {"name": "intro", "generation": 1}, "spec": {"timeline": {"clips": clips}}})
    given = raw() | {"spec": {"templateRef": {"name": "intro"}}}
    refusal = accept_videojob(given, template).refusal
    assert refusal is not None
    assert "clips[0].colr" in refusal.message
