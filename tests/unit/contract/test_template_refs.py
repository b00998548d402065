"""VideoTemplates: what they declare is what VideoJobs may give, and nothing that is given becomes more than a value."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojob_contract.problems import SpecError
from videojob_contract.resources.status import MAX_TEMPLATE, FixedTemplate
from videojob_contract.resources.videojob import VideoJob
from videojob_contract.template_refs import MOST_BYTES, content_of, expand, fix
from videojob_contract.validation import parse_videojob, parse_videoschedule, parse_videotemplate

CLIPS = [{"title": {"text": "for {{ name }}"}, "duration": "{{ seconds }}s"}]


def resource(*parameters: dict[str, Any], timeline: Any = None, **spec: Any) -> dict[str, Any]:
    return {
        "kind": "VideoTemplate",
        "metadata": {"name": "plain", "generation": 1},
        "spec": {"parameters": list(parameters), "timeline": timeline or {"clips": CLIPS}} | spec,
    }


NAME, SECONDS = {"name": "name", "description": "for whom"}, {"name": "seconds", "type": "integer", "default": 2}
PLAIN = resource(NAME, SECONDS)


def job(parameters: dict[str, Any] | None = None, template: dict[str, Any] = PLAIN, **spec: Any) -> VideoJob:
    own = {} if parameters is None else {"parameters": parameters}
    asks = {"metadata": {"name": "j"}, "spec": {"templateRef": {"name": "plain"}, **own, **spec}}
    return parse_videojob(asks, template=fix(template))


def refused(*args: Any, **fields: Any) -> list[str]:
    with pytest.raises(SpecError) as raised:
        job(*args, **fields)
    return [str(problem) for problem in raised.value.problems]


def text_of(videojob: VideoJob) -> str:
    title = videojob.spec.clips[0].title
    assert title is not None
    return title.text


def test_a_job_has_the_timeline_with_its_parameters_and_the_defaults():
    made = job({"name": "Ana"})
    assert (text_of(made), made.spec.clips[0].duration) == ("for Ana", 2)
    assert job({"name": "Ana", "seconds": 5}).spec.clips[0].duration == 5


def test_what_it_gives_itself_stands_in_place_of_the_templates():
    timeline = {"clips": CLIPS, "canvas": {"width": 640, "height": 360}, "overlays": []}
    template = resource(NAME, SECONDS, timeline=timeline)
    made = job({"name": "ana"}, template, canvas={"width": 320}, outputs=[{"name": "{{ name }}", "format": "mp4"}])
    assert made.spec.canvas is not None
    assert (made.spec.canvas.width, made.spec.canvas.height) == (320, None)
    assert made.spec.outputs is not None
    assert "clips" in refused({"name": "Ana"}, clips=CLIPS)[0]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, 'spec.parameters.name: is required by VideoTemplate "plain": for whom'),
        (None, 'spec.parameters.name: is required by VideoTemplate "plain": for whom'),
        ({"name": True}, "spec.parameters.name: should be a string, not true: for whom"),
        ({"name": "x", "seconds": "3"}, 'spec.parameters.seconds: should be an integer, not "3"'),
        ({"name": "x", "seconds": 3.5}, "spec.parameters.seconds: should be an integer, not 3.5"),
        ({"name": "x", "seconds": True}, "spec.parameters.seconds: should be an integer, not true"),
        (
            {"name": "x", "second": 3},
            (
                'spec.parameters.second: is no parameter of VideoTemplate "plain", which has name, seconds; '
                "did you mean seconds?"
            ),
        ),
    ],
)
def test_a_parameter_that_is_missing_or_wrong_is_told_by_name_with_its_description(parameters, said):
    assert refused(parameters) == [said]


def test_a_number_is_text_where_text_is_asked_for():
    assert text_of(job({"name": 30})) == "for 30"
    assert text_of(job({"name": 2.5})) == "for 2.5"


@pytest.mark.parametrize(
    ("parameter", "right", "wrong"),
    [
        ({"pattern": "[a-z]+"}, "ana", "Ana 1"),
        ({"pattern": "a|b"}, "b", "ab"),
        ({"enum": ["Ana", "Bo"]}, "Bo", "Cy"),
        ({"type": "number", "enum": [1, 2.5]}, 2.5, 2),
        ({"type": "integer"}, 4.0, 4.5),
        ({"type": "boolean"}, False, "false"),
        ({"type": "number"}, -1.5, "1.5"),
        ({"type": "string", "enum": [1, 2]}, "1", "3"),
    ],
)
def test_types_patterns_and_choices(parameter, right, wrong):
    template = resource({"name": "name", **parameter}, SECONDS)
    parse_videotemplate(template)
    assert job({"name": right}, template)
    assert refused({"name": wrong}, template)[0].startswith("spec.parameters.name: should ")


@given(st.text(max_size=200).filter(lambda text: "\x00" not in text))
def test_no_value_becomes_more_than_text(value):
    made = job({"name": value})
    assert text_of(made) == f"for {value}"
    assert made.model_copy(update={"metadata": {}}).spec.model_dump(exclude={"clips", "parameters"}) == job(
        {"name": "x"}
    ).spec.model_dump(exclude={"clips", "parameters"})


@pytest.mark.parametrize(
    "value", ['x", duration: 9h', "{{ seconds }}", "}}{{ job.name }}", "[1]", "*anchor", "a: {b: c}"]
)
def test_what_looks_like_yaml_or_a_template_is_text(value):
    assert text_of(job({"name": value})) == f"for {value}"


def test_a_hostile_pattern_takes_linear_time():
    template = resource({"name": "name", "pattern": "(a*)*(a*)*(a*)*(a*)*b"}, SECONDS)
    started = time.process_time()
    assert refused({"name": "a" * 4000}, template)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (resource({"name": "name", "pattern": "("}, SECONDS), "spec.parameters[0].pattern: cannot be read: missing"),
        (resource({"name": "name", "default": 3, "type": "boolean"}, SECONDS), "spec.parameters[0].default: should be"),
        (
            resource({"name": "name", "enum": ["a"], "default": "b"}, SECONDS),
            "spec.parameters[0].default: should be one",
        ),
        (
            resource({"name": "name", "enum": ["a", "B"], "pattern": "[a-z]"}, SECONDS),
            "spec.parameters[0].enum[1]: should",
        ),
        (resource(NAME, NAME, SECONDS), 'spec.parameters[1].name: there is another "name"'),
        (resource(NAME), 'spec.timeline.clips[0].duration: needs the parameter "seconds"'),
        (
            resource({"name": "name", "default": "x"}, {"name": "seconds", "default": "no"}),
            "spec.timeline.clips[0].duration",
        ),
        (resource(NAME, SECONDS, timeline={"clips": CLIPS, "pool": "x"}), "spec.timeline.pool: is no field"),
        (resource(NAME, SECONDS, timeline={"overlays": []}), "spec.timeline.clips: "),
        (resource({"name": "1st"}, SECONDS), "spec.parameters[0].name: "),
    ],
)
def test_a_template_that_is_wrong_by_itself_is_told_so(template, said):
    if "overlays" in template["spec"]["timeline"]:
        template["spec"]["parameters"] = [{**each, "default": 1} for each in template["spec"]["parameters"]]
    with pytest.raises(SpecError) as raised:
        parse_videotemplate(template)
    assert any(str(problem).startswith(said) for problem in raised.value.problems), raised.value.message


def test_what_is_fixed_is_bounded_both_ways():
    clips = [{"title": {"text": json.dumps([index, index * 7919 % 1013])}, "duration": "1s"} for index in range(200)]
    assert len(fix(resource(timeline={"clips": clips})).content) < 8000
    noise = [{"title": {"text": hex(hash((index, "x")) % 2**64) * 8}, "duration": "1s"} for index in range(8000)]
    with pytest.raises(SpecError, match=f"may have {MAX_TEMPLATE // 1024}"):
        fix(resource(timeline={"clips": noise}))
    bomb = fix(resource(timeline={"clips": [{"title": {"text": "a" * 4 * MOST_BYTES}}]}))
    assert content_of(bomb) == {}
    assert content_of(FixedTemplate(name="x", content="no such thing")) == {}


def test_the_status_is_before_what_the_template_is_now():
    old, new = fix(PLAIN), fix(resource(NAME, SECONDS, timeline={"clips": [{"color": "#000000", "duration": "1s"}]}))
    asks = {"metadata": {"name": "j"}, "spec": {"templateRef": {"name": "plain"}, "parameters": {"name": "Ana"}}}
    status = {"phase": "Queued", "template": old.to_dict()}
    assert text_of(parse_videojob(asks | {"status": status}, template=new)) == "for Ana"
    with pytest.raises(SpecError, match='there is no VideoTemplate "plain"'):
        parse_videojob(asks)


def test_a_schedule_may_have_a_template_and_gives_the_time():
    template = resource(
        SECONDS,
        {"name": "name", "default": "all"},
        timeline={"clips": [*CLIPS, {"title": {"text": "{{ scheduledDate }}"}, "duration": "1s"}]},
    )
    parse_videotemplate(template)
    spec = {
        "schedule": "@daily",
        "template": {"spec": {"templateRef": {"name": "plain"}, "parameters": {"seconds": 3}}},
    }
    parse_videoschedule({"kind": "VideoSchedule", "metadata": {"name": "news"}, "spec": spec})
    made = job({"scheduledDate": "2026-01-01", "scheduledTime": "x"}, template)
    assert made.spec.clips[1].title is not None
    assert made.spec.clips[1].title.text == "2026-01-01"


def test_expanding_changes_nothing_that_it_is_given():
    asks = {"metadata": {"name": "j"}, "spec": {"templateRef": {"name": "plain"}, "parameters": {"name": "Ana"}}}
    before = json.dumps([asks, PLAIN])
    expand(asks, "plain", PLAIN["spec"], {"seconds": 4})
    assert json.dumps([asks, PLAIN]) == before
