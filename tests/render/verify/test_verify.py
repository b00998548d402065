"""The last check finds what is wrong with a file that looks finished."""

import dataclasses
import struct
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from tests import media
from tests.render.studio import Studio, image, uri
from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.outputs import Codec
from videojob_contract.resources.timeline import Clip
from videojob_worker.timeline.rate import Rate
from videojob_worker.timeline.times import build_timeline
from videojob_worker.verify.pictures import verify_picture
from videojob_worker.verify.video import Expected, ExpectedVideo, verify_file


@pytest.fixture
def movie(studio: Studio) -> Path:
    path = media.photographs(320, 180)[0]
    tracks = [{"uri": uri(media.music())}]
    return studio.movie([image(path, "2s")], files=[path, media.music()], size=(320, 180), tracks=tracks)


@pytest.fixture
def expected() -> Expected:
    timeline = build_timeline([Clip(color="#000000")], [Fraction(2)], Fraction(25))
    video = ExpectedVideo(Codec.H264, 320, 180, Rate(timeline, Fraction(25)), frozenset({0}))
    return Expected("mp4", video, "aac", timeline.samples)


def remux(source: Path, target: Path, *arguments: str) -> Path:
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(source), *arguments, str(target)], check=True)
    return target


def test_a_good_file_passes(movie: Path, expected: Expected) -> None:
    verify_file(movie, expected)


def cut_short(movie: Path) -> None:
    content = movie.read_bytes()
    movie.write_bytes(content[: len(content) * 2 // 3])


def damage_the_first_keyframe(movie: Path) -> None:
    content = bytearray(movie.read_bytes())
    at = content.index(b"mdat") + 800
    content[at : at + 4000] = bytes(4000)
    movie.write_bytes(content)


@pytest.mark.parametrize("tamper", [cut_short, damage_the_first_keyframe])
def test_a_damaged_file_is_found(movie: Path, expected: Expected, tamper: Callable[[Path], None]) -> None:
    tamper(movie)
    with pytest.raises(PermanentError, match="the finished output is wrong") as caught:
        verify_file(movie, expected)
    assert caught.value.reason is Reason.VERIFICATION_FAILED


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("-c", "copy", "-an"), r"\(h264\) instead of video \(h264\), audio \(aac\)", id="no-sound"),
        pytest.param(("-c", "copy", "-frames:v", "49"), "49 frames instead of 50", id="a-frame-less"),
        pytest.param(("-c:a", "copy", "-vf", "scale=160:90"), "160x90 pixels instead of 320x180", id="size"),
        pytest.param(("-c:a", "copy", "-r", "50", "-t", "1"), "frame 1 is at 0.020s instead of 0.040s", id="rate"),
        pytest.param(("-c:v", "copy", "-af", "atrim=end=1.5"), "its sound lasts 1.5", id="short-sound"),
    ],
)
def test_another_file_than_planned_is_found(
    movie: Path, expected: Expected, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    other = remux(movie, tmp_path / "other.mp4", *arguments)
    with pytest.raises(PermanentError, match=says):
        verify_file(other, expected)


def test_a_header_that_says_another_size_is_found(movie: Path, expected: Expected) -> None:
    content = bytearray(movie.read_bytes())
    entry = content.index(b"avc1", content.index(b"stsd"))
    content[entry + 28 : entry + 32] = struct.pack(">HH", 160, 90)
    movie.write_bytes(content)
    assert expected.video is not None
    video = dataclasses.replace(expected.video, width=160, height=90)
    with pytest.raises(PermanentError, match="320x180 pixels instead of 160x90"):
        verify_file(movie, dataclasses.replace(expected, video=video))


def test_sound_that_nobody_asked_for_is_found(movie: Path, expected: Expected) -> None:
    with pytest.raises(PermanentError, match=r"streams video \(h264\), audio \(aac\) instead of video \(h264\)"):
        verify_file(movie, dataclasses.replace(expected, sound_codec=None))


def test_posters_are_checked(tmp_path: Path) -> None:
    good = media.photographs(320, 180)[0]
    verify_picture(good, 320, 180)
    with pytest.raises(PermanentError, match="320x180 pixels instead of 640x360"):
        verify_picture(good, 640, 360)
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(good.read_bytes()[:3000])
    with pytest.raises(PermanentError, match="cannot be read back"):
        verify_picture(cut, 320, 180)
