"""When a film begins: what is heard before its first picture is heard, and stays with the pictures."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.ffmpeg import ffmpeg
from tests.render import films
from tests.render.sounds import RATE, write_wav
from tests.render.studio import Studio, decode, sound, uri

FPS = Fraction(25)
CLICK_S = 1.5
"""When the sound clicks, after its own first sample."""
COPIED = ("-c:v", "copy")
CONTAINERS = {
    "film.mp4": COPIED,
    "film.mov": COPIED,
    "fragmented.mp4": (*COPIED, "-movflags", "frag_keyframe+empty_moov+delay_moov"),
    "film.mkv": COPIED,
    "film.flv": COPIED,
    "film.webm": ("-c:v", "libvpx", "-deadline", "realtime", "-crf", "10", "-b:v", "1M"),
}


def click(path: Path) -> Path:
    samples = np.zeros((3 * RATE, 2), np.int16)
    start = int(CLICK_S * RATE)
    samples[start : start + RATE // 10] = (np.sin(np.arange(RATE // 10) / 8) * 20_000).astype(np.int16)[:, None]
    return write_wav(path, samples)


def clicks_s(path: Path) -> float:
    return float(np.argmax(np.abs(sound(path)[0]) > 0.2) / RATE)


@pytest.mark.parametrize("late_s", [0, 0.1, 0.8, 1.2])
@pytest.mark.parametrize("name", CONTAINERS)
def test_pictures_that_begin_late_stay_with_their_sound(
    tmp_path: Path, studio: Studio, name: str, late_s: float
) -> None:
    films.steady(tmp_path / "pictures.mp4", 50, FPS, options={"preset": "ultrafast", "crf": "10", "bf": "0"})
    late = ("-itsoffset", str(late_s), "-i", tmp_path / "pictures.mp4")
    path = tmp_path / name
    ffmpeg(*late, "-i", click(tmp_path / "click.wav"), "-map", "0:v", "-map", "1:a", *CONTAINERS[name], path)
    source = films.source(path)
    films.probe_video(source)
    is_held = late_s > 0.5
    said = [
        warning for warning in source.warnings.said if "of sound before its first picture, which is held" in warning
    ]
    assert len(said) == is_held
    movie = studio.movie([{"video": {"uri": uri(path)}}], files=[path], size=films.SIZE, fps="25")
    shown = [films.number(picture) for picture in decode(movie)]
    before = shown.index(1) - 1
    # Some count what encoders of sound put before it.
    assert before - round(late_s * FPS if is_held else 0) in {0, 1}
    assert shown[before : before + 49] == list(range(49))
    assert clicks_s(movie) == pytest.approx(CLICK_S - (0 if is_held else late_s), abs=0.045)


def test_what_is_before_an_edit_is_not_shown_though_no_keyframe_is_there(tmp_path: Path, studio: Studio) -> None:
    options = {"preset": "ultrafast", "crf": "10", "bf": "2", "g": "25", "sc_threshold": "0"}
    whole = films.steady(tmp_path / "pictures.mp4", 50, FPS, options=options)
    path = tmp_path / "film.mp4"
    ffmpeg("-i", whole, "-i", click(tmp_path / "click.wav"), "-map", "0:v", "-map", "1:a", "-c:v", "copy", path)
    content = bytearray(path.read_bytes())
    edit = content.index(b"elst") + 16  # media time of the only edit, in its version 0
    timescale = int.from_bytes(content[(at := content.index(b"mdhd") + 16) : at + 4])
    media_time = int.from_bytes(content[edit : edit + 4])
    content[edit : edit + 4] = (media_time + 8 * timescale // 25).to_bytes(4)
    keys = content.index(b"stss") + 12
    assert content[keys : keys + 4] == (1).to_bytes(4)
    content[keys : keys + 4] = (12).to_bytes(4)  # as of a writer that forgot the first keyframe
    path.write_bytes(content)
    movie = studio.movie([{"video": {"uri": uri(path)}}], files=[path], size=films.SIZE, fps="25")
    assert [films.number(picture) for picture in decode(movie)[:40]] == list(range(8, 48))
    assert clicks_s(movie) == pytest.approx(CLICK_S, abs=0.03)
