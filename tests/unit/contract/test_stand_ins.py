"""Everything that is wrong with a resource is told at once, and nothing that is not."""

import copy
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.contract.examples import CLIP, problems, videojob
from videojob_contract.problems import Problem, SpecError
from videojob_contract.validation import parse_videojob

IMAGE = {"image": {"uri": "volume://media/a.jpg"}, "duration": "2s"}
MP4 = {"name": "main", "format": "mp4"}
TRACK = {"uri": "volume://media/a.mp3"}

EVERYTHING = videojob(
    IMAGE,
    {**CLIP, "transition": {"type": "crossfade", "duration": "500ms"}},
    {"video": {"uri": "volume://media/a.mp4", "from": "1s", "to": "4s", "speed": 2}, "duration": "1s"},
    {"title": {"text": "Hi", "size": 40}, "duration": "3s", "effects": [{"name": "Rotate", "args": {"angle": 5}}]},
    canvas={"width": 640, "height": 360, "fps": "25", "background": "#102030"},
    overlays=[{"image": {"uri": "volume://media/logo.png"}, "from": "1s", "opacity": 0.5}],
    audio={"tracks": [{**TRACK, "volume": 0.8, "fadeIn": "1s"}], "loudness": -14},
    outputs=[{**MP4, "crf": 20}, {"name": "poster", "format": "jpg", "at": "1s"}],
    deadline="10m",
    softDeadline="5m",
    retry={"limit": 2, "backoff": {"initial": "5s"}},
    parameters={"a": 1},
)

FAULTS: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "spec.clips[0].image.uri": (("clips", 0, "image", "uri"), "volume://media/../a.jpg"),
    "spec.clips[0].duration": (("clips", 0, "duration"), 3),
    "spec.clips[0].fit": (("clips", 0, "fit"), "fill"),
    "spec.clips[1].color": (("clips", 1, "color"), "red"),
    "spec.clips[1].transition.type": (("clips", 1, "transition", "type"), "wipe"),
    "spec.clips[2].video.to": (("clips", 2, "video", "to"), "1s"),
    "spec.clips[2].video.speed": (("clips", 2, "video", "speed"), "fast"),
    "spec.clips[3].effects[0].args.angl": (("clips", 3, "effects", 0, "args", "angl"), 5),
    "spec.clips[3].title.text": (("clips", 3, "title", "text"), "{{ nobody }}"),
    "spec.canvas.width": (("canvas", "width"), "640"),
    "spec.overlays[0].opacity": (("overlays", 0, "opacity"), "50%"),
    "spec.overlays[0].from": (("overlays", 0, "from"), "1h"),
    "spec.audio.tracks[0].volume": (("audio", "tracks", 0, "volume"), "80%"),
    "spec.outputs[0].crf": (("outputs", 0, "crf"), 99),
    "spec.outputs[1].at": (("outputs", 1, "at"), "1h"),
    "spec.outputs[1].crf": (("outputs", 1, "crf"), 20),
    "spec.softDeadline": (("softDeadline",), "20m"),
    "spec.retry.limit": (("retry", "limit"), 2.5),
    "spec.pol": (("pol",), "default"),
    "spec.parameters.b": (("parameters", "b"), None),
}
"""By the path of the problem: where what is wrong is put."""
NEED_LENGTHS = {"spec.overlays[0].from", "spec.outputs[1].at"}
"""Told where the lengths of all clips are known."""
HIDE_LENGTHS = {"spec.clips[0].duration"}


def broken(faults: Any) -> dict[str, Any]:
    resource = copy.deepcopy(EVERYTHING)
    for fault in faults:
        (*parents, last), value = FAULTS[fault]
        holder = resource["spec"]
        for step in parents:
            holder = holder[step]
        holder[last] = value
    return resource


def paths(resource: dict[str, Any]) -> list[str]:
    return [line.split(": ")[0] for line in problems(resource=resource)]


def test_what_the_faults_are_put_into_is_sound() -> None:
    assert problems(resource=EVERYTHING) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_alone_is_one_problem(fault: str) -> None:
    assert paths(broken([fault])) == [fault]


