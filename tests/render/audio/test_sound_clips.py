"""The sound of video clips: cut, speed, reverse, loop, and crossfades, to the sample."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.ffmpeg import ffmpeg
from tests.render.sounds import (
    RATE,
    clip,
    counting,
    crossfade,
    film_of,
    flat,
    noise,
    numbers,
    opened,
    play,
    project,
    tone,
    track,
    write_wav,
)
from tests.render.studio import color, uri


def test_a_clip_sounds_where_it_is_seen(tmp_path: Path) -> None:
    path = counting(tmp_path / "a.wav", 1)
    clips = [color("#000000", "500ms"), clip(path, "250ms", **{"from": "100ms"}), color("#000000", "500ms")]
    out = play(project(tmp_path, clips, [path]))
    assert not out[:, :24_000].any()
    assert numbers(out[:, 24_000:36_000]).tolist() == list(range(4800, 16_800))
    assert not out[:, 36_000:].any()


def test_silent_clips_have_no_soundtrack(tmp_path: Path) -> None:
    path = counting(tmp_path / "a.wav", 1)
    muted = project(tmp_path, [clip(path, "250ms", volume=0)], [path])
    assert opened(muted) is None
    without = project(tmp_path, [clip(path, "250ms")], [path], probed={path: replace(film_of(path), has_sound=False)})
    assert opened(without) is None


def test_volume_is_a_factor(tmp_path: Path) -> None:
    path = flat(tmp_path / "flat.wav", 1)
    out = play(project(tmp_path, [clip(path, "500ms", volume=0.5)], [path]))
    assert np.abs(out - 0.25).max() < 1e-6


def test_reverse_plays_the_last_sample_first(tmp_path: Path) -> None:
    path = counting(tmp_path / "a.wav", 1)
    clips = [clip(path, "500ms", to="750ms", reverse=True)]
    out = play(project(tmp_path, clips, [path]))
    assert numbers(out).tolist() == [35_999 - n for n in range(24_000)]


def test_reverse_without_an_end_starts_at_that_of_the_pictures(tmp_path: Path) -> None:
    path = counting(tmp_path / "a.wav", 1)
    probed = {path: film_of(path, Fraction(9, 10))}
    out = play(project(tmp_path, [clip(path, "500ms", reverse=True)], [path], probed=probed))
    assert numbers(out).tolist() == [43_199 - n for n in range(24_000)]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_loop_repeats_to_the_sample(tmp_path: Path, backwards: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    path = counting(tmp_path / "a.wav", 1)
    clips = [clip(path, "2500ms", **{"from": "250ms"}, to="500ms", loop=True, reverse=backwards)]
    out = play(project(tmp_path, clips, [path]))
    place = np.arange(120_000) % 12_000
    assert numbers(out).tolist() == (12_000 + (11_999 - place if backwards else place)).tolist()


def test_a_loop_of_a_long_part_repeats_to_the_sample(tmp_path: Path) -> None:
    path = counting(tmp_path / "a.wav", 1)
    out = play(project(tmp_path, [clip(path, "3s", to="700ms", loop=True)], [path]))
    assert numbers(out).tolist() == [n % 33_600 for n in range(3 * RATE)]


def test_a_loop_of_no_whole_number_of_samples_does_not_drift(tmp_path: Path) -> None:
    path = counting(tmp_path / "a.wav", 1)
    # 10.01 ms are 480.48 samples: after 100 rounds, whole ones would be off by a millisecond.
    out = play(project(tmp_path, [clip(path, "2002ms", to="10.01ms", loop=True)], [path]))
    starts = np.flatnonzero(numbers(out) == 0)
    assert starts.tolist() == [-(-n * 48_048 // 100) for n in range(200)]


def hertz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 19))
    return float(spectrum.argmax()) * RATE / (1 << 19)


@pytest.mark.parametrize("speed", [0.1, 0.5, 0.83, 1.25, 2, 3.3, 10])
def test_speed_keeps_the_pitch_and_the_moment(tmp_path: Path, speed: float) -> None:
    """A second of 440 Hz after a second of silence, and 660 Hz after that."""
    at = np.arange(RATE) / RATE
    parts = [np.zeros(RATE), *(0.5 * np.sin(2 * np.pi * hz * at) for hz in (440, 660)), np.zeros(RATE)]
    path = write_wav(tmp_path / "tones.wav", np.repeat(np.concatenate(parts)[:, None] * 32767, 2, axis=1))
    length = Fraction(4) / Fraction(str(speed))
    out = play(project(tmp_path, [clip(path, "auto", speed=speed)], [path]))[0]
    assert len(out) == round(length * RATE)
    second = RATE / speed
    assert hertz(out[int(1.2 * second) : int(1.8 * second)]) == pytest.approx(440, rel=0.01)
    assert hertz(out[int(2.2 * second) : int(2.8 * second)]) == pytest.approx(660, rel=0.01)
    loud = np.flatnonzero(np.abs(out) > 0.1)
    # The windows that reach a moment are centred within half a window and the shift of it, in the source's time.
    near = 0.045 * RATE / min(speed, 1)
    assert loud[0] == pytest.approx(second, abs=near)
    assert loud[-1] == pytest.approx(3 * second, abs=near)


def test_a_faster_tone_has_no_gaps(tmp_path: Path) -> None:
    path = tone(tmp_path / "tone.wav", 3, hz=330)
    out = play(project(tmp_path, [clip(path, "2s", speed=1.5)], [path]))[0]
    middle = out[RATE // 4 : -RATE // 4].astype(np.float64)
    level = np.sqrt(np.square(middle[: len(middle) // 480 * 480]).reshape(-1, 480).mean(axis=1))
    assert level.min() > 0.9 * level.max()


def test_fast_and_backwards_and_again(tmp_path: Path) -> None:
    """Silence, then a tone: backwards, the tone comes first, in each round."""
    at = np.arange(RATE) / RATE
    sound = np.concatenate([np.zeros(RATE), 16_000 * np.sin(2 * np.pi * 500 * at)])
    path = write_wav(tmp_path / "half.wav", np.repeat(sound[:, None], 2, axis=1))
    clips = [clip(path, "3s", to="2s", speed=2, reverse=True, loop=True)]
    out = np.abs(play(project(tmp_path, clips, [path]))[0])
    level = out[: len(out) // 4800 * 4800].reshape(-1, 4800).max(axis=1)
    assert (level[[1, 2, 3, 11, 12, 13, 21, 22, 23]] > 0.4).all()
    assert (level[[6, 7, 8, 16, 17, 18, 26, 27, 28]] < 0.01).all()


def test_the_same_sound_on_both_sides_of_a_crossfade_stays_level(tmp_path: Path) -> None:
    path = flat(tmp_path / "flat.wav", 2)
    clips = [clip(path, "1s"), clip(path, "1s", transition=crossfade("300ms"))]
    out = play(project(tmp_path, clips, [path]))
    assert out.shape[1] == int(1.7 * RATE)
    assert np.abs(out - 0.5).max() < 1e-6


def test_unlike_sounds_keep_their_power_over_a_crossfade(tmp_path: Path) -> None:
    one, other = noise(tmp_path / "one.wav", 2, 1), noise(tmp_path / "other.wav", 2, 2)
    clips = [clip(one, "2s"), clip(other, "2s", transition=crossfade("1500ms"))]
    out = play(project(tmp_path, clips, [one, other]))
    power = np.square(out[:, : out.shape[1] // 4800 * 4800], dtype=np.float64).reshape(2, -1, 4800).mean(axis=(0, 2))
    assert 10 * np.log10(power.max() / power.min()) < 0.6


def test_a_crossfade_is_exact_where_it_starts_and_ends(tmp_path: Path) -> None:
    """Left sounds in the first clip alone, right in the second: so each side's gain can be read off."""
    left = write_wav(tmp_path / "left.wav", np.tile([16384, 0], (2 * RATE, 1)))
    right = write_wav(tmp_path / "right.wav", np.tile([0, 16384], (2 * RATE, 1)))
    clips = [clip(left, "1s"), clip(right, "1s", transition=crossfade("250ms"))]
    out = play(project(tmp_path, clips, [left, right])) * 2
    share = np.clip((np.arange(84_000) - 36_000) / 12_000, 0, 1)
    power = np.sqrt(share**2 + (1 - share) ** 2)
    assert np.abs(out[0] - (1 - share) / power).max() < 1e-6
    assert np.abs(out[1] - share / power).max() < 1e-6


