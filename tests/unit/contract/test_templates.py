"""Templates: typed, found anywhere in the timeline, put in place once, and bounded whatever a spec says."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.contract.examples import CLIP, POOL, problems, videojob
from videojob_contract.defaults import resolve
from videojob_contract.templates import MAX_TEXT, MAX_TOTAL, as_text, substitute
from videojob_contract.validation import parse_videojob

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)
VALUES = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40)


def put(text: str, **parameters: Any) -> object:
    """What a title's text becomes, before any model sees it."""
    resource = videojob({"title": {"text": text}, "duration": "1s"}, parameters=parameters)
    return substitute(resource).resource["spec"]["clips"][0]["title"]["text"]


def refusal(text: str, **parameters: Any) -> str:
    resource = videojob({"title": {"text": text}, "duration": "1s"}, parameters=parameters)
    [problem] = substitute(resource).problems
    assert problem.path == "spec.clips[0].title.text"
    return problem.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ name }}", "Ana"),
        ("{{name}}", "Ana"),
        ("{{ count }}", 3),
        ("{{ share }}", 0.5),
        ("{{ loud }}", True),
        ("Hi {{ name }}, {{ count }} of {{ whole }}: {{ share }}, {{ loud }}", "Hi Ana, 3 of 2: 0.5, true"),
        ("{{ count }}{{ count }}", "33"),
        (" {{ count }}", " 3"),
        ('{{ missing | default("x \\" y") }}', 'x " y'),
        ("{{ missing|default(3) }}", 3),
        ("{{ missing | default( -0.5 ) }}", -0.5),
        ("{{ missing | default(false) }}", False),
        ("{{ count | default(9) }}", 3),
        ("{{ job.name }} in {{ job.namespace }}", "job in default"),
        ('{{ "{{" }} is {{ "}}" }}', "{{ is }}"),
        ("one { and two } }}", "one { and two } }}"),
    ],
)
def test_a_template_becomes_its_value(text: str, expected: object) -> None:
    found = put(text, name="Ana", count=3, share=0.5, loud=True, whole=2.0)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Hi {{ nam }}",
         'needs the parameter "nam", which spec.parameters has not; it has count, name; did you mean name?'),
        ("{{ zzz }}", 'needs the parameter "zzz", which spec.parameters has not; it has count, name'),
        ("{{ job.nam }}", "{{ job.nam }} is not known; there are job.name and job.namespace"),
        ("{{ name | upper }}", "{{ name | upper }} is not a template: write"),
        ("{{ name.x.y }}", "{{ name.x.y }} is not a template: write"),
        ("{{ }}", "{{ }} is not a template: write"),
        ("a {{ b", "{{ b is not a template: write"),
        ("{{{{ name }}}}", "{{{{ name }} is not a template: write"),
        ('{{ name | default("\\q") }}', '"\\q" is no text as JSON has it'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_what_there_is(text: str, message: str) -> None:
    assert refusal(text, name="Ana", count=3).startswith(message)


def test_without_parameters_that_is_said() -> None:
    assert refusal("{{ name }}") == 'needs the parameter "name", which spec.parameters has not; it has none'


def test_they_stand_anywhere_in_the_timeline() -> None:
    job = parse_videojob(
        videojob(
            {"image": {"uri": "volume://media/{{ folder }}/a.jpg"}, "duration": "{{ seconds }}s", "fit": "{{ fit }}"},
            {
                "video": {"uri": "volume://media/b.mp4", "speed": "{{ speed }}", "loop": "{{ yes }}"},
                "duration": "2s",
                "effects": [{"name": "{{ effect }}", "args": {"gamma": "{{ speed }}"}}],
            },
            canvas={"width": "{{ width }}", "fps": "{{ fps }}", "background": "{{ color }}"},
            overlays=[{"title": {"text": "{{ job.name }}"}, "opacity": "{{ share }}"}],
            audio={"tracks": [{"uri": "volume://media/{{ folder }}/a.mp3", "loop": "{{ yes }}"}]},
            outputs=[{"name": "main", "format": "{{ format }}", "metadata": {"title": "{{ folder }} {{ width }}"}}],
            parameters={
                "folder": "summer", "seconds": 2, "fit": "contain", "speed": 2, "yes": True, "width": 640,
                "effect": "GammaCorrection", "fps": "25", "color": "#102030", "share": 0.25, "format": "mp4",
            },
        )
    )  # fmt: skip
    spec = job.spec.to_dict()
    assert spec["clips"][0]["image"]["uri"] == "volume://media/summer/a.jpg"
    assert (spec["clips"][0]["duration"], spec["clips"][0]["fit"]) == ("2s", "contain")
    assert spec["clips"][1]["video"]["speed"] == 2
    assert spec["clips"][1]["video"]["loop"] is True
    assert spec["clips"][1]["effects"] == [{"name": "GammaCorrection", "args": {"gamma": 2}}]
    assert spec["canvas"] == {"width": 640, "fps": "25", "background": "#102030"}
    assert (spec["overlays"][0]["title"]["text"], spec["overlays"][0]["opacity"]) == ("job", 0.25)
    assert spec["audio"]["tracks"][0]["uri"] == "volume://media/summer/a.mp3"
    assert spec["outputs"][0]["format"] == "mp4"
    assert spec["outputs"][0]["metadata"] == {"title": "summer 640"}


def test_they_stand_nowhere_else() -> None:
    assert problems(user="{{ name }}", parameters={"name": "ana"})[0].startswith("spec.user: ")


def test_a_field_of_text_takes_a_number_as_text() -> None:
    job = parse_videojob(
        videojob(
            {"title": {"text": "{{ year }}"}, "duration": "{{ length }}"},
            canvas={"fps": "{{ rate }}"},
            parameters={"year": 2026, "rate": 30, "length": "2s"},
        )
    )
    assert job.spec.clips[0].title is not None
    assert job.spec.clips[0].title.text == "2026"
    assert job.spec.canvas is not None
    assert job.spec.canvas.fps == 30


def test_what_is_wrong_either_way_is_told_of_the_value_that_was_given() -> None:
    duration = 'a duration is a string with a unit, such as "3s", "500ms" or "1m30s", or \'auto\''
    assert problems(
        {"title": {"text": "{{ year }}"}, "duration": "{{ year }}"},
        canvas={"width": "{{ year }}", "height": "{{ odd }}"},
        parameters={"year": 2026, "odd": 101},
    ) == ["spec.canvas.height: should be a multiple of 2, not 101", f"spec.clips[0].duration: {duration}"]


def test_text_is_never_taken_for_a_number() -> None:
    [problem] = problems(canvas={"width": "{{ width }}"}, parameters={"width": "640"})
    assert problem == 'spec.canvas.width: should be a valid integer, not "640"'


def test_a_rule_of_a_whole_clip_is_told_though_a_number_became_text() -> None:
    clip = {**CLIP, "title": {"text": "{{ year }}"}}
    [problem] = problems(clip, parameters={"year": 2026})
    assert problem.startswith("spec.clips[0]: a clip has exactly one of")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("a b", "x", "is not a parameter's name: use letters, digits, _ and -, and no digit or - at the start"),
        ("1st", "x", "is not a parameter's name: use letters, digits, _ and -, and no digit or - at the start"),
        ("a", None, "is no value for a parameter: give text, a number, true or false"),
        ("a", ["x"], "is no value for a parameter: give text, a number, true or false"),
        ("a", {"b": "x"}, "is no value for a parameter: give text, a number, true or false"),
        ("a", float("nan"), "is no value for a parameter: give text, a number, true or false"),
        ("a", "x" * 4097, "takes at most 4096 characters, and has 4097"),
    ],
)
def test_a_bad_parameter_is_told_whether_or_not_it_is_used(name: str, value: object, message: str) -> None:
    assert problems(parameters={name: value}) == [f"spec.parameters.{name}: {message}"]


