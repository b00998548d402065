"""The kinds of clips: each of the schema has one, and what its source plays decides where the schema does not."""

from fractions import Fraction
from typing import Any

import pytest

from videojob_contract.resources.timeline import CLIP_KINDS, Clip, Overlay
from videojob_worker.canvas import Canvas
from videojob_worker.compose.clips import PROBES, clip_kind, span_kind
from videojob_worker.compose.clips.animation import AnimationClip
from videojob_worker.compose.clips.color import ColorClip
from videojob_worker.compose.clips.gradient import GradientClip
from videojob_worker.compose.clips.image import ImageClip
from videojob_worker.compose.clips.title import TitleClip
from videojob_worker.compose.clips.video import VideoClip
from videojob_worker.media.probe import ProbedSource
from videojob_worker.timeline.spans import SpanKind

FACTS = {
    "volume://media/still": ProbedSource("image", width=20, height=10),
    "volume://media/plays": ProbedSource("animation", width=20, height=10),
    "volume://media/video": ProbedSource("video", width=20, height=10, duration_s=Fraction(3)),
}
CASES: list[tuple[dict[str, Any], type, SpanKind]] = [
    ({"image": {"uri": "volume://media/still"}}, ImageClip, SpanKind.STILL),
    ({"image": {"uri": "volume://media/plays"}}, AnimationClip, SpanKind.DECODED),
    ({"video": {"uri": "volume://media/video", "speed": 2.0}}, VideoClip, SpanKind.DECODED),
    ({"color": "#102030"}, ColorClip, SpanKind.STILL),
    ({"gradient": {"colors": ["#000000", "#ffffff"]}}, GradientClip, SpanKind.STILL),
    ({"title": {"text": "words"}}, TitleClip, SpanKind.STILL),
]


def clip(fields: dict[str, Any], **more: Any) -> Clip:
    return Clip.model_validate({"duration": "1s", **fields, **more})


@pytest.mark.parametrize(("fields", "kind", "frames"), CASES)
def test_what_a_clip_shows_is_told_by_its_field_and_its_source(fields: Any, kind: type, frames: SpanKind) -> None:
    assert type(clip_kind(clip(fields), FACTS)) is kind
    assert span_kind(clip(fields), FACTS) is frames


def test_every_kind_of_the_schema_is_known() -> None:
    assert {name for fields, _, _ in CASES for name in fields} == set(CLIP_KINDS)


def test_motion_animates_what_stands_still_alone() -> None:
    motion = {"zoom": {"from": 1.0, "to": 1.2}}
    found = [span_kind(clip(fields, motion=motion), FACTS) for fields, _, _ in CASES]
    assert found == [
        SpanKind.ANIMATED,
        SpanKind.DECODED,
        SpanKind.DECODED,
        SpanKind.ANIMATED,
        SpanKind.ANIMATED,
        SpanKind.ANIMATED,
    ]


def test_a_video_alone_has_a_length_of_its_own() -> None:
    lengths = [clip_kind(clip(fields), FACTS).length_s() for fields, _, _ in CASES]
    assert lengths == [None, None, Fraction(3, 2), None, None, None]


def test_memory_is_held_for_what_is_decoded_or_moves_in_its_own_resolution() -> None:
    canvas, zoom = Canvas(10, 6, "#000000"), {"zoom": {"from": 1.0, "to": 1.0}}
    held = [clip_kind(clip(fields), FACTS).held_bytes(clip(fields), canvas) for fields, _, _ in CASES[:3]]
    assert held == [0, 16 * 200, 24 * 300]
    moving = clip(CASES[0][0], motion=zoom)
    # Ten pixels wide and a little more, as wide as the canvas shows it.
    assert clip_kind(moving, FACTS).held_bytes(moving, canvas) == 3 * 12 * 6


def test_an_overlay_shows_what_a_clip_does() -> None:
    overlay = Overlay.model_validate({"image": {"uri": "volume://media/plays"}})
    assert isinstance(clip_kind(overlay, FACTS), AnimationClip)


def test_sources_are_probed_by_the_field_that_names_them() -> None:
    assert set(PROBES) == {".image.uri", ".video.uri"}
