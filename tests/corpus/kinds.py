"""What a file of each kind is rendered as, and whether what comes out is what other programs see and hear."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tests.corpus import oracles
from tests.corpus.chromium import pictures_by_chromium
from tests.corpus.oracles import FPS, MOST_S, RATE, SIZE, UnreadableError
from videojob_worker.media.files.source import Source
from videojob_worker.text.reading import read_cues

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

KINDS: Final = {
    "picture": "jpg jpeg jfif mpo png apng webp avif gif heic heif tif tiff bmp jxl",
    "video": "mp4 m4v mov 3gp webm mkv avi mpg mpeg ts mts m2ts flv wmv ogv",
    "sound": "mp3 wav flac ogg oga opus m4a aac amr aif aiff aifc caf w64 ac3 wma",
    "subtitles": "srt vtt ass ssa",
}
"""The suffixes of each kind."""
_LIKE: Final = 8.0
"""Most mean difference of pictures that are the same, of 255: scaling, coding and rounding make some."""
_BLOCK: Final = 5
_LIKE_MAPPED: Final = 0.9
"""Least correlation of pictures that are the same in HDR, which ffmpeg shows as it is, and we mapped to SDR."""
_LIKE_SOUND: Final = 0.9
"""Least correlation of the envelopes of sounds that are the same."""
_STEADY: Final = 0.05
"""Most change of the level of a steady tone, by which none is told from another; and of ours from theirs."""
_CLIPS: Final = 0.98
_WINDOW: Final = RATE // 20
_SHORT_FRAMES: Final = 2
_SHORT_S: Final = 0.15
_LIKE_S: Final = Fraction(1, 20)


def kind_of(path: Path) -> str | None:
    """Return a file's kind by its suffix."""
    suffix = path.suffix.lower().removeprefix(".")
    return next((kind for kind, suffixes in KINDS.items() if suffix in suffixes.split()), None)


def picture(path: Path, render: Callable[[dict[str, Any]], Path]) -> str:
    """Compare a picture; returns how it differs, or nothing."""
    seen = [_tried(oracle, path) for oracle in (oracles.pictures_by_pillow, oracles.pictures_by_ffmpeg)]
    expected = [pictures[0] for pictures in seen if pictures is not None]
    if not expected:
        raise UnreadableError
    clip = {"image": {"uri": "volume://media/file"}, "duration": "1s", "fit": "stretch"}
    made = render({"clips": [clip], "outputs": [{"name": "main", "format": "png", "at": "0s"}]})
    ours = oracles.pictures_by_pillow(made)[0]
    off = min(difference(ours, other) for other in expected)
    if off > _LIKE and (browsers := _tried(pictures_by_chromium, path)) is not None:
        expected.append(browsers[0])
        off = min(off, difference(ours, browsers[0]))
    if off > _LIKE and oracles.is_hdr_picture(path):
        alike = max(_likeness(ours, other) for other in expected)
        return "" if alike >= _LIKE_MAPPED else f"looks another way: correlation {alike:.2f}"
    return "" if off <= _LIKE else f"differs by {off:.0f} of 255"


