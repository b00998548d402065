"""Subtitles that players can switch: a track of the file, with the times and texts of the source."""

import re
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from tests.render.studio import Studio, color, decode, probe, uri
from videojob_worker.encode.subtitles import TimedText, soft_subtitles
from videojob_worker.text.cues import Cue

SRT = """1
00:00:00,200 --> 00:00:01,100
Good evening
& welcome

2
00:00:01,500 --> 00:00:02,400
Grüße <b>aus</b> Köln

3
00:00:02,800 --> 00:00:09,000
The end
"""
EXPECTED = [("00:00:00,200", "00:00:01,100"), ("00:00:01,500", "00:00:02,400"), ("00:00:02,800", "00:00:03,000")]


def as_srt(path: Path) -> list[tuple[str, str, str]]:
    """What ffmpeg reads: start, end, and text without its tags."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:s", "-f", "srt", "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.findall(r"(\S+) --> (\S+)\n(.*?)\n\n", text + "\n", re.DOTALL)
    return [(start, end, re.sub(r"<[^>]*>", "", words)) for start, end, words in found]


@pytest.fixture
def subtitles(tmp_path: Path) -> Path:
    path = tmp_path / "a.srt"
    path.write_text(SRT, encoding="utf-8")
    return path


@pytest.mark.parametrize(("format_", "codec"), [("mp4", "mov_text"), ("webm", "webvtt")])
def test_a_track_has_the_lines_at_their_times(studio: Studio, subtitles: Path, format_: str, codec: str) -> None:
    spec = {"uri": uri(subtitles), "soft": True, "language": "deu"}
    output = {"name": "main", "format": format_}
    path = studio.movie([color("#204060", "3s")], files=[subtitles], outputs=[output], subtitles=spec)
    video, track = probe(path)["streams"]
    assert (video["codec_type"], track["codec_type"], track["codec_name"]) == ("video", "subtitle", codec)
    assert track["tags"]["language"] == "deu"
    found = as_srt(path)
    assert [each[:2] for each in found] == EXPECTED
    assert [each[2].replace("&amp;", "&") for each in found] == ["Good evening\n& welcome", "Grüße aus Köln", "The end"]
    frames = decode(path)
    assert frames.std(axis=0).max() < 2, "nothing is drawn"


def test_hls_has_them_in_segments(studio: Studio, subtitles: Path) -> None:
    spec = {"uri": uri(subtitles), "soft": True, "language": "deu"}
    output = {"name": "main", "format": "hls", "segmentDuration": "1s"}
    [made] = studio.render([color("#204060", "3s")], files=[subtitles], outputs=[output], subtitles=spec)
    folder = made.files[0].parent
    master = made.path.read_text()
    assert f'LANGUAGE="deu",AUTOSELECT=YES,URI="{folder.name}/subtitles.m3u8"' in master
    assert 'SUBTITLES="subtitles"' in master
    segments = re.findall(r"#EXTINF:1\.000000,\n(.*)", (folder / "subtitles.m3u8").read_text())
    assert segments == ["subtitles-00000.vtt", "subtitles-00001.vtt", "subtitles-00002.vtt"]
    texts = [(folder / segment).read_text() for segment in segments]
    first = "00:00:00.200 --> 00:00:01.100\nGood evening\n&amp; welcome\n"
    assert first in texts[0]
    assert first in texts[1], "a cue is in every segment that it is seen in"
    assert "00:00:02.800 --> 00:00:03.000\nThe end\n" in texts[2]
    assert all(folder / segment in made.files for segment in segments)


def test_what_overlaps_becomes_one_text() -> None:
    cues = [
        Cue(0, 3000, "a"),
        Cue(1000, 2000, "b"),
        Cue(2500, 9000, "c"),
        Cue(4000, 4000, "never"),
        Cue(9500, 9900, "d"),
    ]
    assert soft_subtitles(cues, None, Fraction(5)).lines == [
        TimedText(0, 1000, "a"),
        TimedText(1000, 2000, "a\nb"),
        TimedText(2000, 2500, "a"),
        TimedText(2500, 3000, "a\nc"),
        TimedText(3000, 5000, "c"),
    ]
