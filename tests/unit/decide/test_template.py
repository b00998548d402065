"""A VideoJob that is made from a VideoTemplate: by what that has when it is accepted, for good."""

from typing import Any

from tests.unit.decide.build import NOW, observe, pool_spec, raw, status_of
from videojob_contract.errors import Reason
from videojob_contract.resources.status import ConditionType, FixedTemplate, Phase
from videojob_contract.template_refs import fix
from videojob_operator.decide.conditions import find
from videojob_operator.decide.specs import accept_videojob, pack_spec, whole
from videojob_operator.decide.types import Enqueue, Observation
from videojob_operator.decide.videojob import decide_videojob

SPEC: dict[str, Any] = {"templateRef": {"name": "plain"}, "parameters": {"length": "2s"}}


def template(color: str = "#203040", **parameter: Any) -> FixedTemplate:
    clips = [{"color": color, "duration": "{{ length }}"}]
    spec = {"parameters": [{"name": "length"} | parameter], "timeline": {"clips": clips}}
    return fix({"metadata": {"name": "plain", "generation": 3}, "spec": spec})


def observe_from(current: FixedTemplate | None, status: Any = None, **spec: Any) -> Observation:
    """Return an observation of a job that is made from a template, which has that now."""
    given = raw(status=status) | {"spec": SPEC | spec}
    return Observation(raw=given, accepted=accept_videojob(given, current), now=NOW, pool=pool_spec(), queue_known=True)


def color_of(observation: Observation) -> str:
    [enqueue] = [action for action in decide_videojob(observation).before if isinstance(action, Enqueue)]
    color = enqueue.assignment.spec.clips[0].color
    assert color is not None
    return color


def test_it_is_queued_with_the_timeline_of_the_template_and_its_own_parameters():
    decision = decide_videojob(observe_from(template()))
    [enqueue] = decision.before
    assert isinstance(enqueue, Enqueue)
    assert [(clip.color, clip.duration) for clip in enqueue.assignment.spec.clips] == [("#203040", 2)]
    assert (enqueue.assignment.spec.template_ref, enqueue.assignment.spec.parameters) == (None, None)
    assert status_of(decision).template == template()


def test_a_change_of_the_template_is_for_others():
    accepted = status_of(decide_videojob(observe_from(template())))
    lost = observe_from(template("#ff0000"), accepted)
    assert color_of(lost) == "#203040"
    gone = observe_from(None, accepted)
    assert color_of(gone) == "#203040"


def test_what_is_held_back_is_fixed_as_well():
    held = status_of(decide_videojob(observe_from(template(), suspend=True)))
    assert (held.reason, held.template) == (Reason.SUSPENDED, template())
    assert color_of(observe_from(template("#ff0000"), held)) == "#203040"


def test_a_rerun_is_of_the_same_template():
    accepted = status_of(decide_videojob(observe_from(template())))
    ended = accepted.model_copy(update={"phase": Phase.SUCCEEDED, "finished_at": NOW})
    again = status_of(decide_videojob(observe_from(template("#ff0000"), ended, rerun=1)))
    assert again.template == template()
    assert color_of(observe_from(template("#ff0000"), again, rerun=1)) == "#203040"


def test_a_template_that_is_not_there_is_waited_for_and_nothing_else_is_said():
    waits = status_of(decide_videojob(observe_from(None)))
    assert (waits.phase, waits.reason, waits.template) == (Phase.PENDING, Reason.WAITING_FOR_TEMPLATE, None)
    assert waits.message.startswith('the namespace has no VideoTemplate "plain"; it waits until')
    assert find(waits.conditions, ConditionType.ACCEPTED) is None
    assert color_of(observe_from(template(), waits)) == "#203040"

    cancelled = status_of(decide_videojob(observe_from(None, waits, cancel=True)))
    assert cancelled.phase is Phase.CANCELLED


def test_a_parameter_that_is_missing_is_refused_with_its_name_and_description():
    refused = status_of(decide_videojob(observe_from(template(description="how long"), parameters={})))
    assert (refused.phase, refused.reason) == (Phase.FAILED, Reason.INVALID_SPEC)
    assert refused.message == 'spec.parameters.length: is required by VideoTemplate "plain": how long'


def test_what_is_packed_is_the_same_when_it_is_unpacked_and_needs_no_template_any_more():
    given = raw() | {"spec": SPEC}
    accepted = accept_videojob(given, template())
    packed = pack_spec(accepted, given)
    assert packed.spec is not None
    assert packed.spec.clips is None
    assert whole(packed) == accepted.spec


def test_a_status_that_cannot_be_read_is_as_if_there_were_none():
    given = raw(status={"phase": "Pending", "template": {"name": "plain", "content": 7}}) | {"spec": SPEC}
    assert accept_videojob(given, template("#ff0000")).spec is not None
    given["status"]["template"]["content"] = "no such thing"
    assert accept_videojob(given, template()).refusal is not None


def test_a_job_with_a_timeline_of_its_own_knows_no_template():
    assert observe().accepted.template is None