def test_parameters_that_are_no_map_are_left_to_the_models() -> None:
    assert problems(parameters=["x"])[0].startswith("spec.parameters: ")


def test_one_set_of_parameters_serves_many_manifests() -> None:
    assert problems(parameters={"unused": 1, "other": 2}) == []


def test_a_parameter_that_seems_misspelt_is_told() -> None:
    clip = {"title": {"text": '{{ subtitle | default("") }}x'}, "duration": "1s"}
    assert problems(clip, parameters={"subtitel": "Hi", "other": 1}) == [
        "spec.parameters.subtitel: no template uses it; did you mean subtitle?"
    ]
    assert problems(clip, parameters={"subtitle": "Hi", "subtitel": "Hi"}) == []


def test_overrides_go_before_the_parameters_of_the_resource() -> None:
    resource = videojob({"title": {"text": "{{ a }}{{ b }}{{ c }}"}, "duration": "1s"}, parameters={"a": 1, "b": 1})
    job = parse_videojob(resource, {"b": 2, "c": "3"})
    assert job.spec.clips[0].title is not None
    assert job.spec.clips[0].title.text == "123"
    assert job.spec.parameters == {"a": 1, "b": 2, "c": "3"}


def test_the_resource_keeps_its_templates_and_the_resolved_spec_has_none() -> None:
    resource = videojob({"title": {"text": "{{ name }}"}, "duration": "1s"}, parameters={"name": "{{ name }}"})
    before = json.dumps(resource)
    resolved = resolve(parse_videojob(resource).spec, POOL, namespace="n", name="job")
    assert json.dumps(resource) == before
    assert resolved.parameters is None
    assert resolved.clips[0].title is not None
    assert resolved.clips[0].title.text == "{{ name }}"  # a value is not searched again


