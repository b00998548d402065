"""How loud: fades, envelopes, ducking, limiting and loudness, each against its analytic value or ffmpeg's filter."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests import media
from tests.ffmpeg import ffmpeg
from tests.render.sounds import (
    RATE,
    flat,
    noise,
    play,
    project,
    said_by_ffmpeg,
    tone,
    track,
    write_float_wav,
    write_wav,
)
from tests.render.studio import color, uri
from videojob_contract.resources.audio import FadeCurve
from videojob_worker.audio.limiter import limit
from videojob_worker.audio.loudness import measure

BLACK = "#000000"


def mixed(tmp_path: Path, length: str, tracks: list[dict], files: list[Path], **audio: float) -> np.ndarray:
    return play(project(tmp_path, [color(BLACK, length)], files, audio={"tracks": tracks, **audio}))


CURVES = {
    FadeCurve.LINEAR: ("tri", lambda x: x),
    FadeCurve.EQUAL_POWER: ("qsin", lambda x: np.sin(x * np.pi / 2)),
    FadeCurve.SMOOTH: ("hsin", lambda x: (1 - np.cos(x * np.pi)) / 2),
    FadeCurve.EXPONENTIAL: (None, lambda x: np.where(x > 0, 10 ** (3 * (x - 1)), 0)),
}


@pytest.mark.parametrize("curve", FadeCurve)
def test_fades_follow_their_curve(tmp_path: Path, curve: FadeCurve) -> None:
    path = flat(tmp_path / "flat.wav", 2)
    out = mixed(tmp_path, "2s", [track(path, fadeIn="1s", fadeOut="500ms", fadeCurve=curve)], [path])[0] * 2
    theirs, shape = CURVES[curve]
    at = np.arange(2 * RATE)
    expected = shape(np.clip(at / RATE, 0, 1)) * shape(np.clip((2 * RATE - at) / 24_000, 0, 1))
    assert np.abs(out - expected).max() < 1e-6
    if theirs:
        raw = tmp_path / "theirs.f32"
        ffmpeg("-i", path, "-af", f"aformat=dbl,afade=in:d=1:curve={theirs}", "-f", "f32le", raw)
        faded = np.fromfile(raw, "<f4").reshape(-1, 2)[:, 0] * 2
        assert np.abs(out[:72_000] - faded[:72_000]).max() < 1e-4


def test_an_envelope_is_straight_between_its_points(tmp_path: Path) -> None:
    path = flat(tmp_path / "flat.wav", 4, 0.25)
    points = [{"at": "1s", "volume": 2}, {"at": "1500ms", "volume": 0.5}, {"at": "3s", "volume": 1}]
    out = mixed(tmp_path, "4s", [track(path, offset="500ms", volume=0.5, envelope=points)], [path])[0]
    at = np.arange(4 * RATE)
    expected = 0.125 * np.interp(at, [RATE, 1.5 * RATE, 3 * RATE], [2, 0.5, 1])
    expected[:24_000] = 0
    assert np.abs(out - expected).max() < 1e-6


def speech(path: Path, total: float, bursts: list[tuple[float, float]], level: float = 0.1) -> Path:
    """Tones on the left alone, so that what ducks can be read off the right."""
    at = np.arange(int(total * RATE)) / RATE
    left = 32767 * level * np.sin(2 * np.pi * 500 * at)
    left *= np.any([(at >= first) & (at < last) for first, last in bursts], axis=0)
    return write_wav(path, np.stack([left, np.zeros_like(left)], axis=1))


def ducked(tmp_path: Path, bursts: list[tuple[float, float]], duck: dict, level: float = 0.1) -> np.ndarray:
    """Return the gain of a ducking track at each of 6 s."""
    voice = speech(tmp_path / "voice.wav", 6, bursts, level)
    music = write_wav(tmp_path / "music.wav", np.tile([0, 16384], (6 * RATE, 1)))
    return mixed(tmp_path, "6s", [track(voice), track(music, duck=duck)], [voice, music])[1] * 2


def test_a_track_is_down_before_other_sound_begins(tmp_path: Path) -> None:
    gain = ducked(tmp_path, [(2, 3)], {"to": 0.2, "attack": "500ms", "hold": "250ms", "release": "1s"})
    points = [1.5 * RATE, 2 * RATE, 3.25 * RATE, 4.25 * RATE]
    expected = np.interp(np.arange(6 * RATE), points, [1, 0.2, 0.2, 1])
    assert np.abs(gain - expected).max() < 1e-6


def test_ducking_has_good_defaults(tmp_path: Path) -> None:
    gain = ducked(tmp_path, [(2, 3)], {})
    expected = np.interp(np.arange(6 * RATE), [1.8 * RATE, 2 * RATE, 3.3 * RATE, 3.9 * RATE], [1, 0.25, 0.25, 1])
    assert np.abs(gain - expected).max() < 1e-6


def test_a_ducked_track_stays_down_over_a_pause_between_words(tmp_path: Path) -> None:
    gain = ducked(tmp_path, [(1, 1.5), (2, 2.5)], {})
    assert np.abs(gain[RATE : int(2.8 * RATE)] - 0.25).max() < 1e-6


def test_ducking_to_nothing_is_silence(tmp_path: Path) -> None:
    gain = ducked(tmp_path, [(2, 3)], {"to": 0, "attack": "0s", "hold": "0s", "release": "0s"})
    assert not gain[2 * RATE : 3 * RATE + 1].any()
    assert np.abs(np.delete(gain, slice(2 * RATE, 3 * RATE + 1)) - 1).max() < 1e-6


@pytest.mark.parametrize(("level", "is_down"), [(0.03, True), (0.02, False)])
def test_what_is_below_the_threshold_does_not_count(tmp_path: Path, level: float, is_down: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    """-36 and -40 dBFS on one side are 3 dB and, with the sine's crest, 6 dB less together."""
    gain = ducked(tmp_path, [(2, 3)], {"threshold": -38}, level)
    assert (gain[int(2.5 * RATE)] < 0.5) == is_down


