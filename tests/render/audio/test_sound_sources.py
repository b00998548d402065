"""Sources of sound: every format at its length and its moment, rates and channels, and refusals."""

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.ffmpeg import ffmpeg
from tests.render.sounds import (
    RATE,
    clip,
    counting,
    noise,
    numbers,
    play,
    project,
    track,
    write_wav,
)
from tests.render.studio import Studio, color
from videojob_contract.errors import CancelledError, PermanentError
from videojob_worker.audio.decoding import decode_sound
from videojob_worker.audio.scratch import Pcm, Scratch
from videojob_worker.media.files.source import Source
from videojob_worker.media.sound.sound_container import check_audio


def source(path: Path) -> Source:
    return Source("spec.audio.tracks[0].uri", "volume://media/x.mp3", path)


def decoded(tmp_path: Path, path: Path, *wanted: range) -> Pcm:
    scratch = Scratch(tmp_path / "raw")
    (tmp_path / "raw").rename(tmp_path / "raw-used")  # the next one may have the name
    return decode_sound(source(path), wanted or (range(10 * RATE),), scratch, lambda _: None, lambda: False)


def whole(tmp_path: Path, path: Path) -> np.ndarray:
    """All that is in a file, `(2, n) float32`."""
    pcm = decoded(tmp_path, path)
    assert pcm.end is not None
    return pcm.read(0, pcm.end)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("-c:a", "libmp3lame", "x.mp3"), id="mp3"),
        pytest.param(("-c:a", "aac", "x.m4a"), id="m4a"),
        pytest.param(("-c:a", "alac", "x.m4a"), id="alac"),
        pytest.param(("-c:a", "flac", "x.flac"), id="flac"),
        pytest.param(("-c:a", "libvorbis", "x.ogg"), id="ogg"),
        pytest.param(("-c:a", "libopus", "x.mka"), id="matroska"),
        pytest.param(("-c:a", "pcm_s24le", "x.wav"), id="wav"),
        pytest.param(("-c:a", "pcm_u8", "x.wav"), id="wav-8-bit"),
    ],
)
def test_every_promised_format_decodes_to_its_length(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=440:duration=2:sample_rate=48000"]
    subprocess.run([*command, *arguments], check=True, cwd=tmp_path)
    path = tmp_path / arguments[-1]
    assert check_audio(source(path)) == pytest.approx(2, abs=0.05)
    samples = whole(tmp_path, path)
    assert samples.shape[1] == pytest.approx(2 * RATE, abs=2400)
    spectrum = np.abs(np.fft.rfft(samples[0, 24_000:72_000]))
    assert spectrum.argmax() == pytest.approx(440, abs=1)


# What libav's own muxers write: their rounding of time stamps (a millisecond) and the codec's delay are in it.
CONTAINERS = [
    ("aac", "mp4", 0.0005),
    ("aac", "mov", 0.0005),
    ("libmp3lame", "mp4", 0.0005),
    ("libopus", "mp4", 0.0005),
    ("aac", "mkv", 0.002),
    ("libmp3lame", "mkv", 0.002),
    ("flac", "mkv", 0.002),
    ("ac3", "mkv", 0.002),
    ("libopus", "webm", 0.008),  # the muxer delays the pictures by what the codec adds to the sound
    ("libvorbis", "webm", 0.002),
]


def film(path: Path, codec: str, *, start: float = 1, total: float = 3, sound: str = "") -> Path:
    """A video with half a second of tone from `start`."""
    heard = sound or f"aevalsrc='if(between(t,{start},{start + 0.5}),0.5*sin(2*PI*1000*t),0)':d={total}:s=44100"
    pictures = "libvpx" if path.suffix == ".webm" else "libx264"
    inputs = ["-f", "lavfi", "-i", f"testsrc=d={total}:s=64x64:r=25", "-f", "lavfi", "-i", heard]
    ffmpeg(*inputs, "-c:v", pictures, "-c:a", codec, "-strict", "-2", path)
    return path


def onset(samples: np.ndarray) -> float:
    """When a tone sets in, in seconds: a quarter of a window after that, it has half of its amplitude."""
    level = np.sqrt(np.convolve(np.square(samples[0], dtype=np.float64), np.ones(480) / 480, "valid"))
    return float(np.flatnonzero(level > 0.5 * level.max())[0] + 360) / RATE


@pytest.mark.parametrize(("codec", "container", "off"), CONTAINERS, ids=str)
def test_sound_sets_in_with_its_picture(tmp_path: Path, codec: str, container: str, off: float) -> None:
    path = film(tmp_path / f"film.{container}", codec)
    out = play(project(tmp_path, [clip(path, "2s")], [path]))
    assert onset(out) == pytest.approx(1, abs=off + 0.001)


def test_sound_that_starts_after_its_picture_is_late_by_as_much(tmp_path: Path) -> None:
    path, late = film(tmp_path / "film.mp4", "aac"), tmp_path / "late.mp4"
    ffmpeg("-i", path, "-itsoffset", "0.4", "-i", path, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    out = play(project(tmp_path, [clip(late, "2s")], [late]))
    assert onset(out) == pytest.approx(1.4, abs=0.002)


def test_sound_that_begins_before_the_pictures_is_heard_from_its_beginning(tmp_path: Path) -> None:
    path, late = film(tmp_path / "film.mkv", "flac"), tmp_path / "late.mkv"
    ffmpeg("-itsoffset", "0.4", "-i", path, "-i", path, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    out = play(project(tmp_path, [clip(late, "2s")], [late]))
    assert onset(out) == pytest.approx(1.0, abs=0.003)


@pytest.mark.parametrize("name", ["long.mp4", "long.mkv", "long.flac", "long.wav", "long.mp3", "long.ogg"])
def test_the_middle_of_a_long_file_is_what_it_is_in_the_whole(tmp_path: Path, name: str) -> None:
    """Apart, parts of it are sought; together, all is decoded."""
    path = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=40:r=44100:seed=1:a=0.4,lowpass=500,lowpass=500", path)
    parts = [range(RATE, 2 * RATE), range(15 * RATE, 15 * RATE + 5000), range(38 * RATE, 39 * RATE)]
    everything = decoded(tmp_path, path, range(40 * RATE))
    sought = decoded(tmp_path, path, *parts)
    for part in parts:
        expected, found = (each.read(part.start, len(part)) for each in (everything, sought))
        # What is sought is on the grid of the timeline to half a sample, and in Matroska, where time stamps are
        # rounded, to half a millisecond.
        off = 48 if name.endswith("mkv") else 1
        lags = [np.abs(np.roll(found, lag, axis=1) - expected)[:, 100:-100].max() for lag in range(-off, off + 1)]
        assert min(lags) < 0.03 * np.abs(expected).max()


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 88_200, 96_000, 192_000])
def test_every_rate_becomes_48_khz_to_the_sample(tmp_path: Path, rate: int) -> None:
    at = np.arange(rate + 37) / rate
    path = write_wav(tmp_path / "tone.wav", np.rint(12_000 * np.sin(2 * np.pi * 440 * at))[:, None], rate)
    samples = whole(tmp_path, path)
    assert samples.shape[1] == int(Fraction(rate + 37, rate) * RATE + Fraction(1, 2))
    expected = 12_000 / 32768 * np.sin(2 * np.pi * 440 * np.arange(samples.shape[1]) / RATE)
    assert np.abs(samples - expected)[:, 2000:-2000].max() < 5e-5


def test_a_loop_of_another_rate_has_no_click_at_its_seam(tmp_path: Path) -> None:
    at = np.arange(44_100) / 44_100
    path = write_wav(tmp_path / "tone.wav", np.rint(12_000 * np.sin(2 * np.pi * 100 * at))[:, None], 44_100)
    out = play(project(tmp_path, [color("#000000", "3s")], [path], audio={"tracks": [track(path, loop=True)]}))[0]
    expected = 12_000 / 32768 * np.sin(2 * np.pi * 100 * np.arange(3 * RATE) / RATE)
    assert np.abs(out - expected)[200:-200].max() < 3e-3


@pytest.mark.parametrize(
    ("layout", "gains"),
    [
        ("mono", [(1, 1)]),
        ("stereo", [(1, 0), (0, 1)]),
        ("5.1", [(1, 0), (0, 1), (0.7071, 0.7071), (0, 0), (0.7071, 0), (0, 0.7071)]),
    ],
)
def test_channels_are_mixed_down_as_bs_775_has_it(
    tmp_path: Path, layout: str, gains: list[tuple[float, float]]
) -> None:
    for channel, expected in enumerate(gains):
        path = tmp_path / f"{layout}-{channel}.wav"
        levels = "|".join("0.25" if number == channel else "0" for number in range(len(gains)))
        ffmpeg("-f", "lavfi", "-i", f"aevalsrc={levels}:c={layout}:d=0.1:s=48000", "-c:a", "pcm_s24le", path)
        assert whole(tmp_path, path)[:, 2400] == pytest.approx(0.25 * np.array(expected), abs=1e-4)


def test_a_gap_in_the_sound_is_silence_of_its_length(tmp_path: Path) -> None:
    """As from a recorder that was paused."""
    path = tmp_path / "gap.mkv"
    paused = "volume=4,aselect='lt(t,1)+gte(t,2)'"
    ffmpeg("-f", "lavfi", "-i", "sine=440:d=3:r=48000", "-af", paused, "-c:a", "pcm_s16le", path)
    samples = np.abs(whole(tmp_path, path)[0])
    assert len(samples) == pytest.approx(3 * RATE, abs=100)
    assert samples[:RATE].max() > 0.1
    assert not samples[RATE + 2000 : 2 * RATE - 2000].any()
    assert samples[2 * RATE + 2000 :].max() > 0.1


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


@pytest.mark.parametrize("suffix", ["wav", "ogg", "mp3", "m4a", "mka", "flac"])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"noise.{suffix}"
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=duration=3:sample_rate=48000:seed=1", "-movflags", "+faststart", path)
    assert whole(tmp_path, path).shape[1] == pytest.approx(3 * RATE, abs=2400)
    with pytest.raises(
        PermanentError, match=r"spec\.audio\.tracks\[0\]\.uri: volume://media/x\.mp3 (is cut short: |cannot )"
    ):
        whole(tmp_path, cut(path, 0.6))


def test_what_is_not_needed_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "noise.flac"
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=duration=3:sample_rate=48000:seed=1", path)
    pcm = decoded(tmp_path, cut(path, 0.6), range(RATE))
    assert pcm.end is None
    assert pcm.read(0, RATE).any()


def test_an_mp3_whose_bitrate_grows_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "grows.mp3"
    sound = (
        "aevalsrc=0:duration=2,aformat=channel_layouts=stereo[a];anoisesrc=duration=4:seed=1[b];[a][b]concat=v=0:a=1"
    )
    ffmpeg("-filter_complex", sound, "-write_xing", "0", "-q:a", "2", path)
    assert whole(tmp_path, path).shape[1] == pytest.approx(6 * RATE, abs=3000)


@pytest.fixture
def short_sound(tmp_path: Path) -> Path:
    """A Matroska file whose sound ends before its pictures."""
    path = tmp_path / "short.mka"
    inputs = ["-f", "lavfi", "-i", "testsrc=duration=4:size=64x64", "-f", "lavfi", "-i", "anoisesrc=duration=2:seed=1"]
    ffmpeg(*inputs, "-f", "matroska", path)
    return path


def test_sound_may_end_before_the_pictures_beside_it(tmp_path: Path, short_sound: Path) -> None:
    assert whole(tmp_path, short_sound).shape[1] == pytest.approx(2 * RATE, abs=2400)


def test_truncated_sound_beside_pictures_is_refused(tmp_path: Path, short_sound: Path) -> None:
    with pytest.raises(PermanentError, match="is cut short: "):
        whole(tmp_path, cut(short_sound, 0.3))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b"just words",
            "is a text file, not an MP3, M4A, AAC, WAV, .* sound file",
        ),
        (b"", "is an empty file, not"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "is a playlist file, not"),
        (b"ID3" + bytes(50), "(is a damaged MP3 file|is an MP3 file without sound)"),
        (b"OggS" + bytes(500), "is a(n Ogg file without sound| damaged Ogg file)"),
        (b"fLaC" + bytes(500), "is a damaged FLAC file"),
    ],
)
def test_what_is_no_sound_is_refused_by_name(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(content)
    with pytest.raises(PermanentError, match=rf"^spec\.audio\.tracks\[0\]\.uri: volume://media/x\.mp3 {says}"):
        check_audio(source(path))


@pytest.mark.parametrize(
    ("channels", "rate", "says"),
    [
        (1, 1, "has 1 samples a second; 4,000 to 384,000 are read"),
        (1, 2_000_000_000, "has 2,000,000,000 samples a second"),
        (40, 48_000, "has 40 channels of sound; at most 24 are mixed down"),
    ],
)
def test_sound_of_no_ears_is_refused(tmp_path: Path, channels: int, rate: int, says: str) -> None:
    path = write_wav(tmp_path / "odd.wav", np.zeros((100, channels)), rate)
    with pytest.raises(PermanentError, match=says):
        whole(tmp_path, path)


def test_a_codec_that_nobody_needs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.mka"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-c:a", "adpcm_yamaha", "-f", "wav", path)
    with pytest.raises(PermanentError, match="has its sound as adpcm_yamaha, which is not read: use AAC, "):
        check_audio(source(path))


