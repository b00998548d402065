"""Small videos whose frames say which they are, in any codec and container, and what a clip shows of them."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.stream import VideoStream

from tests.render import barcodes
from tests.render.studio import Frames
from videojob_contract.resources.timeline import Anchor, Fit, Video
from videojob_worker.canvas import Canvas
from videojob_worker.compose.layers.video import VideoLayer
from videojob_worker.media.files.source import Source
from videojob_worker.media.probe import ProbedSource, footage_of, probe_video
from videojob_worker.media.video.frame_shape import FrameShape
from videojob_worker.pixels.yuv import planes

SIZE = (128, 72)
URI = "volume://media/film.mp4"


def barcode(number: int, size: tuple[int, int] = SIZE) -> Frames:
    """A picture, `(h * 3 / 2, w) uint8`, of white and black stripes that spell a number from 0 to 255."""
    width, height = size
    luma = np.repeat(np.array([235 if number >> bit & 1 else 16 for bit in reversed(range(8))], np.uint8), width // 8)
    return np.concatenate((np.tile(luma, (height, 1)), np.full((height // 2, width), 128, np.uint8)))


def film(
    path: Path,
    stamps: Iterable[Fraction],
    *,
    rate: Fraction = Fraction(25),
    tick: Fraction = Fraction(1, 90_000),
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    matrix: Sequence[int] | None = None,
    size: tuple[int, int] = SIZE,
) -> Path:
    """Write a video of numbered frames, each shown from its stamp in seconds on."""
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {"preset": "ultrafast", "crf": "10"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = tick
        if matrix is not None:
            stream.set_display_matrix(matrix)
        for number, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(barcode(number, size), format="yuv420p")
            frame.pts, frame.time_base = round(stamp / tick), tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def steady(path: Path, frames: int, rate: Fraction, **options: Any) -> Path:
    """Write a video of numbered frames at a constant rate, in the time base that muxers like for it."""
    return film(path, [number / rate for number in range(frames)], rate=rate, tick=1 / rate, **options)


def number(picture: Frames) -> int:
    """Read the number that a picture shows."""
    return barcodes.read(planes(picture)[0])


def source(path: Path) -> Source:
    return Source("spec.clips[0].video.uri", URI, path)


def probe(path: Path) -> ProbedSource:
    return probe_video(source(path))


def shape(facts: ProbedSource) -> FrameShape:
    """How the frames of a video are shown."""
    return footage_of(facts).shape


def spec(**fields: Any) -> Video:
    """A video of the timeline, with further fields."""
    return Video.model_validate({"uri": URI, **fields})


def layer(
    path: Path,
    frames: int,
    fps: Fraction,
    *,
    canvas: tuple[int, int] = SIZE,
    fit: Fit = Fit.STRETCH,
    anchor: Anchor = Anchor.CENTER,
    background: str = "#000000",
    of: Source | None = None,
    facts: ProbedSource | None = None,
    **video: Any,
) -> VideoLayer:
    """The layer of a clip of `frames` frames, of a source of which `facts` are known; `video` has further fields."""
    return VideoLayer(
        of or source(path),
        facts or probe(path),
        spec(**video),
        Canvas(*canvas, background),
        fit=fit,
        anchor=anchor,
        frames=frames,
        fps=fps,
    )


def shown(path: Path, frames: int, fps: Fraction, **options: Any) -> list[int]:
    """The numbers that the frames of a clip show."""
    return [number(each) for each in layer(path, frames, fps, **options).pictures(0, frames)]


def pictures(path: Path, frames: int = 1, fps: Fraction = Fraction(25), **options: Any) -> Frames:
    """The first frames of a clip, `(n, h * 3 / 2, w) uint8`."""
    return np.stack([np.copy(each) for each in layer(path, frames, fps, **options).pictures(0, frames)])