def video(path: Path, render: Callable[[dict[str, Any]], Path]) -> str:
    """Compare the pictures of a video; returns how they differ, or nothing."""
    expected = oracles.pictures_by_ffmpeg(path)
    clip: dict[str, Any] = {"video": {"uri": "volume://media/file", "volume": 0}, "fit": "stretch"}
    if len(expected) >= FPS * MOST_S:
        clip["duration"] = f"{MOST_S}s"
    ours = oracles.pictures_by_ffmpeg(render({"clips": [clip], "outputs": [{"name": "main", "format": "mp4"}]}))
    if len(ours) < len(expected) - max(_SHORT_FRAMES, len(expected) // 50):
        return f"has {len(ours)} frames of {len(expected)}"
    places = np.linspace(0, min(len(ours), len(expected)) - 1, 7).astype(int)
    near = [(ours[place], expected[max(0, place - 2) : place + 3]) for place in places]
    if oracles.is_hdr(path):
        alike = min(max(_likeness(mine, other) for other in others) for mine, others in near)
        return "" if alike >= _LIKE_MAPPED else f"looks another way: correlation {alike:.2f}"
    off = max(min(difference(mine, other) for other in others) for mine, others in near)
    times_s = [(place + 0.5) / FPS for place in places]
    if off > _LIKE and (browsers := _tried(lambda it: pictures_by_chromium(it, times_s), path)) is not None:
        off = min(off, max(difference(mine, other) for (mine, _), other in zip(near, browsers, strict=True)))
    return "" if off <= _LIKE else f"differs by {off:.0f} of 255"


def sound(path: Path, render: Callable[[dict[str, Any]], Path]) -> str:
    """Compare a sound; returns how it differs, or nothing."""
    expected = oracles.sounds_by_ffmpeg(path)
    length_s = max(Fraction(max(map(len, expected)), RATE), Fraction(1, 5))
    spec = {
        "clips": [{"color": "#000000", "duration": f"{int(length_s * 1000)}ms"}],
        "audio": {"tracks": [{"uri": "volume://media/file"}]},
        "outputs": [{"name": "main", "format": "m4a"}],
    }
    ours = oracles.sounds_by_ffmpeg(render(spec))[0]
    differs = [_differs(ours, other) for other in expected]
    return "" if "" in differs else differs[0]


def _differs(ours: npt.NDArray[np.float32], expected: npt.NDArray[np.float32]) -> str:
    there, here = _envelope(expected), _envelope(ours)
    count = min(len(there), len(here))
    if count == 0 or there[:count].max() < 1e-3:
        return ""
    sounding = np.flatnonzero(here > here.max() / 100)
    last = np.flatnonzero(there > there.max() / 100)[-1]
    if len(sounding) == 0 or (last - sounding[-1]) * _WINDOW / RATE > _SHORT_S:
        return f"ends {(last - (sounding[-1] if len(sounding) else 0)) * _WINDOW / RATE:.2f} s early"
    there, here = there[:count], here[:count]
    if there.std() < there.mean() * _STEADY:
        if np.abs(expected).max() > _CLIPS:  # what is cut off there is turned down here
            return ""
        apart = abs(float(here.mean() / there.mean()) - 1)
        return "" if apart < _STEADY else f"is {100 * apart:.0f} % louder or softer"
    alike = float(np.corrcoef(there, here)[0, 1])
    return "" if alike >= _LIKE_SOUND else f"sounds another way: correlation {alike:.2f}"


def subtitles(path: Path, _render: Callable[[dict[str, Any]], Path]) -> str:
    """Compare when cues start; returns how they differ, or nothing."""
    expected = oracles.cues_by_ffmpeg(path)
    _, _, cues = read_cues(Source("spec.subtitles.uri", "volume://media/file", path), None)
    starts = [Fraction(cue.start_ms, 1000) for cue in cues]
    # ffmpeg gives up at a line that the specifications step over, so that it may have fewer.
    missing = [other for other in expected if not any(abs(other - start) <= _LIKE_S for start in starts)]
    return f"has no cue at {float(missing[0]):.2f} s" if missing else ""


COMPARE: Final = {"picture": picture, "video": video, "sound": sound, "subtitles": subtitles}


def canvas() -> dict[str, Any]:
    """Return the canvas on which everything is compared."""
    return {"width": SIZE[0], "height": SIZE[1], "fps": str(FPS)}


def _tried(oracle: Callable[[Path], oracles.Pictures], path: Path) -> oracles.Pictures | None:
    try:
        return oracle(path)
    except UnreadableError:
        return None


def difference(left: npt.NDArray[np.uint8], right: npt.NDArray[np.uint8]) -> float:
    """Return the mean difference of two pictures in blocks, so that it does not matter how each was scaled."""
    return float(np.abs(_blocks(left) - _blocks(right)).mean())


def _likeness(left: npt.NDArray[np.uint8], right: npt.NDArray[np.uint8]) -> float:
    """Return the correlation of which blocks of two pictures are lighter; 1 where one is all of a colour."""
    mine, other = (_blocks(picture).mean(axis=2).ravel() for picture in (left, right))
    if min(mine.std(), other.std()) < 1:
        return 1.0
    return float(np.corrcoef(mine.argsort().argsort(), other.argsort().argsort())[0, 1])


def _blocks(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    height, width, channels = picture.shape
    parts = picture.reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK, channels)
    return parts.mean(axis=(1, 3))


def _envelope(wave: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    whole = wave[: len(wave) // _WINDOW * _WINDOW].reshape(-1, _WINDOW).astype(np.float64)
    return np.sqrt((np.nan_to_num(whole) ** 2).mean(axis=1))