def test_tracks_that_duck_do_not_duck_each_other(tmp_path: Path) -> None:
    one, other = flat(tmp_path / "one.wav", 1, 0.25), flat(tmp_path / "other.wav", 1, 0.25)
    out = mixed(tmp_path, "1s", [track(one, duck={}), track(other, duck={})], [one, other])
    assert np.abs(out - 0.5).max() < 1e-6


def test_a_track_ducks_under_the_sound_of_clips(tmp_path: Path) -> None:
    voice, music = speech(tmp_path / "voice.wav", 1, [(0, 1)]), flat(tmp_path / "music.wav", 3)
    clips = [color(BLACK, "1s"), {"video": {"uri": uri(voice)}, "duration": "1s"}, color(BLACK, "1s")]
    out = play(project(tmp_path, clips, [voice, music], audio={"tracks": [track(music, duck={})]}))
    assert np.abs(out[1, RATE : 2 * RATE] - 0.125).max() < 1e-6
    assert out[1, 0] == pytest.approx(0.5, abs=1e-6)


def test_what_stays_below_full_scale_is_not_touched(tmp_path: Path) -> None:
    samples = np.random.default_rng(3).integers(-32768, 32768, (RATE, 2))
    path = write_wav(tmp_path / "loud.wav", samples)
    out = mixed(tmp_path, "1s", [track(path)], [path])
    assert np.array_equal(out, (samples.T / 32768).astype(np.float32))


def test_peaks_are_turned_down_not_cut_off() -> None:
    """A tone of twice full scale for a second, within one at half of it."""
    at = np.arange(3 * RATE)
    loud = np.where((at >= RATE) & (at < 2 * RATE), 2.0, 0.5) * np.sin(2 * np.pi * 440 * at / RATE)
    out = np.concatenate(list(limit([np.stack([loud, loud]).astype(np.float32)], 1.0)), axis=1)
    assert out.shape == (2, 3 * RATE)
    assert np.abs(out).max() <= 1
    assert np.array_equal(out[0, : RATE - 480], loud[: RATE - 480].astype(np.float32))
    middle = out[0, int(1.2 * RATE) : int(1.8 * RATE)].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    fundamental = spectrum.argmax()
    others = np.delete(spectrum, slice(fundamental - 8, fundamental + 9))
    assert 20 * np.log10(spectrum[fundamental] / others.max()) > 50
    # It is up again within 100 ms of the peak of 6 dB.
    assert np.abs(out[0, int(2.12 * RATE) :] - loud[int(2.12 * RATE) :]).max() < 1e-6


