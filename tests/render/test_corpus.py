"""The comparison with other programs, on files of which the answer is known."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests import media
from tests.corpus import kinds, oracles
from tests.corpus.__main__ import Verdict, judge, table
from tests.corpus.chromium import find_chromium, pictures_by_chromium
from tests.corpus.exclusions import is_cut_short
from tests.corpus.oracles import UnreadableError


def test_what_comes_out_as_others_see_it_is_right(tmp_path: Path) -> None:
    files = [media.photograph("chelsea.png"), media.clip("bigbuckbunny.mp4"), media.music()]
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nOne\n")
    assert [judge(path).verdict for path in [*files, tmp_path / "a.srt"]] == ["right"] * 4


def test_what_nobody_plays_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    verdict = judge(tmp_path / "a.png")
    assert verdict.verdict == "unplayable"
    assert not [line for line in table([verdict]) if line.startswith("picture")]


def test_what_others_play_and_is_refused_is_told_with_its_reason(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "a.ppm")
    (tmp_path / "a.ppm").rename(tmp_path / "a.png")
    verdict = judge(tmp_path / "a.png")
    assert verdict.verdict == "refused"
    assert "spec.clips[0].image.uri" in verdict.why


@pytest.mark.parametrize(("color", "verdict"), [("#102030", ""), ("#ff2030", "differs by")])
def test_another_picture_is_wrong(tmp_path: Path, color: str, verdict: str) -> None:
    Image.new("RGB", (64, 64), "#102030").save(tmp_path / "a.png")

    def render(_: dict[str, Any]) -> Path:
        Image.new("RGB", (160, 90), color).save(tmp_path / "made.png")
        return tmp_path / "made.png"

    assert kinds.picture(tmp_path / "a.png", render).startswith(verdict)
    assert bool(kinds.picture(tmp_path / "a.png", render)) == bool(verdict)


def test_what_is_not_claimed_or_broken_on_purpose_is_not_counted(tmp_path: Path) -> None:
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1", "-strict", "-2"]
    subprocess.run([*command, "-c:a", "truehd", tmp_path / "a.mkv"], check=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.tif", compression="lzma")
    Image.new("RGB", (8, 8)).save(tmp_path / "png__PngSuite__xhdn0g08.png")
    (tmp_path / "b.mp4").write_bytes(b"\0\0\0\x14sinf\0\0\0\x0cfrmaavc1")
    verdicts = [judge(tmp_path / name) for name in ("a.mkv", "a.tif", "png__PngSuite__xhdn0g08.png", "b.mp4")]
    assert [(verdict.kind, verdict.verdict, verdict.why) for verdict in verdicts] == [
        ("sound", "excluded", "truehd, which is not claimed"),
        ("picture", "excluded", "TIFF of compression 34925, which is not claimed"),
        ("picture", "excluded", "broken on purpose, to test a reader"),
        ("sound", "excluded", "encrypted"),
    ]
    assert [line.split(maxsplit=1) for line in table(verdicts)][-1][0] == "1"


def test_a_sound_that_was_cut_off_is_told_by_what_ffmpeg_finds_of_it(tmp_path: Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=20", tmp_path / "a.flac"], check=True)
    assert not is_cut_short(tmp_path / "a.flac")
    content = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(content[: len(content) // 3])
    assert judge(tmp_path / "a.flac").verdict == "excluded"


def test_shares_are_of_what_is_played() -> None:
    verdicts = [Verdict("a", "sound", each) for each in ("right", "right", "refused", "wrong", "unplayable")]
    *_, line = table(verdicts)
    assert line.split() == ["sound", "4", "50.0%", "25.0%", "25.0%", "0.0%"]


@pytest.mark.parametrize(
    ("channels", "level", "verdict"), [("mono", 1, "right"), ("stereo", 1, "right"), ("mono", 0.5, "wrong")]
)
def test_a_steady_tone_is_compared_by_its_level(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channels: str, level: float, verdict: str
) -> None:
    path = tmp_path / "a.wav"
    tone = ["-f", "lavfi", "-i", "sine=440:d=2", "-af", f"aformat=channel_layouts={channels}"]
    subprocess.run(["ffmpeg", "-v", "error", *tone, path], check=True)
    seen = oracles.sounds_by_ffmpeg
    monkeypatch.setattr(
        oracles, "sounds_by_ffmpeg", lambda made: [one * (1 if made == path else level) for one in seen(made)]
    )
    assert judge(path).verdict == verdict


@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
def test_chromium_shows_pictures_and_videos_as_the_others_do(tmp_path: Path) -> None:
    photograph, film = media.photograph("chelsea.png"), media.clip("bigbuckbunny.mp4")
    (tmp_path / "a.png").write_text("no picture")
    still, *_ = pictures_by_chromium(photograph)
    assert kinds.difference(still, oracles.pictures_by_pillow(photograph)[0]) < 4
    for place, picture in zip((0, 60), pictures_by_chromium(film, [0.02, 2.42]), strict=True):
        assert kinds.difference(picture, oracles.pictures_by_ffmpeg(film)[place]) < 4
    with pytest.raises(UnreadableError):
        pictures_by_chromium(tmp_path / "a.png")
