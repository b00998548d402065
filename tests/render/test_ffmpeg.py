"""What ffmpeg has made for tests is made anew when anything is different that it is made of."""

from pathlib import Path

import pytest

from tests.ffmpeg import ffmpeg

TONE = ("-f", "lavfi", "-i", "sine=d=0.1")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of what is kept, empty."""
    monkeypatch.setenv("VIDEOJOB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "media" / "ffmpeg"


def test_the_same_is_made_once_and_is_a_file_of_its_own(tmp_path: Path, cache: Path) -> None:
    ffmpeg(*TONE, tmp_path / "a.wav")
    (kept,) = cache.iterdir()
    content = kept.read_bytes()
    assert content == (tmp_path / "a.wav").read_bytes()
    kept.write_bytes(b"was kept")
    ffmpeg(*TONE, tmp_path / "b.wav")
    assert (tmp_path / "b.wav").read_bytes() == b"was kept"
    (tmp_path / "b.wav").write_bytes(b"is changed")
    assert kept.read_bytes() == b"was kept"


def test_another_argument_container_or_input_is_something_else(tmp_path: Path, cache: Path) -> None:
    ffmpeg(*TONE, tmp_path / "a.wav")
    ffmpeg(*TONE, "-ac", "2", tmp_path / "a.wav")
    ffmpeg(*TONE, "-ac", "2", tmp_path / "a.flac")
    assert len(list(cache.iterdir())) == 3
    read = tmp_path / "a.wav"
    ffmpeg("-i", read, tmp_path / "b.flac")
    ffmpeg(*TONE, "-ar", "8000", read)
    ffmpeg("-i", read, tmp_path / "c.flac")
    assert len(list(cache.iterdir())) == 6
    assert (tmp_path / "b.flac").read_bytes() != (tmp_path / "c.flac").read_bytes()


def test_what_it_reads_by_a_pattern_or_a_filter_is_not_known_and_nothing_kept(tmp_path: Path, cache: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=0.1:s=64x64", tmp_path / "%d.png")
    ffmpeg("-i", tmp_path / "%d.png", tmp_path / "a.mp4")
    ffmpeg("-f", "lavfi", "-i", f"movie={tmp_path}/1.png", tmp_path / "b.mp4")
    assert (tmp_path / "a.mp4").exists()
    assert (tmp_path / "b.mp4").exists()
    assert not list(cache.glob("*"))
