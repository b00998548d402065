from typing import Any

import pytest

from tests.unit.decide.build import pool_spec
from videojob_contract.defaults import resolve
from videojob_contract.resources.videojob import VideoJobSpec
from videojob_contract.resources.work import NOTHING_LEARNT, WorkKind
from videojob_operator.decide.prediction import estimate_of
from videojob_operator.decide.rates import predict
from videojob_operator.decide.types import Estimate

VIDEO: dict[str, Any] = {"video": {"uri": "volume://media/a.mp4"}}
STILL: dict[str, Any] = {"image": {"uri": "volume://media/a.jpg"}, "duration": "10s"}
MP4, POSTER = {"name": "main", "format": "mp4"}, {"name": "poster", "format": "jpg"}
ZOOM = {"zoom": {"from": 1, "to": 1.2}}


def estimate(*clips: dict[str, Any], outputs: tuple[dict[str, Any], ...] = (MP4,), **spec: Any) -> Estimate:
    given = VideoJobSpec.model_validate({"clips": clips, "outputs": outputs} | spec)
    return estimate_of(resolve(given, pool_spec(), namespace="team", name="holiday"))


def predicted(*clips: dict[str, Any], outputs: tuple[dict[str, Any], ...] = (MP4,), **spec: Any) -> float:
    return predict(estimate(*clips, outputs=outputs, **spec), NOTHING_LEARNT).seconds


def memory(*clips: dict[str, Any], outputs: tuple[dict[str, Any], ...] = (MP4,), **spec: Any) -> int:
    return estimate(*clips, outputs=outputs, **spec).memory_bytes


def test_work_is_told_by_its_kinds():
    fade = {"transition": {"type": "crossfade", "duration": "1s"}}
    kinds = estimate(STILL, STILL | fade, STILL | {"motion": ZOOM}, VIDEO).work_s
    assert kinds.keys() == {WorkKind.STILL, WorkKind.BLEND, WorkKind.ANIMATED, WorkKind.DECODED, WorkKind.OVERHEAD}
    assert estimate(STILL, outputs=(POSTER,)).work_s.keys() == {WorkKind.OVERHEAD}


def test_what_is_guessed_of_sources_is_known_to_be():
    assert estimate(VIDEO).guessed
    assert not estimate(STILL, VIDEO | {"duration": "10s"}).guessed


def test_memory_grows_with_the_pictures_and_the_streams_and_not_with_the_length():
    assert memory(STILL) < memory(VIDEO) < memory(VIDEO, canvas={"width": 3840, "height": 2160})
    assert memory(VIDEO) < memory(VIDEO, outputs=(MP4, MP4 | {"name": "small", "height": 480}))
    assert memory(VIDEO) == memory(*[VIDEO] * 20)
    assert 100 * 2**20 < memory(STILL, outputs=(POSTER,)) < 250 * 2**20


def test_stills_are_cheap_and_each_way_of_making_frames_is_dearer_than_the_one_before():
    costs = [
        predicted(STILL),
        predicted(STILL | {"motion": ZOOM}),
        predicted(VIDEO | {"duration": "10s"}),
        predicted(STILL | {"effects": [{"name": "BlackAndWhite"}]}),
    ]
    assert costs == sorted(costs)
    assert costs[1] > 5 * costs[0]


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({"canvas": {"width": 3840, "height": 2160}}, {}),
        ({}, {"canvas": {"width": 640, "height": 360}}),
        ({"canvas": {"fps": "60"}}, {"canvas": {"fps": "25"}}),
        ({"outputs": [MP4 | {"codec": "h265"}]}, {}),
        ({"outputs": [MP4, MP4 | {"name": "small", "height": 480}]}, {}),
        ({"outputs": [MP4 | {"bitrate": "2M", "twoPass": True}]}, {}),
        ({}, {"outputs": [MP4 | {"height": 480}]}),
        ({}, {"outputs": [{"name": "sound", "format": "mp3"}]}),
        ({"outputs": [{"name": "sound", "format": "mp3"}]}, {"outputs": [POSTER]}),
        ({"overlays": [{"video": {"uri": "volume://media/b.mp4"}, "from": "2s", "to": "8s"}]}, {}),
    ],
)
def test_more_pictures_of_more_pixels_take_longer(more, less):
    clip = VIDEO | {"duration": "10s"}
    assert predicted(clip, **more) > 1.05 * predicted(clip, **less)


def test_what_lasts_as_long_as_its_source_is_taken_for_a_minute():
    assert predicted(VIDEO) == predicted(VIDEO | {"duration": "60s"})
    assert predicted({"video": VIDEO["video"] | {"to": "5s"}}) == predicted(VIDEO | {"duration": "5s"})


def test_a_transition_is_seen_once():
    joined = predicted(STILL, STILL | {"transition": {"type": "crossfade", "duration": "1s"}})
    assert predicted(STILL, STILL) - 1 < joined < predicted(STILL, STILL) + 2


def test_ten_photographs_take_seconds_and_a_film_takes_hours():
    assert 1 < predicted(*[STILL | {"duration": "3s"}] * 10) < 10
    assert 3600 < predicted(VIDEO | {"duration": "1h"}) < 24 * 3600
