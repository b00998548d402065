"""Video clips: which frame of the source is on screen at each frame of the timeline, whatever its time stamps."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.ffmpeg import ffmpeg
from tests.render import films
from tests.render.studio import Studio, decode
from videojob_contract.errors import PermanentError, Reason
from videojob_worker.compose.layers import video as video_layer
from videojob_worker.compose.layers.video import VideoSprite
from videojob_worker.media.files.source import Source

RATES = [Fraction(rate) for rate in ("24000/1001", "25", "30000/1001", "30", "50", "60000/1001")]
FPS = Fraction(25)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "webm"])
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_the_frame_on_screen_is_shown_at_every_rate(tmp_path: Path, suffix: str, rate: Fraction) -> None:
    """Matroska rounds time stamps to milliseconds, up and down."""
    path = tmp_path / f"film.{suffix}"
    if suffix == "webm":
        films.steady(path, 60, rate, codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8", "crf": "20"})
    else:
        films.steady(path, 60, rate)
    for fps in (rate, *RATES):
        count = int(60 / rate * fps)
        assert films.shown(path, count, fps) == [int(number / fps * rate) for number in range(count)], f"at {fps}"


def test_frames_of_uneven_length_are_shown_by_their_stamps(tmp_path: Path) -> None:
    stamps = [Fraction(value, 1000) for value in (0, 10, 250, 260, 270, 600, 1000, 1001, 1500)]
    for suffix in ("mp4", "mkv"):
        path = films.film(tmp_path / f"film.{suffix}", stamps, tick=Fraction(1, 1000))
        times = [number / Fraction(50) for number in range(70)]
        expected = [max(place for place, stamp in enumerate(stamps) if stamp <= time) for time in times]
        assert films.shown(path, 70, Fraction(50)) == expected, suffix


STRETCHES: list[tuple[dict[str, Any], int, list[int]]] = [
    ({}, 50, list(range(50))),
    ({"from": "400ms"}, 40, list(range(10, 50))),
    ({"from": "410ms", "to": "1200ms"}, 19, list(range(10, 29))),
    ({"speed": 2}, 25, list(range(0, 50, 2))),
    ({"speed": 0.5, "from": "1s"}, 50, [25 + number // 2 for number in range(50)]),
    ({"speed": 1.1}, 45, [int(number * Fraction(11, 10)) for number in range(45)]),
    ({"reverse": True}, 50, list(reversed(range(50)))),
    ({"reverse": True, "from": "400ms", "to": "800ms"}, 10, list(reversed(range(10, 20)))),
    ({"reverse": True, "speed": 2}, 25, list(range(49, 0, -2))),
    ({"loop": True, "from": "400ms", "to": "800ms"}, 27, [10 + number % 10 for number in range(27)]),
    ({"loop": True}, 120, [number % 50 for number in range(120)]),
    ({"loop": True, "reverse": True, "to": "200ms"}, 12, [4 - number % 5 for number in range(12)]),
]


@pytest.mark.parametrize("gop", [{"g": "1"}, {"g": "12", "bf": "3"}, {"g": "250", "bf": "0"}], ids=str)
@pytest.mark.parametrize(("stretch", "frames", "expected"), STRETCHES, ids=lambda value: str(value)[:40])
def test_stretches_speeds_and_directions(
    tmp_path: Path, gop: dict[str, str], stretch: dict[str, Any], frames: int, expected: list[int]
) -> None:
    path = films.steady(tmp_path / "film.mp4", 50, FPS, options={"preset": "ultrafast", "crf": "10", **gop})
    assert films.shown(path, frames, FPS, **stretch) == expected


def test_any_part_of_a_clip_can_be_read_first(tmp_path: Path) -> None:
    path = films.steady(tmp_path / "film.mp4", 50, FPS, options={"preset": "ultrafast", "g": "20", "bf": "2"})
    layer = films.layer(path, 50, FPS)
    for first in range(0, 48, 3):
        assert [films.number(picture) for picture in layer.pictures(first, 2)] == [first, first + 1]


def test_two_parts_can_be_read_at_once(tmp_path: Path) -> None:
    path = films.steady(tmp_path / "film.mp4", 50, FPS)
    layer = films.layer(path, 50, FPS)
    pairs = [
        (films.number(one), films.number(other))
        for one, other in zip(*(layer.pictures(at, 20) for at in (0, 30)), strict=True)
    ]
    assert pairs == [(number, number + 30) for number in range(20)]


def test_reverse_holds_few_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = films.steady(tmp_path / "film.mp4", 50, FPS, options={"preset": "ultrafast", "g": "250"})
    monkeypatch.setattr(video_layer, "_HELD_BYTES", 7 * films.SIZE[0] * films.SIZE[1] * 3 // 2)
    assert films.shown(path, 50, FPS, reverse=True) == list(reversed(range(50)))


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_groups_that_lean_on_the_one_before_are_entered_right(tmp_path: Path, codec: str) -> None:
    open_groups = {
        "libx264": {"preset": "veryfast", "x264-params": "open-gop=1:keyint=10:min-keyint=10:bframes=3:scenecut=0"},
        "libx265": {
            "preset": "ultrafast",
            "x265-params": "open-gop=1:keyint=10:min-keyint=10:bframes=3:scenecut=0:log-level=none",
        },
    }
    path = films.steady(tmp_path / "film.mp4", 50, FPS, codec=codec, options=open_groups[codec])
    for start in range(50):
        assert films.shown(path, 1, FPS, **{"from": f"{start * 40}ms"}) == [start]
    assert films.shown(path, 50, FPS, reverse=True) == list(reversed(range(50)))


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("offset", [Fraction(3), Fraction(1, 3)], ids=str)
def test_time_starts_with_the_first_picture(tmp_path: Path, suffix: str, offset: Fraction) -> None:
    path = tmp_path / f"film.{suffix}"
    stamps = [offset + number / FPS for number in range(30)]
    films.film(path, stamps, options={"preset": "ultrafast", "bf": "2", "g": "8"})
    assert films.shown(path, 30, FPS) == list(range(30))
    assert films.shown(path, 5, FPS, **{"from": "1s"}) == [25, 26, 27, 28, 29]


def test_what_an_edit_list_cuts_off_is_not_shown(tmp_path: Path) -> None:
    films.steady(tmp_path / "whole.mp4", 50, FPS, options={"preset": "ultrafast", "g": "25", "bf": "2"})
    ffmpeg("-ss", "1.2", "-i", tmp_path / "whole.mp4", "-c", "copy", tmp_path / "cut.mp4")
    # Copied from the keyframe at frame 25; the edit list begins at frame 30.
    assert films.probe(tmp_path / "cut.mp4").duration_s == Fraction(20, 25)
    assert films.shown(tmp_path / "cut.mp4", 20, FPS) == list(range(30, 50))
    assert films.shown(tmp_path / "cut.mp4", 20, FPS, reverse=True) == list(range(49, 29, -1))


def test_fragments_and_files_without_an_index_are_found_through(tmp_path: Path) -> None:
    fragmented = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "200000"}
    path = films.steady(
        tmp_path / "film.mp4", 50, FPS, container_options=fragmented, options={"preset": "ultrafast", "g": "10"}
    )
    live = films.steady(
        tmp_path / "film.mkv", 50, FPS, container_options={"live": "1"}, options={"preset": "ultrafast", "g": "10"}
    )
    for each in (path, live):
        assert films.probe(each).duration_s == 2
        assert films.shown(each, 50, FPS) == list(range(50))
        assert films.shown(each, 10, FPS, reverse=True, to="1600ms") == list(range(39, 29, -1))


@pytest.mark.parametrize(
    ("stretch", "frames", "says"),
    [
        ({}, 51, None),
        ({}, 75, r"lasts 2s: too short for 3s of the timeline; shorten the clip or let it loop"),
        ({"from": "1s"}, 50, r"lasts 2s, 1s of it from 1s on: too short for 2s of the timeline; "),
        ({"speed": 2}, 50, r"lasts 2s: too short for 2s of the timeline at speed 2; "),
        ({"from": "2s"}, 1, r"lasts 2s, so that nothing is left from 2s on"),
        ({"to": "2500ms"}, 1, r"lasts 2s, less than the 2\.5s to which it should play"),
        ({"loop": True}, 500, None),
    ],
    ids=str,
)
def test_a_video_that_is_too_short_is_refused_with_both_lengths(
    tmp_path: Path, stretch: dict[str, Any], frames: int, says: str | None
) -> None:
    path = films.steady(tmp_path / "film.mp4", 50, FPS)
    if says is None:
        films.layer(path, frames, FPS, **stretch)
        return
    with pytest.raises(PermanentError, match=f"^spec.clips.0..video.uri: volume://media/film.mp4 {says}") as caught:
        films.layer(path, frames, FPS, **stretch)
    assert caught.value.reason is Reason.INVALID_SPEC


@pytest.mark.parametrize("threads", [1, 3])
def test_a_movie_shows_every_frame_of_its_videos(studio: Studio, tmp_path: Path, threads: int) -> None:
    path = films.steady(tmp_path / "film.mp4", 100, FPS)
    clip = {"uri": "volume://media/film.mp4"}
    clips = [
        {"video": clip},
        {"video": {**clip, "from": "1s", "to": "3s", "reverse": True}},
        {"video": {**clip, "speed": 2}},
    ]
    movie = decode(studio.movie(clips, files=[path], size=films.SIZE, fps="25", threads=threads))
    expected = [*range(100), *range(74, 24, -1), *range(0, 100, 2)]
    assert [films.number(picture) for picture in movie] == expected


def test_a_video_is_looked_at_once_and_errors_name_the_field_that_plays_it(tmp_path: Path) -> None:
    path = films.steady(tmp_path / "film.ts", 25, FPS)
    facts = films.probe(path)
    path.write_text("no video any more")
    source = Source("spec.clips[1].video.uri", films.URI, path)
    sprite = VideoSprite(source, facts, films.spec(), size=films.SIZE, frames=25, fps=FPS)
    for drawn in (films.layer(path, 25, FPS, of=source, facts=facts).pictures(0, 1), sprite.pictures(0, 1)):
        with pytest.raises(PermanentError, match=r"^spec\.clips\[1\]\.video\.uri: .* is a text file"):
            next(drawn)


def test_what_a_decoder_attaches_without_a_name_for_it_harms_nobody(tmp_path: Path) -> None:
    """An enhancement layer (LCEVC, ETSI TS 101 154) beside a turn: both are attached to each frame."""
    films.steady(tmp_path / "plain.mp4", 25, FPS)
    ffmpeg("-i", tmp_path / "plain.mp4", "-c", "copy", tmp_path / "plain.h264")
    start, message = b"\0\0\0\1", b"\x06\x04\x08\xb4\x00\x50\x01\x02\x03\x04\x05\x80"
    units = (tmp_path / "plain.h264").read_bytes().split(start)[1:]
    with_layer = [message + start + unit if unit[0] & 31 in {1, 5} else unit for unit in units]
    (tmp_path / "layered.h264").write_bytes(b"".join(start + unit for unit in with_layer))
    ffmpeg(
        "-r",
        "25",
        "-i",
        tmp_path / "layered.h264",
        "-c",
        "copy",
        "-metadata:s:v",
        "rotate=180",
        path := tmp_path / "film.mp4",
    )
    facts = films.probe(path)
    assert (facts.width, facts.height, bool(films.shape(facts).turn)) == (*films.SIZE, True)
    assert len(films.shown(path, 25, FPS)) == 25
