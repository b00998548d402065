"""Previews: frames of the timeline as they are rendered, each composed alone, in one small picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Final

from PIL import Image

from videojob_contract.errors import CancelledError
from videojob_contract.inspection import MAX_PICTURE_WIDTH, PictureFormat
from videojob_worker.outputs.frame_grabs import FrameGrabs
from videojob_worker.pixels.yuv import Picture, to_rgb

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from videojob_contract.inspection import Frames
    from videojob_worker.plan.render_plan import RenderPlan

_OPTIONS: Final[dict[PictureFormat, dict[str, object]]] = {
    PictureFormat.JPEG: {"quality": 85, "subsampling": 0},
    PictureFormat.PNG: {},
    PictureFormat.WEBP: {"quality": 85, "method": 2},
}


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture that was made, in the scratch folder."""

    path: Path
    width: int
    height: int
    frames: tuple[int, ...]
    """Which frames of the timeline it shows."""


def make_preview(plan: RenderPlan, wanted: Frames, cancelled: Callable[[], bool]) -> Preview:
    """Compose the frames that are wanted, and no other.

    Raises:
        PermanentError: a source cannot be used.
        CancelledError: `cancelled` said so.
    """
    timeline, canvas = plan.timeline, plan.canvas
    frames = tuple(dict.fromkeys(map(timeline.frame_at, _moments(wanted, timeline.length_s))))
    columns = math.isqrt(len(frames) - 1) + 1
    rows = -(-len(frames) // columns)
    scale = min(
        Fraction(wanted.width, columns * canvas.width), Fraction(MAX_PICTURE_WIDTH, rows * canvas.height), Fraction(1)
    )
    width, height = max(1, round(canvas.width * scale)), max(1, round(canvas.height * scale))
    sheet = Image.new("RGB", (columns * width, rows * height))

    def take(number: int, picture: Picture) -> None:
        row, column = divmod(number, columns)
        image = to_rgb(picture)
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
        sheet.paste(image, (column * width, row * height))

    grabs = FrameGrabs()
    for number, frame in enumerate(frames):
        grabs.want(frame, partial(take, number))
    for _ in grabs.compose(plan):
        if cancelled():
            raise CancelledError("nobody waits for the preview any more")
    path = plan.scratch / f"preview.{wanted.format.value}"
    sheet.save(path, wanted.format.value.upper(), **_OPTIONS[wanted.format])
    return Preview(path, *sheet.size, frames)


def _moments(wanted: Frames, length_s: Fraction) -> list[Fraction]:
    if wanted.count > 1:
        return [length_s * (2 * number + 1) / (2 * wanted.count) for number in range(wanted.count)]
    return [wanted.at if wanted.at is not None else min(Fraction(1), length_s / 2)]