def test_all_faults_are_told_together() -> None:
    told = paths(broken(FAULTS))
    assert set(told) == set(FAULTS) - NEED_LENGTHS
    assert len(told) == len(set(told))


@given(st.sets(st.sampled_from(sorted(FAULTS)), min_size=1))
def test_any_faults_are_told_and_no_other(faults: set[str]) -> None:
    told = set(paths(broken(faults)))
    hidden = NEED_LENGTHS if faults & HIDE_LENGTHS else set()
    assert faults - hidden <= told <= faults


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        # One field of a clip is wrong, and the clip has two kinds.
        (videojob({**IMAGE, "color": "#000000", "duration": 3}), ["spec.clips[0].duration", "spec.clips[0]"]),
        # What is misspelt is taken for what was meant.
        (videojob({"imag": IMAGE["image"], "duration": "1s"}, CLIP, softDeadline="2m", deadline="1m"),
         ["spec.clips[0].imag", "spec.softDeadline"]),
        # What cannot be guessed says nothing of what it lacks.
        (videojob({"thing": 1, "duration": "1s"}, deadline="0s"), ["spec.clips[0].thing", "spec.deadline"]),
        (videojob(7, {"image": {"uri": "volume://m"}, "duration": "1s"}), ["spec.clips[0]", "spec.clips[1].image.uri"]),
        (videojob(clips={}, deadline="0s"), ["spec.clips", "spec.deadline"]),
        (videojob(clips=[], deadline="0s"), ["spec.clips", "spec.deadline"]),
        ({**videojob(deadline=5), "metadata": {"name": "x" * 64}}, ["spec.deadline", "metadata.name"]),
        ({**videojob(deadline="0s"), "kind": "Video"}, ["kind", "spec.deadline"]),
        (videojob(outputs=[{"name": "main"}, {**MP4, "name": "b", "at": "1s"}]),
         ["spec.outputs[0].format", "spec.outputs[1].at"]),
    ],
)  # fmt: skip
def test_kinds_that_hide_others(resource: dict[str, Any], expected: list[str]) -> None:
    assert paths(resource) == expected


def test_a_template_that_is_wrong_hides_nothing() -> None:
    assert paths(videojob({**CLIP, "color": "{{ color }}", "fit": "fill"}, deadline="0s")) == [
        "spec.clips[0].color",
        "spec.clips[0].fit",
        "spec.deadline",
    ]


def test_the_callers_own_check_is_told_with_the_rest_and_never_alone() -> None:
    def further(_: object) -> list[Problem]:
        return [Problem("spec.notify", "is not supported yet")]

    assert parse_videojob(videojob(), further=further)
    with pytest.raises(SpecError) as caught:
        parse_videojob(videojob(deadline=5), further=further)
    assert [problem.path for problem in caught.value.problems] == ["spec.deadline", "spec.notify"]


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just("{{ x }}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
def test_whatever_stands_anywhere_is_told_or_taken(data: st.DataObject) -> None:
    resource = copy.deepcopy(EVERYTHING)
    here: Any = resource
    for _ in range(data.draw(st.integers(1, 5))):
        keys = sorted(here) if isinstance(here, dict) else list(range(len(here)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(here[key], dict | list) or data.draw(st.booleans()):
            here[key] = data.draw(ODD)
            break
        here = here[key]
    before = json.dumps(resource)
    problems(resource=resource)
    assert json.dumps(resource) == before


@pytest.mark.parametrize(
    "clip",
    [
        {
            "image": {"uri": "a"},
            "duration": 3,
            "fit": "x",
            "oops": 1,
            "effects": [{"name": "-", "args": {"a": {}}}] * 16,
        },
        {f"field{index}": 1 for index in range(100)},
        {"color": "{{ nobody }}", "duration": "{{ odd"},
        "clip",
    ],
    ids=["all wrong", "unknown fields", "templates", "text"],
)
def test_a_hostile_spec_takes_no_long_time(clip: Any) -> None:
    """It is read where the operator does all else, too."""
    started = time.process_time()
    assert problems(*[clip] * 500)
    assert time.process_time() - started < 8