@pytest.mark.parametrize("size", [1, 7, 240, 1000, 16_384])
def test_limiting_does_not_depend_on_the_blocks(size: int) -> None:
    samples = np.random.default_rng(1).normal(0, 0.5, (2, 20_000)).astype(np.float32)[:, : 3000 if size < 10 else None]

    def limited(step: int) -> np.ndarray:
        blocks = [samples[:, first : first + step] for first in range(0, samples.shape[1], step)]
        return np.concatenate(list(limit(blocks, 0.9, true_peaks=True)), axis=1)

    assert np.allclose(limited(size), limited(samples.shape[1]), atol=1e-6)


def test_true_peaks_are_seen_between_the_samples() -> None:
    """A tone of a quarter of the rate at 45°: its samples are 3 dB below its peaks."""
    at = np.arange(RATE)
    between = np.sin(np.pi / 2 * at + np.pi / 4).astype(np.float32) * 1.2
    assert np.abs(between).max() < 0.85
    out = np.concatenate(list(limit([np.stack([between, between])], 0.891, true_peaks=True)), axis=1)
    assert np.abs(out[:, 2000:-2000]).max() == pytest.approx(0.891 * np.sqrt(0.5), rel=0.01)


def loudness(path: Path) -> tuple[float, float]:
    """LUFS and dBTP, as Debian's ffmpeg measures them."""
    said = said_by_ffmpeg("-i", path, "-af", "ebur128=peak=true").rpartition("Summary:")[2]
    found = re.search(r"I: +(\S+) LUFS.*Peak: +(\S+) dBFS", said, re.DOTALL)
    assert found is not None
    return float(found[1]), float(found[2])


@pytest.mark.parametrize("target", [-23, -16])
def test_loudness_is_reached_by_one_gain(tmp_path: Path, target: int) -> None:
    music = media.music()
    tracks = [track(music, volume=0.5, loop=True, fadeOut="1s")]
    plain = mixed(tmp_path, "12s", tracks, [music])
    out = mixed(tmp_path, "12s", tracks, [music], loudness=target)
    lufs, peak = loudness(write_float_wav(tmp_path / "out.wav", out))
    assert lufs == pytest.approx(target, abs=0.1)
    assert peak <= -1
    gains = out[np.abs(plain) > 0.1] / plain[np.abs(plain) > 0.1]
    assert gains.max() - gains.min() < 1e-3


def test_loudness_that_needs_it_is_limited_to_its_true_peak(tmp_path: Path) -> None:
    music = media.music()
    out = mixed(tmp_path, "12s", [track(music, loop=True)], [music], loudness=-10)
    lufs, peak = loudness(write_float_wav(tmp_path / "out.wav", out))
    assert lufs == pytest.approx(-10, abs=0.5)
    assert peak <= -1


def test_a_quiet_mix_with_one_peak_keeps_its_dynamics(tmp_path: Path) -> None:
    samples = np.zeros((4 * RATE, 2))
    samples[RATE // 2 : RATE // 2 + 480] = 30_000
    path = write_wav(tmp_path / "click.wav", samples + 30 * np.random.default_rng(1).normal(size=samples.shape))
    out = mixed(tmp_path, "4s", [track(path)], [path], loudness=-5)
    assert np.abs(out).max() <= 0.9


def test_silence_stays_silent(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "silence.wav", np.zeros((RATE, 2)))
    assert not mixed(tmp_path, "1s", [track(path)], [path], loudness=-14).any()


def test_loudness_is_measured_as_others_do(tmp_path: Path) -> None:
    for path in (tone(tmp_path / "tone.wav", 4, 1000, 0.3), noise(tmp_path / "noise.wav", 4, 1, 0.1)):
        samples = np.frombuffer(path.read_bytes()[44:], "<i2").reshape(-1, 2).T.astype(np.float32) / 32768
        ours = measure([samples[:, :100_000], samples[:, 100_000:]], lambda _: None)
        assert (ours.lufs, ours.true_peak_db) == pytest.approx(loudness(path), abs=0.1)
