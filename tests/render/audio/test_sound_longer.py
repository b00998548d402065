"""Videos whose sound lasts longer than their pictures: recordings of screens that stand still while somebody speaks."""

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ffmpeg import ffmpeg
from tests.render import films
from tests.render.studio import Studio, decode, sound, uri

FPS = Fraction(25)
WRITERS = {
    "film.mp4": ["-c:v", "copy", "-c:a", "aac"],
    "fragments.mp4": ["-c:v", "copy", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"],
    "film.mkv": ["-c:v", "copy", "-c:a", "flac"],
    "recorder.webm": ["-c:v", "libvpx", "-deadline", "realtime", "-b:v", "2M", "-c:a", "libopus", "-live", "1"],
    "film.ts": ["-c:v", "copy", "-c:a", "mp2"],
    "film.avi": ["-c:v", "mpeg4", "-q:v", "2", "-c:a", "pcm_s16le"],
}


def film(tmp_path: Path, name: str, sound_s: float = 3) -> Path:
    """A film of one second of pictures, with a tone that lasts longer or less long."""
    plain, path = films.steady(tmp_path / "plain.mkv", 25, FPS), tmp_path / name
    tone = ["-f", "lavfi", "-i", f"sine=440:r=48000:d={sound_s}"]
    ffmpeg("-i", plain, *tone, *WRITERS[name], path)
    return path


@pytest.mark.parametrize("name", WRITERS)
def test_the_last_picture_is_held_while_sound_goes_on(studio: Studio, tmp_path: Path, name: str) -> None:
    path = film(tmp_path, name)
    movie = studio.movie([{"video": {"uri": uri(path)}}], files=[path], size=films.SIZE)
    shown = [films.number(picture) for picture in decode(movie)]
    assert len(shown) == pytest.approx(75, abs=3)
    assert shown[26:] == [24] * (len(shown) - 26)
    assert np.abs(sound(movie))[:, 2 * 48_000 : int(2.9 * 48_000)].max() > 0.05


STRETCHES: list[tuple[dict[str, Any], int, str]] = [
    ({}, 75, r"shows its last picture for 2(\.0\d*)?s, in which its sound goes on"),
    ({"hold": "none"}, 25, ""),
    ({"volume": 0}, 25, ""),
    ({"to": "1s"}, 25, ""),
    ({"to": "1100ms"}, 27, ""),
    ({"from": "2s"}, 25, r"shows its last picture for .*"),
    ({"speed": 2}, 37, r"shows its last picture for .*"),
]


@pytest.mark.parametrize(("fields", "frames", "says"), STRETCHES, ids=str)
def test_stretches_end_with_what_is_heard(
    studio: Studio, tmp_path: Path, fields: dict[str, Any], frames: int, says: str
) -> None:
    path = film(tmp_path, "film.mkv")
    source = films.source(path)
    layer = films.layer(path, frames, FPS, of=source, **fields)
    assert [films.number(picture) for picture in layer.pictures(0, frames)][-1] == 24
    assert re.search(f"^.*{says}$" if says else "^$", " ".join(source.warnings.said))
    movie = studio.movie([{"video": {"uri": uri(path), **fields}}], files=[path], size=films.SIZE)
    assert len(decode(movie)) == pytest.approx(frames, abs=1)


@pytest.mark.parametrize("sound_s", [0.5, 1.0, 1.15])
def test_sound_as_long_or_shorter_changes_nothing(tmp_path: Path, sound_s: float) -> None:
    for name in ("film.mp4", "recorder.webm"):
        probed = films.probe(film(tmp_path, name, sound_s))
        assert probed.sound_end_s == probed.duration_s == 1
