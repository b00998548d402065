"""Posters: one frame of the timeline as a JPEG or PNG."""

from fractions import Fraction
from pathlib import Path

from PIL import Image

from videojob_contract.resources.outputs import Format, Output
from videojob_worker.pixels.yuv import Picture, to_rgb
from videojob_worker.plan.outputs import PlannedOutput
from videojob_worker.timeline.times import Timeline

COST = 40.0
"""Predicted cost, in still frames."""
_JPEG_QUALITY = 90


def poster_frame(output: Output, timeline: Timeline) -> int:
    """Return which frame a poster shows: at `at`; else at 1 s, or in the middle of a shorter timeline."""
    at = output.at if output.at is not None else min(Fraction(1), timeline.length_s / 2)
    return timeline.frame_at(at)


def write_poster(output: PlannedOutput, picture: Picture) -> None:
    """Write a picture of the canvas as a poster."""
    image = to_rgb(picture)
    if output.size is not None and image.size != output.size:
        image = image.resize(output.size, Image.Resampling.LANCZOS)
    save_picture(image, output.path, output.spec.format)


def save_picture(image: Image.Image, path: Path, format_: Format) -> None:
    """Write a PNG, or a JPEG for all other formats."""
    path.parent.mkdir(exist_ok=True)
    if format_ is Format.PNG:
        image.save(path, "PNG")
    else:
        # 4:4:4, because the picture's chroma has been halved once already.
        image.save(path, "JPEG", quality=_JPEG_QUALITY, subsampling=0, optimize=True)