def test_one_text_is_bounded() -> None:
    assert len(str(put("{{ a }}" * 4, a="x" * (MAX_TEXT // 4)))) == MAX_TEXT
    assert refusal("{{ a }}" * 5, a="x" * (MAX_TEXT // 4)) == (
        f"has {MAX_TEXT // 4 * 5} characters once its templates are put in place; {MAX_TEXT} are the most"
    )


def test_all_texts_together_are_bounded() -> None:
    clip = {"title": {"text": "{{ a }}"}, "duration": "1s"}
    [problem] = problems(*[clip] * 300, parameters={"a": "x" * MAX_TEXT})
    over = MAX_TOTAL // MAX_TEXT
    assert problem == (
        f"spec.clips[{over}].title.text: is too much: the templates of this VideoJob make more than 1 MiB of text "
        "together"
    )


def test_what_is_longer_than_any_field_is_left_to_the_models() -> None:
    [problem] = problems({"title": {"text": "{{ a }}" * 1000}, "duration": "1s"})
    assert problem == "spec.clips[0].title.text: takes at most 4096 characters, and has 7000"


def test_what_is_nested_too_deeply_is_left_to_the_models() -> None:
    deep: Any = "{{ missing }}"
    for _ in range(30):
        deep = [deep]
    assert problems(canvas=deep)[0].startswith("spec.canvas: should be an object")


@given(name=NAMES, value=VALUES)
def test_a_whole_template_is_its_value(name: str, value: Any) -> None:
    found = put(f"{{{{ {name} }}}}", **{name: value})
    assert (found, type(found)) == (value, type(value))


@given(before=st.text(max_size=20), value=VALUES, after=st.text(max_size=20))
def test_text_around_it_stays(before: str, value: Any, after: str) -> None:
    quoted = [json.dumps(text) for text in (before, after)]
    found = put(f"-{{{{ {quoted[0]} }}}}{{{{ a }}}}{{{{ {quoted[1]} }}}}", a=value)
    assert found == f"-{before}{as_text(value)}{after}"


@given(text=st.text(alphabet='{} "\\|().abdefault1-', max_size=60), value=VALUES)
def test_any_text_is_read_or_refused_with_its_path(text: str, value: Any) -> None:
    found = problems({"title": {"text": text}, "duration": "1s"}, parameters={"a": value})
    assert [problem.partition(":")[0] for problem in found] in ([], ["spec.clips[0].title.text"])
    assert found == [] or "{{" in text


@given(value=st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_as_text_is_the_same_number(value: float) -> None:
    assert float(as_text(value)) == float(value)
