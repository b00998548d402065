"""How frames are shown: the part that their container means, in the shape that each has, whichever way up."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests import media
from tests.ffmpeg import ffmpeg
from tests.render import containers, films
from tests.render.studio import Studio, psnr, uri
from videojob_contract.resources.timeline import Anchor, Fit
from videojob_worker.compose.layers.video import VideoSprite

FPS = Fraction(25)
SIZE = (320, 180)
LOSSLESS = ["-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-pix_fmt", "yuv420p", "-bf", "0"]
TAGS = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]


def photographed(path: Path, *filters: str, size: tuple[int, int] = SIZE, turn: int = 0) -> Path:
    """Five frames of a photograph that moves, without loss, changed by ffmpeg's filters."""
    steps = ",".join(
        [f"scale={size[0]}:{size[1]}:out_color_matrix=bt709", "setsar=1", "rotate=n/40", *filters, "format=yuv420p"]
    )
    still = ["-loop", "1", "-r", "25", "-i", media.photographs(640, 360)[0], "-frames:v", "5"]
    plain = path.with_name(f"plain-{path.name}")
    ffmpeg(*still, "-vf", steps, *LOSSLESS, *TAGS, plain)
    live = ["-live", "1"] if path.suffix == ".mkv" else []
    ffmpeg("-i", plain, "-c", "copy", "-metadata:s:v", f"rotate={turn}", *live, path)
    return path


CROPS = [(0, 40, 0, 40), (8, 0, 24, 0), (60, 2, 4, 90), (1, 3, 5, 7)]


def cropped(path: Path, crop: tuple[int, int, int, int], size: tuple[int, int] = SIZE) -> None:
    """Let the container say that so many pixels are not meant on the left, top, right and bottom."""
    left, top, right, bottom = crop
    if path.suffix == ".mkv":
        containers.add_pixel_crop(path, *crop)
        return
    width, height = size[0] - left - right, size[1] - top - bottom
    containers.add_clean_aperture(path, b"avc1", (width, 1, height, 1, left - right, 2, top - bottom, 2))


@pytest.mark.parametrize(
    ("suffix", "turn", "crop"),
    [
        *(("mp4", turn, crop) for turn in (0, 90, 180, 270) for crop in CROPS),
        *(("mov", 0, crop) for crop in CROPS),
        *(("mkv", 0, crop) for crop in CROPS),
    ],
)
def test_what_a_container_crops_is_not_shown(
    tmp_path: Path, suffix: str, turn: int, crop: tuple[int, int, int, int]
) -> None:
    left, top, right, bottom = crop
    film = photographed(tmp_path / f"film.{suffix}", turn=turn)
    cropped(film, crop)
    width, height = SIZE[0] - left - right, SIZE[1] - top - bottom
    alone = photographed(tmp_path / f"alone.{suffix}", f"crop={width}:{height}:{left}:{top}:exact=1", turn=turn)
    facts, expected = films.probe(film), films.probe(alone)
    assert (facts.width, facts.height) == (expected.width, expected.height)
    assert (films.shape(facts).crop is None, films.shape(expected).crop is None) == (False, True)
    for fit in (Fit.BLUR, Fit.COVER):
        shown, wanted = (films.pictures(path, 2, canvas=(160, 90), fit=fit) for path in (film, alone))
        assert psnr(shown, wanted) > 30, fit