def test_a_clip_beside_a_silent_one_fades(tmp_path: Path) -> None:
    path = flat(tmp_path / "flat.wav", 2)
    clips = [
        color("#000000", "1s"),
        clip(path, "1s", transition=crossfade("250ms")),
        color("#000000", "1s", transition=crossfade("250ms")),
    ]
    out = play(project(tmp_path, clips, [path]))[0] * 2
    assert not out[:36_000].any()
    assert out[36_000] == 0
    assert out[42_000] == pytest.approx(np.sqrt(0.5), abs=1e-6)
    assert np.abs(out[48_000:72_000] - 1).max() < 1e-6
    assert out[78_000] == pytest.approx(np.sqrt(0.5), abs=1e-6)
    assert not out[84_000:].any()


def test_a_crossfade_of_unlike_sounds_is_near_that_of_ffmpeg(tmp_path: Path) -> None:
    one, other = noise(tmp_path / "one.wav", 1, 1, 0.1), noise(tmp_path / "other.wav", 1, 2, 0.1)
    clips = [clip(one, "1s"), clip(other, "1s", transition=crossfade("500ms"))]
    out = play(project(tmp_path, clips, [one, other]))
    theirs = tmp_path / "theirs.f32"
    graph = "acrossfade=duration=0.5:curve1=qsin:curve2=qsin"
    ffmpeg("-i", one, "-i", other, "-filter_complex", graph, "-f", "f32le", theirs)
    expected = np.fromfile(theirs, "<f4").reshape(-1, 2).T
    assert expected.shape == out.shape
    # A quarter of a sine and x/√(x²+(1-x)²) are both of equal power, and never further apart than this.
    error = np.abs(out - expected)
    assert error[:, :24_000].max() < 1e-4
    assert error.max() < 0.08 * np.abs(expected).max()


