"""Which of several sounds of a file is heard."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ffmpeg import ffmpeg
from tests.render.sounds import RATE, clip, play, project, track
from tests.render.studio import color
from videojob_contract.errors import PermanentError
from videojob_worker.encode.copy import CopiedSound
from videojob_worker.media.files.source import Source
from videojob_worker.media.sound.sound_container import open_sound
from videojob_worker.media.sound.sound_packets import find_sound

HZ = {1: 400, 2: 1000, 3: 2000}
LANGUAGES = ("eng", "ger", "fra")
MKV = ("libopus", "libopus", "libopus")
MP4 = ("aac", "aac", "aac")


def film(path: Path, codecs: tuple[str, ...], default: int | None) -> Path:
    """A video with three sounds, each a tone in a language of its own."""
    inputs = ["-f", "lavfi", "-i", "testsrc=d=2:s=64x64:r=25"]
    streams = ["-map", "0", "-c:v", "libx264", "-strict", "-2"]
    for number, codec in enumerate(codecs, 1):
        inputs += ["-f", "lavfi", "-i", f"sine={HZ[number]}:d=2:r=48000"]
        at = number - 1
        streams += ["-map", f"{number}", f"-c:a:{at}", codec, f"-metadata:s:a:{at}", f"language={LANGUAGES[at]}"]
        streams += [f"-disposition:a:{at}", "default" if number == default else "0"]
    ffmpeg(*inputs, *streams, "-ac", "2", path)
    return path


def heard(samples: np.ndarray) -> int:
    """Return which sound it is."""
    spectrum = np.abs(np.fft.rfft(samples[0, RATE // 2 : RATE * 3 // 2]))
    return min(HZ, key=lambda number: abs(HZ[number] - int(spectrum.argmax())))


@pytest.mark.parametrize(("name", "codecs"), [("x.mkv", MKV), ("x.mp4", MP4)])
@pytest.mark.parametrize("default", [1, 2, 3, None])
def test_the_default_sound_is_heard(tmp_path: Path, name: str, codecs: tuple[str, ...], default: int | None) -> None:
    path = film(tmp_path / name, codecs, default)
    plan = project(tmp_path, [clip(path, "2s")], [path])
    assert heard(play(plan)) == (default or 1)
    assert not plan.sources.warnings.said


@pytest.mark.parametrize(("name", "codecs"), [("x.mkv", MKV), ("x.mp4", MP4)])
@pytest.mark.parametrize(
    ("wanted", "number"), [(1, 1), (3, 3), ("eng", 1), ("ger", 2), ("deu", 2), ("fra", 3), ("fre", 3)]
)
def test_a_sound_is_chosen_by_number_or_language(
    tmp_path: Path, name: str, codecs: tuple[str, ...], wanted: int | str, number: int
) -> None:
    path = film(tmp_path / name, codecs, 2)
    assert heard(play(project(tmp_path, [clip(path, "2s", track=wanted)], [path]))) == number
    tracks: dict[str, Any] = {"tracks": [track(path, track=wanted)]}
    assert heard(play(project(tmp_path, [color("#000000", "2s")], [path], audio=tracks))) == number


def test_a_track_without_any_sound_is_not_the_one_that_is_heard(tmp_path: Path) -> None:
    """Phones leave one when the microphone was off."""
    path = film(tmp_path / "x.mp4", MP4, 1)
    content = bytearray(path.read_bytes())
    track_at = content.index(b"soun")
    for table, count in ((b"stts", 8), (b"stsc", 8), (b"stsz", 12), (b"stco", 8)):
        at = content.index(table, track_at) + count
        content[at : at + 4] = bytes(4)
    path.write_bytes(content)
    assert heard(play(project(tmp_path, [clip(path, "2s")], [path]))) == 2


def test_two_sounds_of_one_file_are_heard_together(tmp_path: Path) -> None:
    path = film(tmp_path / "x.mkv", MKV, None)
    audio = {"tracks": [track(path, track=1), track(path, track=3)]}
    spectrum = np.abs(np.fft.rfft(play(project(tmp_path, [color("#000000", "2s")], [path], audio=audio))[0, :RATE]))
    assert set(spectrum.argsort()[-2:]) == {HZ[1], HZ[3]}


@pytest.mark.parametrize("wanted", [4, "nor"])
def test_a_sound_that_is_not_there_is_told_with_those_that_are(tmp_path: Path, wanted: int | str) -> None:
    path = film(tmp_path / "x.mkv", MKV, None)
    says = rf"spec\.clips\[0\]\.video\.uri: \S+ has no sound {wanted}; it has 1 \(eng\), 2 \(ger\), 3 \(fra\)"
    with pytest.raises(PermanentError, match=says):
        project(tmp_path, [clip(path, "2s", track=wanted)], [path])


def test_instead_of_a_default_that_is_not_read_the_next_is_heard(tmp_path: Path) -> None:
    path = film(tmp_path / "x.mkv", ("flac", "truehd", "flac"), 2)
    plan = project(tmp_path, [clip(path, "2s")], [path])
    assert heard(play(plan)) == 1
    [said] = plan.sources.warnings.said
    assert said.endswith("has truehd in its sound 2, which is not read: its sound 1 is heard")
    with pytest.raises(PermanentError, match="has its sound as truehd, which is not read"):
        project(tmp_path, [clip(path, "2s", track=2)], [path])


def test_the_sound_that_is_chosen_is_copied(tmp_path: Path) -> None:
    path = film(tmp_path / "x.mp4", MP4, 1)
    source = Source("spec.clips[0].video.uri", "volume://media/x", path, track=3)
    copied = CopiedSound(find_sound(source, range(RATE), lambda: None))
    with open_sound(source) as file:
        theirs = [bytes(packet) for packet in file.container.demux(file.stream) if packet.size]
    assert [bytes(packet) for packet in copied.packets()][5:20] == theirs[5:20]
    with open_sound(Source("", "volume://media/x", path, track=1)) as file:
        assert theirs[5:20] != [bytes(packet) for packet in file.container.demux(file.stream) if packet.size][5:20]
