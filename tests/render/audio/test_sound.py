"""Tracks under the timeline, to the sample: cutting, looping, placing, adding; and the sound of a finished video."""

import errno
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import media
from tests.render.sounds import RATE, counting, flat, noise, numbers, opened, play, project, track, write_wav
from tests.render.studio import Studio, color, probe, sound, uri
from videojob_contract.errors import CancelledError, PermanentError

BLACK = "#000000"


def mixed(tmp_path: Path, path: Path, samples: int, **fields: Any) -> np.ndarray:
    """One track under a timeline of so many samples."""
    length = Fraction(samples * 1000, RATE)
    clips = [color(BLACK, f"{float(length):.9f}".rstrip("0").rstrip(".") + "ms")]
    return play(project(tmp_path, clips, [path], audio={"tracks": [track(path, **fields)]}))


def test_samples_come_through_untouched(tmp_path: Path) -> None:
    out = mixed(tmp_path, counting(tmp_path / "a.wav", 1), RATE // 2)
    assert numbers(out).tolist() == list(range(RATE // 2))


def test_a_trimmed_track_loops_without_a_gap(tmp_path: Path) -> None:
    out = mixed(tmp_path, counting(tmp_path / "a.wav", 1), 100_001, loop=True, **{"from": "250ms", "to": "500ms"})
    assert numbers(out).tolist() == [12_000 + n % 12_000 for n in range(100_001)]


def test_a_whole_track_loops_without_a_gap(tmp_path: Path) -> None:
    out = mixed(tmp_path, counting(tmp_path / "a.wav", 1), 150_000, loop=True, offset="100ms")
    assert not out[:, :4800].any()
    assert numbers(out[:, 4800:]).tolist() == [n % RATE for n in range(145_200)]


def test_a_track_ends_and_is_followed_by_silence(tmp_path: Path) -> None:
    out = mixed(tmp_path, counting(tmp_path / "a.wav", 0.5), RATE)
    assert numbers(out[:, :24_000])[-1] == 23_999
    assert not out[:, 24_000:].any()


def test_a_track_starts_at_its_offset(tmp_path: Path) -> None:
    out = mixed(tmp_path, counting(tmp_path / "a.wav", 1), RATE, offset="500ms")
    assert not out[:, :24_000].any()
    assert numbers(out[:, 24_000:]).tolist() == list(range(24_000))


def test_fades_are_linear_and_volume_is_a_factor(tmp_path: Path) -> None:
    out = mixed(tmp_path, flat(tmp_path / "flat.wav", 2), 2 * RATE, volume=0.5, fadeIn="1s", fadeOut="500ms")[0]
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


def test_a_loop_of_a_sample_is_no_endless_work(tmp_path: Path) -> None:
    out = mixed(tmp_path, flat(tmp_path / "flat.wav", 1), 10 * RATE, loop=True, to="0.021ms")
    assert np.abs(out - 0.5).max() < 1e-6


def test_a_track_of_many_times_its_volume_stays_within_full_scale(tmp_path: Path) -> None:
    out = mixed(tmp_path, flat(tmp_path / "flat.wav", 0.1), 4800, volume=10)
    assert np.abs(out - 1).max() < 1e-6


def test_thirty_two_tracks_are_added(tmp_path: Path) -> None:
    paths = [noise(tmp_path / f"{number}.wav", 0.5, number, 0.01) for number in range(32)]
    clips = [color(BLACK, "500ms")]
    out = play(project(tmp_path, clips, paths, audio={"tracks": [track(path) for path in paths]}))
    apart = [np.frombuffer(path.read_bytes()[44:], "<i2").reshape(-1, 2).T / 32768 for path in paths]
    assert np.abs(out - np.sum(apart, axis=0)).max() < 1e-6


TRACKS = st.lists(
    st.fixed_dictionaries(
        {"which": st.integers(0, 2), "volume": st.sampled_from([0.0, 0.25, 1.0])},
        optional={
            "from": st.sampled_from(["0s", "10ms", "123.456ms"]),
            "to": st.sampled_from(["200ms", "250.01ms"]),
            "offset": st.sampled_from(["0s", "1ms", "333.333ms"]),
            "loop": st.booleans(),
            "fadeIn": st.sampled_from(["0s", "100ms", "5s"]),
            "fadeOut": st.sampled_from(["0s", "50ms", "5s"]),
        },
    ),
    max_size=4,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tracks=TRACKS)
def test_any_tracks_mix_to_their_sum(tmp_path: Path, tracks: list[dict[str, Any]]) -> None:
    files = [noise(tmp_path / f"{number}.wav", 0.3, number, 0.02) for number in range(3)]
    wanted = [track(files[each["which"]], **{key: each[key] for key in each if key != "which"}) for each in tracks]
    clips = [color(BLACK, "434.567ms")]
    apart = [play(project(tmp_path, clips, files, audio={"tracks": [each]})) for each in wanted]
    plan = project(tmp_path, clips, files, audio={"tracks": wanted})
    if not wanted:
        assert opened(plan) is None
        return
    assert np.abs(play(plan) - np.sum(apart, axis=0)).max() < 1e-6


def test_it_can_be_heard_again_in_other_blocks(tmp_path: Path) -> None:
    path = noise(tmp_path / "noise.wav", 1, 1)
    plan = project(tmp_path, [color(BLACK, "1s")], [path], audio={"tracks": [track(path)], "loudness": -20})
    soundtrack = opened(plan)
    assert soundtrack is not None
    first, second, third = (np.concatenate(list(soundtrack.blocks(size)), axis=1) for size in (1024, 960, 1024))
    soundtrack.close()
    assert np.array_equal(first, second)
    assert np.array_equal(first, third)


def test_a_loop_takes_no_more_room_than_what_it_repeats(tmp_path: Path) -> None:
    path = counting(tmp_path / "a.wav", 1)
    plan = project(tmp_path, [color(BLACK, "1h")], [path], audio={"tracks": [track(path, loop=True)]})
    soundtrack = opened(plan)
    assert soundtrack is not None
    assert sum(file.stat().st_size for file in plan.scratch.iterdir()) == RATE * 8
    soundtrack.close()


def refusal(tmp_path: Path, **fields: str) -> str:
    path = counting(tmp_path / "a.wav", 1)
    with pytest.raises(PermanentError) as caught:
        opened(project(tmp_path, [color(BLACK, "5s")], [path], audio={"tracks": [track(path, **fields)]}))
    assert not list((tmp_path / "scratch").iterdir())
    return str(caught.value).removeprefix("spec.audio.tracks[0].uri: volume://media/a.wav ")


def test_a_track_that_is_not_as_long_as_it_should_be_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, **{"from": "500ms"}, to="500.001ms") == "is to play for less than one sample"
    assert refusal(tmp_path, **{"from": "2s"}) == "lasts 1.0s, so that nothing is left from 2s on"
    assert refusal(tmp_path, to="2s") == "lasts 1.0s, less than the 2s to which it should play"
    assert refusal(tmp_path, offset="6s") == "is to start after the end of the timeline, which lasts 5s"


@pytest.mark.parametrize("stop_after", [0, 1, 20, 60])
def test_a_cancel_stops_it_and_leaves_nothing(tmp_path: Path, stop_after: int) -> None:
    """While it decodes, changes the speed, listens for ducking, and measures."""
    path = noise(tmp_path / "noise.wav", 3, 1)
    clips = [{"video": {"uri": uri(path), "speed": 0.5}, "duration": "6s"}]
    audio = {"tracks": [track(path, loop=True, duck={})], "loudness": -20}
    plan = project(tmp_path, clips, [path], audio=audio)
    told: list[float] = []
    with pytest.raises(CancelledError):
        opened(plan, cancelled=lambda: len(told) > stop_after, on_progress=told.append)
    assert len(told) <= stop_after + 1
    assert not list(plan.scratch.iterdir())


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
    movie = studio.movie([color(BLACK, "2s")], files=[click], tracks=[{"uri": uri(click)}])
    heard = np.abs(sound(movie)[0])
    assert abs(int(heard.argmax()) - 60_024) <= 48


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = noise(tmp_path / "noise.wav", 1, 1)
    plan = project(tmp_path, [color(BLACK, "1s")], [path], audio={"tracks": [track(path)]})
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space left"):
        opened(plan)
    assert not list(plan.scratch.iterdir())