def test_sound_of_a_shorter_source_ends_in_silence(tmp_path: Path) -> None:
    path = flat(tmp_path / "flat.wav", 0.5)
    out = play(project(tmp_path, [clip(path, "1s")], [path], probed={path: film_of(path, Fraction(1))}))
    assert out[:, :24_000].all()
    assert not out[:, 24_000:].any()


def test_a_video_over_the_clips_is_heard_while_it_is_seen(tmp_path: Path) -> None:
    path = flat(tmp_path / "flat.wav", 2)
    overlay = {"video": {"uri": uri(path)}, "from": "400ms", "to": "1400ms", "fadeIn": "200ms"}
    out = play(project(tmp_path, [color("#000000", "2s")], [path], overlays=[overlay]))[0] * 2
    assert not out[:19_200].any()
    assert out[24_000] == pytest.approx(0.5, abs=1e-6)
    assert np.abs(out[28_800:67_200] - 1).max() < 1e-6
    assert not out[67_200:].any()


def test_all_that_sounds_is_added(tmp_path: Path) -> None:
    one, other = noise(tmp_path / "one.wav", 1, 1, 0.05), noise(tmp_path / "other.wav", 1, 2, 0.05)
    clips = [clip(one, "1s")]
    both = play(project(tmp_path, clips, [one, other], audio={"tracks": [track(other, volume=0.5)]}))
    apart = play(project(tmp_path, clips, [one])) + play(
        project(tmp_path, [color("#000000", "1s")], [other], audio={"tracks": [track(other, volume=0.5)]})
    )
    assert np.abs(both - apart).max() < 1e-6
