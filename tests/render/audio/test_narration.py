"""Speech over clips, and clips that last as long as it."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ffmpeg import ffmpeg
from tests.render.sounds import RATE, babble, crossfade, find, flat, play, project, track, write_wav
from tests.render.studio import Studio, color, uri
from videojob_contract.errors import PermanentError
from videojob_worker.explain.describe import describe
from videojob_worker.media.files.source import Source
from videojob_worker.media.probe import ProbedSource, probe_narration
from videojob_worker.plan.render_plan import RenderPlan, build_render_plan
from videojob_worker.rendering import probe_sources

SPEECH = babble(1.7, 1), babble(1.1, 2)
CARD = {"title": {"text": "A card", "size": 24}}


def spoken(path: Path, speech: np.ndarray, *options: str) -> Path:
    """Write a speech at the rate that services use, in the format that the path names."""
    wav = write_wav(path.with_suffix(".48.wav"), np.rint(speech * 32767)[:, None])
    ffmpeg("-i", wav, "-ar", "24000", *options, path)
    return path


def narrated(path: Path, **fields: Any) -> dict[str, Any]:
    return {"narration": {"uri": uri(path), **fields}}


def source(path: Path) -> Source:
    return Source("spec.clips[0].narration.uri", uri(path), path)


def planned(
    tmp_path: Path, clips: list[dict[str, Any]], speeches: list[Path], others: tuple[Path, ...] = (), **more: Any
) -> RenderPlan:
    probed = {path: probe_narration(source(path)) for path in speeches}
    probed |= {path: ProbedSource("audio", has_sound=True) for path in others}
    return project(tmp_path, clips, [*speeches, *others], probed=probed, **more)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("x.wav", ()),
        ("x.mp3", ()),
        ("x.mp3", ("-write_xing", "0", "-id3v2_version", "0")),
        ("x.ogg", ("-c:a", "libopus")),
        ("x.flac", ()),
        ("x.m4a", ()),
        ("x.aac", ()),
    ],
    ids=str,
)
@pytest.mark.parametrize("duration", [{}, {"duration": "auto"}], ids=str)
def test_a_card_lasts_as_long_as_its_narration_and_the_pads(
    tmp_path: Path, name: str, options: tuple[str, ...], duration: dict[str, str]
) -> None:
    path = spoken(tmp_path / name, SPEECH[0], *options)
    plan = planned(tmp_path, [CARD | duration | narrated(path, before="300ms", after="700ms")], [path])
    assert float(plan.timeline.length_s) == pytest.approx(1.7 + 1, abs=0.1)
    out = play(plan)
    assert find(SPEECH[0], out[0])[0] == pytest.approx(0.3 * RATE, abs=0.06 * RATE)
    assert not out[:, : int(0.25 * RATE)].any()
    assert not out[:, -int(0.65 * RATE) :].any()


def test_a_narration_begins_with_its_clip_and_ends_half_a_second_before_it(tmp_path: Path) -> None:
    paths = [spoken(tmp_path / f"{number}.wav", speech) for number, speech in enumerate(SPEECH)]
    clips = [
        color("#102030", "1s"),
        CARD | narrated(paths[0]),
        {"color": "#203040"} | narrated(paths[1]) | {"transition": crossfade("500ms")},
    ]
    plan = planned(tmp_path, clips, paths)
    assert plan.timeline.length_s == Fraction(1) + Fraction(17, 10) + Fraction(11, 10) + Fraction(1, 2)
    out = play(plan)[0]
    assert find(SPEECH[0], out)[0] == pytest.approx(RATE, abs=1)
    # It is the pad that the transition takes, so that nobody speaks into another's words.
    assert find(SPEECH[1], out)[0] == pytest.approx(2.7 * RATE, abs=1)
    ways = [entry.why for entry in describe(plan).sounds]
    assert ways == ["speech over the clip"] * 2


def test_music_ducks_for_a_narration(tmp_path: Path) -> None:
    speech, music = spoken(tmp_path / "speech.wav", SPEECH[0]), flat(tmp_path / "music.wav", 6, 0.5)
    clips = [color("#102030", "2s"), CARD | narrated(speech), color("#102030", "2s")]
    audio = {"tracks": [track(music, duck={"to": 0})]}
    out = play(planned(tmp_path, clips, [speech], (music,), audio=audio))[0]
    assert out[RATE] == pytest.approx(0.5, abs=1e-3)
    assert np.abs(out[int(2.1 * RATE) : int(3.6 * RATE)] - SPEECH[0][int(0.1 * RATE) : int(1.6 * RATE)]).max() < 0.02
    assert out[int(5.5 * RATE)] == pytest.approx(0.5, abs=1e-3)


def test_a_narration_has_a_volume(tmp_path: Path) -> None:
    path = spoken(tmp_path / "x.wav", SPEECH[0])
    loud, soft = (play(planned(tmp_path, [CARD | narrated(path, volume=volume)], [path])) for volume in (1, 0.25))
    assert np.allclose(loud * 0.25, soft, atol=1e-6)


def test_a_narration_that_outlasts_its_clip_is_refused(tmp_path: Path) -> None:
    path = spoken(tmp_path / "x.wav", SPEECH[0])
    says = r"spec\.clips\[0\]\.narration\.uri: \S+ lasts 1\.70s, and its clip 1\.50s from there on"
    with pytest.raises(PermanentError, match=says):
        planned(tmp_path, [CARD | {"duration": "2s"} | narrated(path, before="500ms")], [path])


def test_a_video_keeps_its_own_length(tmp_path: Path) -> None:
    speech = spoken(tmp_path / "x.wav", SPEECH[0])
    film = tmp_path / "film.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=3:s=64x64:r=25", "-f", "lavfi", "-i", "anullsrc", "-shortest", film)
    probed = {
        speech: probe_narration(source(speech)),
        film: ProbedSource("video", 64, 64, Fraction(3), fps=Fraction(25)),
    }
    clip = {"video": {"uri": uri(film)}, "duration": "auto"} | narrated(speech)
    plan = project(tmp_path, [clip], [speech, film], probed=probed)
    assert plan.timeline.length_s == 3
    assert find(SPEECH[0], play(plan)[0])[0] == pytest.approx(0, abs=1)


@pytest.mark.parametrize("field", ["clips", "overlays"])
def test_a_film_is_seen_and_is_a_narration_as_long_as_its_sound(tmp_path: Path, field: str) -> None:
    speech, film = spoken(tmp_path / "x.wav", SPEECH[0]), tmp_path / "film.mov"
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=25", "-i", speech, "-c:a", "pcm_s16le", film)
    layer = {"video": {"uri": uri(film)}}
    clips = [CARD | narrated(film, after="0s"), *([layer | {"duration": "1s"}] if field == "clips" else [])]
    overlays = [layer | {"to": "1s"}] if field == "overlays" else []
    request = Studio(tmp_path / "scratch").request(clips, files=[film], overlays=overlays)
    probed = probe_sources(request, lambda _: None, lambda: False)
    assert (probed[uri(film)].kind, probed[uri(film)].width, probed[uri(film)].height) == ("video", 64, 48)
    plan = build_render_plan(request, probed)
    assert float(plan.timeline.clips[0].end_s) == pytest.approx(1.7, abs=0.03)
    [speech_part] = [part for part in plan.sounds if part.is_narration]
    assert len(speech_part.samples) == pytest.approx(1.7 * RATE, abs=1)


@pytest.mark.parametrize("content", [b"", b"no words"])
def test_what_is_no_speech_is_refused_at_once(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    with pytest.raises(PermanentError, match=r"^spec\.clips\[0\]\.narration\.uri: \S+ is an? (empty|text) file"):
        probe_narration(source(path))
