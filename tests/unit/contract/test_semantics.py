"""What must hold between fields."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.contract.examples import CLIP, problems, videojob
from videojob_contract.resources.base import format_duration
from videojob_contract.resources.outputs import PRESETS, Codec
from videojob_contract.resources.transitions import OWN_TRANSITIONS, RENAMED, TRANSITIONS
from videojob_contract.resources.videojob import VideoJobSpec
from videojob_contract.semantics import check, timeline_length
from videojob_contract.validation import parse_videojob

MP4 = {"name": "main", "format": "mp4"}
JPG = {"name": "poster", "format": "jpg"}
IMAGE = {"image": {"uri": "volume://m/a.jpg"}, "duration": "2s"}
TRACK = {"uri": "volume://media/a.mp3"}
LOOP = "shorten it or let the video loop"


def clip(duration: str = "2s", **more: Any) -> dict[str, Any]:
    return {"color": "#000000", "duration": duration, **more}


def video(duration: str | None, **more: Any) -> dict[str, Any]:
    return {"video": {"uri": "volume://m/a.mp4", **more}} | ({"duration": duration} if duration else {})


def part(left: float, top: float, width: float, height: float) -> dict[str, float]:
    return {"left": left, "top": top, "width": width, "height": height}


def after(type_: str, duration: str | None = None, **more: Any) -> dict[str, Any]:
    return {"transition": {"type": type_, **more} | ({"duration": duration} if duration else {})}


@pytest.mark.parametrize(
    ("clips", "expected"),
    [
        ([{"image": {"uri": "volume://m/a.jpg"}}],
         ["spec.clips[0].duration: is required: only a video has a length of its own"]),
        ([{"color": "#000000", "duration": "auto"}],
         ["spec.clips[0].duration: is required: only a video has a length of its own"]),
        ([clip("0s")], ["spec.clips[0].duration: must be longer than 0s"]),
        ([clip(**after("crossfade", "1s"))],
         ["spec.clips[0].transition: the first clip has no transition, because none is before it to come from"]),
        ([clip(), clip(**after("cut", "1s"))],
         ["spec.clips[1].transition.duration: a cut takes no time; leave it out, or choose another type"]),
        ([clip(), clip(**after("crossfade", color="#ffffff"))],
         ["spec.clips[1].transition.color: only a fade goes through a colour"]),
        ([clip("1s"), clip("5s", **after("crossfade", "2s"))],
         ["spec.clips[0].duration: 1s is too short: the transition out of it takes 2s"]),
        ([clip("5s"), clip("1s", **after("crossfade", "2s"))],
         ["spec.clips[1].duration: 1s is too short: the transition into it takes 2s"]),
        ([clip("5s"), clip("400ms", **after("crossfade"))],
         ["spec.clips[1].duration: 400ms is too short: the transition into it takes 500ms"]),
        ([clip("5s"), clip("3s", **after("fade", "2s")), clip("5s", **after("fade", "1500ms"))],
         ["spec.clips[1].duration: 3s is too short: the transitions into and out of it take 2s and 1500ms"]),
        ([clip("5s"), clip("3s", **after("fade", "2s")), clip("5s", **after("fade", "1s"))], []),
        ([clip(), clip(**after("cut", "0s"))], []),
        ([clip(), {"video": {"uri": "volume://m/a.mp4"}, **after("crossfade", "9s")}, clip("1s")],
         ["spec.clips[0].duration: 2s is too short: the transition out of it takes 9s"]),
        ([{"video": {"uri": "volume://m/a.mp4", "from": "3s", "to": "3s"}}],
         ["spec.clips[0].video.to: must be after from, which is 3s"]),
        ([{"video": {"uri": "volume://m/a.mp4", "from": "3s", "to": "2s"}}],
         ["spec.clips[0].video.to: must be after from, which is 3s"]),
        ([video("5s", loop=True)], []),
        ([video("auto", loop=True)],
         ["spec.clips[0].duration: is required for a video that loops: how long should it?"]),
        ([video("2s", **{"from": "1s", "to": "2s"})],
         [f"spec.clips[0].duration: is longer than from video.from to video.to, 1s; {LOOP}"]),
        ([video("2s", to="3s", speed=2)],
         [f"spec.clips[0].duration: is longer than from video.from to video.to, 1500ms at speed 2; {LOOP}"]),
        ([video("3s", to="1s", speed=0.3)], []),
        ([video("9s", to="1s", loop=True)], []),
        ([video(None, to="1s"), clip("3s", **after("crossfade", "2s"))],
         ["spec.clips[0].duration: 1s is too short: the transition out of it takes 2s"]),
        ([clip(motion={"zoom": {}})], ["spec.clips[0].motion: nothing of a colour is seen to move"]),
        ([{**IMAGE, "motion": {}}], ["spec.clips[0].motion: needs zoom, pan or both"]),
        ([{**IMAGE, "motion": {"pan": {"from": part(0.5, 0, 0.5, 1), "to": part(0.7, 0.3, 0.3, 0.7)}}}], []),
        ([{**IMAGE, "motion": {"pan": {"from": part(0.5, 0, 0.6, 1), "to": part(0, 0.5, 1, 0.75)}}}],
         ["spec.clips[0].motion.pan.from.width: reaches out of the picture: left and width are 1.1 together",
          "spec.clips[0].motion.pan.to.height: reaches out of the picture: top and height are 1.25 together"]),
        ([clip(), clip(**after("slideleft"))],
         ["spec.clips[1].transition.type: slideleft is ffmpeg's name; here it is pushLeft"]),
        ([clip(), clip(**after("hlslice", color="#ffffff"))],
         ["spec.clips[1].transition.color: only a fade goes through a colour"]),
        ([clip(), clip(**after("fade", color="#ffffff"))], []),
    ],
)  # fmt: skip
def test_clips(clips: list[dict[str, Any]], expected: list[str]) -> None:
    assert problems(*clips) == expected


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ([MP4, {**JPG, "name": "main"}], ['spec.outputs[1].name: another output is named "main" too']),
        ([{**MP4, "uri": "volume://m/a"}, {**JPG, "uri": "volume://m/a"}],
         ["spec.outputs[1].uri: spec.outputs[0].uri goes to volume://m/a too"]),
        ([{**MP4, "uri": "volume://m/a"}, {**JPG, "uri": "volume://m/%61"}],
         ["spec.outputs[1].uri: spec.outputs[0].uri goes to volume://m/%61 too"]),
        ([{**MP4, "uri": "volume://m/a.PNG"}],
         ["spec.outputs[0].uri: ends in .png, but its format is mp4: end it in .mp4, or choose another format"]),
        ([{**JPG, "uri": "volume://m/a%2Ewebm"}],
         ["spec.outputs[0].uri: ends in .webm, but its format is jpg: end it in .jpg, or choose another format"]),
        ([{**MP4, "uri": "volume://m/a.mp4"}, {**JPG, "uri": "volume://m/a.JPEG"}], []),
        ([{**MP4, "uri": "volume://m/a.png/v1.final"}, {**JPG, "uri": "volume://m/a"}], []),
        ([{**MP4, "at": "1s"}], ["spec.outputs[0].at: is for pictures, such as jpg and png"]),
        ([{**JPG, "crf": 20, "keyframeInterval": "1s"}],
         ["spec.outputs[0].crf: a jpg has none: it is one picture",
          "spec.outputs[0].keyframeInterval: a jpg has none: it is one picture"]),
        ([{**JPG, "at": "2s"}], ["spec.outputs[0].at: is after the end of the timeline, which lasts 2s"]),
        ([{**JPG, "at": "1999ms"}], []),
        ([{**MP4, "crf": 20, "bitrate": "4M"}],
         ["spec.outputs[0].crf: give either crf, for constant quality, or bitrate"]),
        ([{**MP4, "crf": 52}], ["spec.outputs[0].crf: is at most 51 for h264"]),
        ([{**MP4, "crf": 52, "codec": "av1"}], []),
        ([{**MP4, "preset": "quick"}],
         [f"spec.outputs[0].preset: quick is none of h264's: {', '.join(PRESETS[Codec.H264])}"]),
        ([{**MP4, "uri": "volume://m/%61.mp4"}, {**JPG, "format": "sprite", "uri": "volume://m/a.jpg"},
          {**JPG, "name": "c", "uri": "volume://m/a.vtt"}],
         ["spec.outputs[2].uri: spec.outputs[1].uri goes to volume://m/a.vtt too"]),
        ([{**MP4, "keyframeInterval": "0s"}], ["spec.outputs[0].keyframeInterval: must be longer than 0s"]),
        ([{**MP4, "codec": "vp9"}], ["spec.outputs[0].codec: mp4 has no vp9; choose h264, h265 or av1"]),
        ([{**MP4, "format": "webm", "codec": "av1", "preset": "8"}], []),
        ([{**MP4, "codec": "av1", "preset": "medium"}],
         [f"spec.outputs[0].preset: medium is none of av1's: {', '.join(PRESETS[Codec.AV1])}"]),
        ([{**MP4, "format": "webm", "bitrate": "1M", "twoPass": True}],
         ["spec.outputs[0].twoPass: is for h264 or h265, not for vp9"]),
        ([{**MP4, "twoPass": True}], ["spec.outputs[0].twoPass: is to meet a bitrate: give that too"]),
        ([{**MP4, "bitrate": "2M", "maxBitrate": "1999k"}],
         ["spec.outputs[0].maxBitrate: is less than the bitrate, which is 2M"]),
        ([{**MP4, "bitrate": "0k"}], ["spec.outputs[0].bitrate: must be more than 0"]),
        ([{**MP4, "format": "gif", "crf": 20}], ["spec.outputs[0].crf: a gif has none: it has colours by number"]),
        ([{**MP4, "format": "gif", "fps": "60"}], ["spec.outputs[0].fps: a gif shows at most 50 frames a second"]),
        ([{**MP4, "format": "gif", "fps": "50"}], []),
        ([{**MP4, "format": "m4a", "bitrate": "96k"}], []),
        ([{**MP4, "format": "mp3", "width": 640}], ["spec.outputs[0].width: an mp3 has none: it is sound alone"]),
        ([{**JPG, "copy": "never"}], ["spec.outputs[0].copy: is for mp4: no other format is copied"]),
        ([{**MP4, "interval": "2s"}], ["spec.outputs[0].interval: is for a sprite"]),
        ([{**MP4, "renditions": [{"height": 360}]}], ["spec.outputs[0].renditions: is for hls"]),
        ([{**MP4, "format": "hls", "renditions": [{"height": 360}, {"height": 360, "width": 640}]}],
         ["spec.outputs[0].renditions[1].name: spec.outputs[0].renditions[0] is named 360p too"]),
        ([{**MP4, "format": "hls", "width": 640, "renditions": [{"width": 320}]}],
         ["spec.outputs[0].renditions[0].name: is required where no height is given",
          "spec.outputs[0].width: give it in each of the renditions instead"]),
        ([{**MP4, "format": "hls", "renditions": [{"height": 360, "crf": 20, "bitrate": "1M"}]}],
         ["spec.outputs[0].renditions[0].crf: give either crf, for constant quality, or bitrate"]),
    ],
)  # fmt: skip
def test_outputs(outputs: list[dict[str, Any]], expected: list[str]) -> None:
    assert problems(outputs=outputs) == expected


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("volume://media/a/b.jpg", None),
        ("volume://media/my%20cat.jpg", None),
        ("https://example.org/?picture=1#top", None),
        ("volume://media", "volume://media names no file; write volume://media/path/to/file"),
        ("volume://media/", "volume://media/ names no file; write volume://media/path/to/file"),
        ("volume:///a.jpg", "volume:///a.jpg names no volume"),
        ("https:///a.jpg", "https:///a.jpg names no host"),
        ("volume://media/../a.jpg", "volume://media/../a.jpg must not have empty, . or .. parts in its path"),
        ("volume://media/%2e%2e/a.jpg", "volume://media/%2e%2e/a.jpg must not have empty, . or .. parts in its path"),
        ("volume://media/..%2fa.jpg", "volume://media/..%2fa.jpg must not have empty, . or .. parts in its path"),
        ("volume://media//a.jpg", "volume://media//a.jpg must not have empty, . or .. parts in its path"),
        ("volume://media/a?.jpg", "volume://media/a must not go on with ? or #; write them as %3F and %23"),
    ],
)
def test_uris(uri: str, problem: str | None) -> None:
    found = problems({"image": {"uri": uri}, "duration": "1s"})
    assert found == ([f"spec.clips[0].image.uri: {problem}"] if problem else [])


def test_scheduling() -> None:
    assert problems(deadline="0s") == ["spec.deadline: must be longer than 0s"]
    assert problems(deadline="1m", softDeadline="61s") == [
        "spec.softDeadline: must not be after the deadline, which is 1m"
    ]
    assert problems(deadline="1m", softDeadline="1m") == []


@pytest.mark.parametrize("name", TRANSITIONS)
def test_every_transition_is_known(name: str) -> None:
    assert problems(clip(), clip(**after(name))) == []


def test_an_unknown_transition_is_told_with_those_that_there_are() -> None:
    [problem] = problems(clip(), clip(**after("wipeleftt")))
    assert problem.startswith('spec.clips[1].transition.type: "wipeleftt" is no transition; there are cut, crossfade, ')
    assert problem.endswith("; did you mean wipeLeft?")
    assert all(f" {name}" in problem for name in TRANSITIONS)


def test_names_of_ffmpegs_lead_to_ours() -> None:
    assert set(RENAMED.values()) <= OWN_TRANSITIONS.keys()
    assert not RENAMED.keys() & TRANSITIONS.keys()


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        ({}, []),
        ({"from": "1s", "to": "1s"}, ["to: must be after from, which is 1s"]),
        ({"from": "2s"}, ["from: is after the end of the timeline, which lasts 2s"]),
        ({"from": "1s", "to": "9s", "fadeIn": "1s", "fadeOut": "1s"}, []),
        ({"from": "1s", "to": "9s", "fadeOut": "1001ms"}, ["fadeOut: is longer than what fades, which lasts 1s"]),
        ({"to": "1s", "fadeIn": "1001ms"}, ["fadeIn: is longer than what fades, which lasts 1s"]),
    ],
)
def test_overlays(overlay: dict[str, Any], expected: list[str]) -> None:
    assert problems(overlays=[{"image": IMAGE["image"], **overlay}]) == [
        f"spec.overlays[0].{each}" for each in expected
    ]


def test_an_overlay_has_no_canvas_of_its_own() -> None:
    title = {"text": "x", "background": "#000000", "margin": 3}
    assert problems(overlays=[{"title": title}, {"video": {"uri": "volume://m/a.mp4", "to": "0s"}}]) == [
        "spec.overlays[0].title.background: an overlay has no canvas of its own; use box",
        "spec.overlays[0].title.margin: give it as the overlay's own margin",
        "spec.overlays[1].video.to: must be after from, which is 0s",
    ]


def test_an_overlay_over_a_timeline_of_unknown_length() -> None:
    overlay = {"image": IMAGE["image"], "from": "1h"}
    assert problems(video(None), overlays=[{**overlay, "fadeIn": "2h"}]) == []
    assert problems(video(None), overlays=[{**overlay, "to": "2h", "fadeIn": "2h"}]) == [
        "spec.overlays[0].fadeIn: is longer than what fades, which lasts 1h"
    ]


def test_subtitles() -> None:
    uri = "volume://m/a.srt"
    assert problems(subtitles={"uri": uri, "soft": True, "language": "eng"}) == []
    assert problems(subtitles={"uri": uri, "style": {"size": 20}}) == []
    assert problems(subtitles={"uri": uri, "soft": True}, outputs=[JPG, MP4]) == []
    assert problems(subtitles={"uri": uri, "soft": True}, outputs=[JPG]) == [
        "spec.subtitles.soft: no output has tracks to choose from: make an mp4, webm or hls too"
    ]
    assert problems(subtitles={"uri": uri, "soft": True, "style": {}}) == [
        "spec.subtitles.style: is for drawn subtitles: how soft ones look, players choose"
    ]
    assert problems(subtitles={"uri": uri, "language": "eng"}) == [
        "spec.subtitles.language: is for a soft track: set soft, or leave it out"
    ]


@pytest.mark.parametrize(
    ("track", "expected"),
    [
        ({"to": "0s"}, ["to: must be after from, which is 0s"]),
        ({"offset": "2s"}, ["offset: is after the end of the timeline, which lasts 2s"]),
        ({"offset": "1s", "fadeOut": "1001ms"}, ["fadeOut: is longer than what fades, which lasts 1s"]),
        ({"from": "1s", "to": "1500ms", "fadeIn": "501ms"}, ["fadeIn: is longer than what fades, which lasts 500ms"]),
        ({"from": "1s", "to": "1500ms", "fadeIn": "501ms", "loop": True}, []),
        ({"envelope": [{"at": "0s", "volume": 1}, {"at": "1s", "volume": 0}]}, []),
        ({"envelope": [{"at": "1s", "volume": 1}, {"at": "1s", "volume": 0}]},
         ["envelope[1].at: must be after the point before it, which is at 1s"]),
    ],
)  # fmt: skip
def test_sound(track: dict[str, Any], expected: list[str]) -> None:
    assert problems(audio={"tracks": [{**TRACK, **track}]}) == [f"spec.audio.tracks[0].{each}" for each in expected]


def test_the_length_of_a_video_is_known_by_what_is_wanted_of_it() -> None:
    resource = videojob(CLIP, video(None, **{"from": "1s", "to": "4s"}, speed=1.5))
    assert timeline_length(parse_videojob(resource).spec) == 4


def test_the_length_with_a_video_in_it_is_not_known_before_it_is_read() -> None:
    resource = videojob(CLIP, {"video": {"uri": "volume://m/a.mp4"}})
    assert timeline_length(parse_videojob(resource).spec) is None


milliseconds = st.integers(1, 20_000).map(lambda ms: Fraction(ms, 1000))


@given(st.lists(st.tuples(milliseconds, milliseconds), min_size=1, max_size=12))
def test_transitions_fit_exactly_when_no_moment_shows_three_clips(lengths: list[tuple[Fraction, Fraction]]) -> None:
    clips: list[dict[str, Any]] = []
    start = Fraction(0)
    spans: list[tuple[Fraction, Fraction]] = []
    for index, (length, transition) in enumerate(lengths):
        into = transition if index else Fraction(0)
        start -= into
        spans.append((start, start + length))
        start += length
        clips.append(clip(format_duration(length), **(after("crossfade", format_duration(into)) if index else {})))
    spec = VideoJobSpec.model_validate({"clips": clips})
    in_order = all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(spans))
    at_most_two = all(a[1] <= c[0] for a, c in zip(spans, spans[2:], strict=False))
    assert (check(spec) == []) == (in_order and at_most_two)
    assert timeline_length(spec) == start


@pytest.mark.parametrize("uri", ["volume://media/a.jpg", "volume://media/%61.jpg"])
def test_an_output_over_a_source_is_refused_even_if_it_may_overwrite(uri: str) -> None:
    clip = {"image": {"uri": "volume://media/a.jpg"}, "duration": "1s"}
    output = {"name": "a", "format": "jpg", "overwrite": True}
    expected = f"spec.outputs[0].uri: {uri} is spec.clips[0].image.uri, and a source is never overwritten"
    assert problems(clip, outputs=[output | {"uri": uri}]) == [expected]
    assert problems(clip, outputs=[output | {"uri": "volume://media/b.jpg"}]) == []


def test_the_text_beside_a_sprite_is_no_source_either() -> None:
    output = {"name": "a", "format": "sprite", "uri": "volume://media/a.jpg"}
    (problem,) = problems(CLIP, outputs=[output], subtitles={"uri": "volume://media/a.vtt"})
    assert problem.startswith("spec.outputs[0].uri: volume://media/a.jpg is spec.subtitles.uri")