def test_a_video_without_sound_is_refused(studio: Studio) -> None:
    silent = studio.movie([color("#ff0000", "200ms")])
    with pytest.raises(PermanentError, match="is an MP4 file without sound"):
        check_audio(source(silent))


def test_decoding_stops_when_told(tmp_path: Path) -> None:
    answers = iter([False, True])
    scratch = Scratch(tmp_path / "raw")
    with pytest.raises(CancelledError):
        decode_sound(
            source(counting(tmp_path / "a.wav", 3)),
            [range(10 * RATE)],
            scratch,
            lambda _: None,
            lambda: next(answers),
        )
    scratch.close()


def test_a_source_that_is_used_often_is_kept_once(tmp_path: Path) -> None:
    path = noise(tmp_path / "noise.wav", 3, 1)
    scratch = Scratch(tmp_path / "raw")
    parts = [range(RATE, 2 * RATE)]
    pcm = decode_sound(source(path), parts, scratch, lambda _: None, lambda: False)
    assert scratch.position == RATE
    assert not pcm.read(0, RATE).any()
    scratch.close()
    five_seconds = [clip(path, "1s", **{"from": "1s"}) for _ in range(5)]
    out = play(project(tmp_path, five_seconds, [path]))
    assert np.array_equal(out, np.tile(out[:, :RATE], 5))
    assert numbers(play(project(tmp_path, [clip(counting(tmp_path / "a.wav", 1), "1s")], [tmp_path / "a.wav"]))).any()
