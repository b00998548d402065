"""Sound to the sample: cutting, looping, fades, placing; and refusals."""

import subprocess
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests import media
from tests.render.studio import Studio, color, probe, sound, uri
from videojob_contract.errors import CancelledError, PermanentError
from videojob_contract.resources.audio import Track
from videojob_worker.audio.decode import Decoded, check_audio, decode_track
from videojob_worker.audio.mix import mix_tracks
from videojob_worker.audio.track import place
from videojob_worker.media.source import Source

RATE = 48_000


def source(path: Path) -> Source:
    return Source("spec.audio.tracks[0].uri", "volume://media/x.mp3", path)


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """Write `(n, channels) int16`."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def counting(path: Path, seconds: float) -> Path:
    """A stereo WAV in which each sample tells its own number: left the low digits, right the high ones."""
    number = np.arange(int(seconds * RATE))
    return write_wav(path, np.stack([number % 256, number // 256], axis=1) * 64)


def numbers(samples: np.ndarray) -> np.ndarray:
    """Read the numbers back from `(2, n) float32`."""
    low, high = np.rint(samples * 32768 / 64).astype(int)
    return np.asarray(high * 256 + low)


def mixed(tmp_path: Path, path: Path, total: int, **fields: str | float | bool) -> np.ndarray:
    track = Track.model_validate({"uri": "volume://media/x.wav", **fields})
    decoded = decode_track(
        source(path), tmp_path / "raw", start_s=track.from_, end_s=track.to, needed=total, stopped=lambda: False
    )
    return np.concatenate(list(mix_tracks([(decoded, place(track, decoded.samples, total))], total)), axis=1)


def test_samples_come_through_untouched(tmp_path: Path) -> None:
    out = mixed(tmp_path, counting(tmp_path / "a.wav", 1), RATE // 2)
    assert numbers(out).tolist() == list(range(RATE // 2))


def test_a_trimmed_track_loops_without_a_gap(tmp_path: Path) -> None:
    out = mixed(tmp_path, counting(tmp_path / "a.wav", 1), 100_001, loop=True, **{"from": "250ms", "to": "500ms"})
    assert numbers(out).tolist() == [12_000 + n % 12_000 for n in range(100_001)]


def test_a_track_ends_and_is_followed_by_silence(tmp_path: Path) -> None:
    out = mixed(tmp_path, counting(tmp_path / "a.wav", 0.5), RATE)
    assert numbers(out[:, :24_000])[-1] == 23_999
    assert not out[:, 24_000:].any()


def test_a_track_starts_at_its_offset(tmp_path: Path) -> None:
    out = mixed(tmp_path, counting(tmp_path / "a.wav", 1), RATE, offset="500ms")
    assert not out[:, :24_000].any()
    assert numbers(out[:, 24_000:]).tolist() == list(range(24_000))


def flat(path: Path, seconds: float) -> Path:
    return write_wav(path, np.full((int(seconds * RATE), 2), 16384))


def test_fades_are_linear_and_volume_is_a_factor(tmp_path: Path) -> None:
    path = flat(tmp_path / "flat.wav", 2)
    out = mixed(tmp_path, path, 2 * RATE, volume=0.5, fadeIn="1s", fadeOut="500ms")[0]
    expected = np.full(2 * RATE, 0.25)
    expected[:RATE] *= np.arange(RATE) / RATE
    expected[-24_000:] *= np.arange(24_000, 0, -1) / 24_000
    assert np.abs(out - expected).max() < 1e-6


def test_a_short_track_fades_out_at_its_own_end(tmp_path: Path) -> None:
    out = mixed(tmp_path, flat(tmp_path / "flat.wav", 1), 2 * RATE, fadeOut="500ms")[0]
    assert out[36_000] == pytest.approx(0.25, abs=1e-4)
    assert out[RATE - 1] < 0.001
    assert not out[RATE:].any()


def test_a_loop_fades_out_at_the_end_of_the_timeline(tmp_path: Path) -> None:
    out = mixed(tmp_path, flat(tmp_path / "flat.wav", 1), 3 * RATE, loop=True, fadeOut="1s")[0]
    assert out[2 * RATE] == pytest.approx(0.5, abs=1e-4)
    assert out[int(2.5 * RATE)] == pytest.approx(0.25, abs=1e-4)


def test_loud_tracks_are_clipped_not_wrapped(tmp_path: Path) -> None:
    out = mixed(tmp_path, flat(tmp_path / "flat.wav", 0.1), 4800, volume=10)
    assert out.max() == 1.0
    assert out.min() == 1.0


def test_tracks_are_added(tmp_path: Path) -> None:
    track = Track(uri="volume://media/x.wav")

    def decoded(name: str) -> Decoded:
        path = flat(tmp_path / f"{name}.wav", 0.1)
        return decode_track(
            source(path), tmp_path / name, start_s=None, end_s=None, needed=10 * RATE, stopped=lambda: False
        )

    pair = [(decoded(name), place(track, 4800, 4800)) for name in ("a", "b")]
    out = np.concatenate(list(mix_tracks(pair, 4800)), axis=1)
    assert np.abs(out - 1.0).max() < 1e-6


@pytest.mark.parametrize("rate", [8000, 44_100, 96_000])
def test_other_rates_and_mono_become_48_khz_stereo(tmp_path: Path, rate: int) -> None:
    tone = 12_000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    out = mixed(tmp_path, write_wav(tmp_path / "tone.wav", tone[:, None], rate), RATE)
    middle = out[:, 12_000:36_000]
    assert np.allclose(middle[0], middle[1])
    spectrum = np.abs(np.fft.rfft(middle[0]))
    assert spectrum.argmax() * RATE / middle.shape[1] == pytest.approx(440, abs=2)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("-c:a", "libmp3lame", "x.mp3"), id="mp3"),
        pytest.param(("-c:a", "aac", "x.m4a"), id="m4a"),
        pytest.param(("-c:a", "flac", "x.flac"), id="flac"),
        pytest.param(("-c:a", "libvorbis", "x.ogg"), id="ogg"),
        pytest.param(("-c:a", "libopus", "x.mka"), id="matroska"),
        pytest.param(("-c:a", "pcm_s24le", "x.wav"), id="wav"),
    ],
)
def test_every_promised_format_decodes_to_its_length(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=440:duration=2:sample_rate=48000"]
    subprocess.run([*command, *arguments], check=True, cwd=tmp_path)
    path = tmp_path / arguments[-1]
    check_audio(source(path))
    decoded = decode_track(
        source(path), tmp_path / "raw", start_s=None, end_s=None, needed=10 * RATE, stopped=lambda: False
    )
    assert decoded.samples == pytest.approx(2 * RATE, abs=2400)


@pytest.fixture
def flac(tmp_path: Path) -> Path:
    path = tmp_path / "tone.flac"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anoisesrc=duration=3:sample_rate=48000:seed=1"]
    subprocess.run([*command, str(path)], check=True)
    return path


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def decode_all(tmp_path: Path, path: Path, end_s: Fraction | None = None, start_s: Fraction | None = None) -> Decoded:
    return decode_track(
        source(path), tmp_path / "raw", start_s=start_s, end_s=end_s, needed=10 * RATE, stopped=lambda: False
    )


@pytest.mark.parametrize("suffix", ["wav", "ogg", "mp3", "m4a", "mka", "flac"])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"noise.{suffix}"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anoisesrc=duration=3:sample_rate=48000:seed=1"]
    subprocess.run([*command, "-movflags", "+faststart", str(path)], check=True)
    assert decode_all(tmp_path, path).samples == pytest.approx(3 * RATE, abs=2400)
    with pytest.raises(
        PermanentError, match=r"spec\.audio\.tracks\[0\]\.uri: volume://media/x\.mp3 (is cut short: |cannot )"
    ):
        decode_all(tmp_path, cut(path, 0.6))


def test_what_is_not_needed_is_not_decoded(tmp_path: Path, flac: Path) -> None:
    decoded = decode_track(
        source(cut(flac, 0.6)), tmp_path / "raw", start_s=None, end_s=None, needed=RATE, stopped=lambda: False
    )
    assert decoded.samples == RATE


def test_an_mp3_whose_bitrate_grows_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "grows.mp3"
    sound_of = (
        "aevalsrc=0:duration=2,aformat=channel_layouts=stereo[a];anoisesrc=duration=4:seed=1[b];[a][b]concat=v=0:a=1"
    )
    command = ["ffmpeg", "-v", "error", "-filter_complex", sound_of, "-write_xing", "0", "-q:a", "2", str(path)]
    subprocess.run(command, check=True)
    assert decode_all(tmp_path, path).samples == pytest.approx(6 * RATE, abs=3000)


@pytest.fixture
def short_sound(tmp_path: Path) -> Path:
    """A Matroska file whose sound ends before its pictures."""
    path = tmp_path / "short.mka"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=duration=4:size=64x64", "-f", "lavfi"]
    subprocess.run([*command, "-i", "anoisesrc=duration=2:seed=1", "-f", "matroska", str(path)], check=True)
    return path


def test_sound_may_end_before_the_pictures_beside_it(tmp_path: Path, short_sound: Path) -> None:
    assert decode_all(tmp_path, short_sound).samples == pytest.approx(2 * RATE, abs=2400)


def test_truncated_sound_beside_pictures_is_refused(tmp_path: Path, short_sound: Path) -> None:
    with pytest.raises(PermanentError, match="is cut short: "):
        decode_all(tmp_path, cut(short_sound, 0.3))


def test_less_than_a_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="is to play for less than one sample"):
        decode_all(
            tmp_path, counting(tmp_path / "a.wav", 1), start_s=Fraction(1, 2), end_s=Fraction(500_001, 1_000_000)
        )


def test_a_start_after_the_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"lasts 1\.0s, so that nothing is left from 2s on"):
        decode_all(tmp_path, counting(tmp_path / "a.wav", 1), start_s=Fraction(2))


def test_an_end_after_the_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"lasts 1\.0s, less than the 2s to which it should play"):
        decode_all(tmp_path, counting(tmp_path / "a.wav", 1), end_s=Fraction(2))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"just words", "is a text file, not an MP3, M4A, WAV, FLAC, Ogg or Matroska sound file"),
        (b"", "is an empty file, not"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "is a playlist file, not"),
        (b"ID3" + bytes(50), "(is a damaged MP3 file|is an MP3 file without sound)"),
        (b"OggS" + bytes(500), "is cut short"),
        (b"fLaC" + bytes(500), "is a damaged FLAC file"),
    ],
)
def test_what_is_no_sound_is_refused_by_name(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(content)
    with pytest.raises(PermanentError, match=rf"^spec\.audio\.tracks\[0\]\.uri: volume://media/x\.mp3 {says}"):
        check_audio(source(path))


def test_a_video_without_sound_is_refused(studio: Studio) -> None:
    silent = studio.movie([color("#ff0000", "200ms")])
    with pytest.raises(PermanentError, match="is an MP4 file without sound"):
        check_audio(source(silent))


def test_decoding_stops_when_told(tmp_path: Path) -> None:
    answers = iter([False, True])
    with pytest.raises(CancelledError):
        decode_track(
            source(counting(tmp_path / "a.wav", 3)),
            tmp_path / "raw",
            start_s=None,
            end_s=None,
            needed=10 * RATE,
            stopped=lambda: next(answers),
        )


@pytest.mark.parametrize("fps", ["24000/1001", "25", "30000/1001", "30", "50", "60000/1001"])
def test_sound_and_picture_have_the_length_of_the_timeline(studio: Studio, fps: str) -> None:
    movie = studio.movie(
        [color("#204060", "2345ms")],
        files=[media.music()],
        fps=fps,
        tracks=[{"uri": uri(media.music()), "loop": True}],
    )
    streams = {stream["codec_type"]: stream for stream in probe(movie)["streams"]}
    assert Fraction(streams["audio"]["duration_ts"], RATE) == Fraction(2345, 1000)
    frames = round(Fraction(2345, 1000) * Fraction(fps))
    assert float(streams["video"]["duration"]) == pytest.approx(float(frames / Fraction(fps)), abs=1e-5)
    assert float(streams["audio"]["start_time"]) == float(streams["video"]["start_time"]) == 0


def test_a_click_is_heard_where_it_was_put(studio: Studio, tmp_path: Path) -> None:
    samples = np.zeros((2 * RATE, 2))
    samples[60_000:60_048] = 30_000
    click = write_wav(tmp_path / "click.wav", samples)
    movie = studio.movie([color("#000000", "2s")], files=[click], tracks=[{"uri": uri(click)}])
    heard = np.abs(sound(movie)[0])
    assert abs(int(heard.argmax()) - 60_024) <= 48
