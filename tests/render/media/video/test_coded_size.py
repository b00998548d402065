"""Pictures that are coded larger than they are shown: refused before room is made for them, and cropped otherwise."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.ffmpeg import ffmpeg
from tests.render import films
from videojob_contract.errors import PermanentError
from videojob_worker.media.video.coded_size import CodedSizeLimit
from videojob_worker.media.video.decoder import Decoder

ENCODERS = {
    "h264": ["-c:v", "libx264", "-preset", "ultrafast", "-threads", "1"],
    "hevc": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:pools=1:repeat-headers=1"],
}
HIDDEN = r"has pictures that are coded as 8192x4368 pixels; at most 35 megapixels are allowed"
WINDOWS = {
    "left and top": (64, 32, 0, 0),
    "right and bottom": (0, 0, 34, 18),
    "all around": (2, 4, 6, 8),
}


def plain(path: Path, codec: str, size: str, seconds: float = 0.04) -> Path:
    ffmpeg("-f", "lavfi", "-i", f"color=red:s={size}:d={seconds}", *ENCODERS[codec], path)
    return path


def cropped(film: Path, path: Path, codec: str, window: tuple[int, int, int, int]) -> Path:
    left, top, right, bottom = window
    sides = f"crop_left={left}:crop_top={top}:crop_right={right}:crop_bottom={bottom}"
    ffmpeg("-i", film, "-c", "copy", "-bsf:v", f"{codec}_metadata={sides}", path)
    return path


@pytest.fixture(scope="module", params=ENCODERS)
def codec(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def hidden(codec: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stream of 64x64 pixels that are cut out of 8192x4368."""
    folder = tmp_path_factory.mktemp("hidden")
    return cropped(plain(folder / "large.ts", codec, "8192x4368"), folder / "film.ts", codec, (0, 0, 8128, 4304))


@pytest.fixture(scope="module")
def turning(codec: str, hidden: Path) -> Path:
    """A stream of 64x64 pixels that goes on as the hidden one."""
    path = hidden.parent / "turning.ts"
    small = plain(hidden.parent / "small.ts", codec, "64x64", 2)
    path.write_bytes(small.read_bytes() + hidden.read_bytes())
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "ts", "avi"])
def test_what_is_cropped_counts_when_a_film_is_opened(tmp_path: Path, hidden: Path, codec: str, suffix: str) -> None:
    if codec == "hevc" and suffix == "avi":
        pytest.skip("ffmpeg does not write it")
    ffmpeg("-i", hidden, "-c", "copy", tmp_path / f"film.{suffix}")
    with pytest.raises(PermanentError, match=HIDDEN):
        films.probe(tmp_path / f"film.{suffix}")


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("looks", ["check_packet", "check_decoder"])
def test_parameter_sets_that_come_later_are_looked_at_before_they_are_used_and_after(
    tmp_path: Path, turning: Path, suffix: str, looks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"film.{suffix}"
    ffmpeg("-i", turning, "-c", "copy", path)
    decoder = Decoder(films.source(path))
    other = {"check_packet": "check_decoder", "check_decoder": "check_packet"}[looks]
    monkeypatch.setattr(CodedSizeLimit, other, lambda *_: None)
    with pytest.raises(PermanentError, match=HIDDEN):
        list(decoder.frames())
    decoder.close()


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_what_is_cropped_is_not_shown(tmp_path: Path, codec: str, suffix: str, window: str) -> None:
    film = tmp_path / "whole.ts"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=320x240:d=0.2", *ENCODERS[codec], "-crf", "1", film)
    path = cropped(film, tmp_path / f"film.{suffix}", codec, WINDOWS[window])
    left, top, right, bottom = WINDOWS[window]
    width, height = 320 - left - right, 240 - top - bottom
    facts = films.probe(path)
    assert (facts.width, facts.height) == (width, height)
    decode = ["ffmpeg", "-v", "error", "-i", film, "-frames:v", "1", "-vf", f"crop={width}:{height}:{left}:{top}"]
    wanted = subprocess.check_output([*decode, "-pix_fmt", "gray", "-f", "rawvideo", "-"])
    _, frame = next(Decoder(films.source(path)).frames())
    shown = frame.reformat(format="gray").to_ndarray().astype(int)
    assert np.abs(shown - np.frombuffer(wanted, np.uint8).reshape(height, width)).max() <= 2


def test_the_largest_picture_is_read(tmp_path: Path) -> None:
    path = cropped(plain(tmp_path / "whole.ts", "h264", "8192x4352"), tmp_path / "film.ts", "h264", (0, 0, 0, 32))
    facts = films.probe(path)
    assert (facts.width, facts.height) == (8192, 4320)