@pytest.mark.parametrize(
    "numbers", [(320, 0, 180, 1, 0, 1, 0, 1), (640, 1, 180, 1, 0, 1, 0, 1), (20, 1, 20, 1, 200, 1, 0, 1)]
)
def test_an_aperture_that_no_frame_has_is_a_mistake(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    film = photographed(tmp_path / "film.mp4")
    containers.add_clean_aperture(film, b"avc1", numbers)
    facts = films.probe(film)
    assert (facts.width, facts.height, films.shape(facts).crop) == (*SIZE, None)


def test_wide_pixels_are_stretched_and_then_cropped(tmp_path: Path) -> None:
    """As television in 4:3 is stored: 720 columns, of which 702 are meant."""
    film = photographed(tmp_path / "film.mp4", "setsar=12/11", size=(720, 576))
    cropped(film, (9, 0, 9, 0), (720, 576))
    facts = films.probe(film)
    assert (facts.width, facts.height) == (round(702 * 12 / 11), 576)


def test_cropped_pictures_are_not_copied(studio: Studio, tmp_path: Path) -> None:
    film = photographed(tmp_path / "film.mp4")
    assert films.shape(films.probe(film)).crop is None
    cropped(film, CROPS[0])
    movie = studio.movie([{"video": {"uri": uri(film)}, "fit": "stretch"}], files=[film], size=SIZE, fps="25")
    assert psnr(films.pictures(movie, 5, canvas=SIZE), films.pictures(film, 5, canvas=SIZE)) > 30


SIZES = [(320, 180), (480, 270), (180, 320), (96, 96)]


def resized(tmp_path: Path, suffix: str, codec: list[str]) -> tuple[Path, list[Path]]:
    """A video whose size changes after each five frames, and its parts alone."""
    parts = []
    for number, size in enumerate(SIZES):
        part = tmp_path / f"part{number}.{suffix}"
        ffmpeg("-i", photographed(tmp_path / f"{number}.mkv", size=size), *codec, *TAGS, part)
        parts.append(part)
    whole = tmp_path / f"whole.{suffix}"
    containers.concatenate(parts, whole, FPS)
    return whole, parts


CODECS = {
    "webm": ["-c:v", "libvpx", "-b:v", "4M", "-deadline", "realtime"],
    "mkv": ["-c:v", "libvpx-vp9", "-b:v", "4M", "-deadline", "realtime"],
    "mp4": ["-c:v", "libx264", "-bf", "0", "-bsf:v", "dump_extra"],
}


@pytest.mark.parametrize("suffix", CODECS)
def test_each_frame_is_placed_in_the_shape_that_it_has(tmp_path: Path, suffix: str) -> None:
    whole, parts = resized(tmp_path, suffix, CODECS[suffix])
    for fit in (Fit.CONTAIN, Fit.COVER, Fit.BLUR):
        shown = films.pictures(whole, 20, canvas=(160, 120), fit=fit, background="#204060", anchor=Anchor.TOP)
        alone = [
            films.pictures(part, 5, canvas=(160, 120), fit=fit, background="#204060", anchor=Anchor.TOP)
            for part in parts
        ]
        assert psnr(shown, np.concatenate(alone)) > 40, fit


def test_an_overlay_keeps_its_room_when_its_frames_change(tmp_path: Path) -> None:
    whole, _ = resized(tmp_path, "webm", CODECS["webm"])
    sprite = VideoSprite(films.source(whole), films.probe(whole), films.spec(), size=(64, 36), frames=20, fps=FPS)
    shown = [np.copy(rgba) for rgba in sprite.pictures(0, 20)]
    assert [rgba.shape for rgba in shown] == [(36, 64, 4)] * 20
    opaque = [int((rgba[18, :, 3] == 255).sum()) for rgba in shown[::5]]
    assert opaque == [64, 64, 20, 36]


ASPECTS = {"4:3": "16/15", "16:9": "64/45", "square": "1"}
BROADCASTS = {
    "ts": ["-c:v", "mpeg2video", "-q:v", "2", "-bf", "2"],
    "mpg": ["-c:v", "mpeg2video", "-q:v", "2"],
    "interlaced.ts": ["-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ildct+ilme"],
    "h264.ts": ["-c:v", "libx264", "-qp", "8", "-bf", "2", "-x264-params", "bframes=2"],
    "h265.ts": ["-c:v", "libx265", "-x265-params", "log-level=none:qp=8:bframes=2"],
}


def laid_behind(parts: list[Path], path: Path) -> None:
    """Write videos of five frames behind each other into one stream, in the order in which they are decoded."""
    with av.open(path, "w") as out:
        stream = None
        for place, part in enumerate(parts):
            with av.open(part) as source:
                film = source.streams.video[0]
                stream = stream or out.add_stream_from_template(film)
                packets = [packet for packet in source.demux(film) if packet.size]
                start = min(packet.pts for packet in packets)
                for number, packet in enumerate(packets, 5 * place):
                    packet.pts = 5 * place + round((packet.pts - start) * packet.time_base * FPS)
                    packet.dts, packet.duration, packet.time_base = number - 2, 1, 1 / FPS
                    packet.stream = stream
                    out.mux(packet)


@pytest.mark.parametrize("name", BROADCASTS)
def test_pixels_that_become_wider_on_the_way_are_placed_anew(tmp_path: Path, name: str) -> None:
    parts = []
    for place, aspect in enumerate(ASPECTS.values()):
        plain = photographed(tmp_path / f"{place}.mkv", size=(720, 576))
        filters = f"setsar={aspect},setfield={'tff' if 'interlaced' in name else 'prog'}"
        ffmpeg("-i", plain, "-vf", filters, *BROADCASTS[name], part := tmp_path / f"{place}.{name}")
        parts.append(part)
    whole = tmp_path / f"whole.{name}"
    laid_behind(parts, whole)
    options: Any = {"canvas": (320, 180), "fit": Fit.CONTAIN, "background": "#204060"}
    alone = np.concatenate([films.pictures(part, 5, **options) for part in parts])
    shown = films.pictures(whole, 15, **options)
    assert psnr(shown, alone) > 35
