"""What lies over the clips: images, videos and text, each at its place, for its time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from videojob_worker.compose.clips import clip_kind
from videojob_worker.compose.clips.image import overlay_size
from videojob_worker.compose.layers.animation import AnimationSprite
from videojob_worker.compose.layers.video import VideoSprite
from videojob_worker.media.pictures.decoding_memory import memory_turn
from videojob_worker.media.pictures.image import load_image
from videojob_worker.pixels.fit import contained, resize
from videojob_worker.pixels.fit import placed as placed_at
from videojob_worker.pixels.sprite import Sprite
from videojob_worker.pixels.yuv import Picture
from videojob_worker.text.title import draw_overlay_title, overlay_room

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    import numpy.typing as npt

    from videojob_contract.resources.timeline import Overlay
    from videojob_worker.compose.composition import Composition
    from videojob_worker.media.probed import ProbedSources
    from videojob_worker.timeline.overlays import PlacedOverlay

    Rgba = npt.NDArray[np.uint8]

Painter = Callable[[Picture], None]
"""Draws over a picture, in place."""


class MovingPictures(Protocol):
    """Pictures of a moving overlay, as `(height, width, 4) uint8` RGBA, not multiplied by opacity."""

    def pictures(self, first: int, count: int) -> Iterator[Rgba]:
        """Yield those of the overlay's own frames from `first` on; the same object while the picture is the same."""

    def close(self) -> None:
        """Let go of what it holds."""


class OverlayPainters(Protocol):
    """An overlay made ready to be drawn, by several threads at once."""

    def painters(self, first: int, count: int) -> Iterator[Painter]:
        """Yield what draws it at each frame of the timeline from `first` on.

        Each is valid until the next is asked for. While nothing changes, it is the same one.

        Raises:
            PermanentError: the source cannot be used.
        """

    def close(self) -> None:
        """Let go of what it holds; called after its last use."""


def open_overlay(placed: PlacedOverlay, composition: Composition) -> OverlayPainters:
    """Make an overlay ready.

    Raises:
        PermanentError: its source cannot be used.
    """
    overlay, canvas, sources = placed.overlay, composition.canvas.size, composition.sources
    field = f"spec.overlays[{placed.number}]"
    if overlay.title is not None:
        rgba = draw_overlay_title(overlay.title, *overlay_room(overlay, *canvas), composition.fonts)
        return _StillPainters(
            placed, Sprite.of(rgba, *_corner((rgba.shape[1], rgba.shape[0]), canvas, overlay), canvas)
        )
    if overlay.image is not None:
        source = sources.source(f"{field}.image.uri", overlay.image.uri)
        probed = sources.probed[overlay.image.uri]
        if probed.kind == "animation":
            return _film(placed, canvas, sources, composition.timeline.fps)
        size = overlay_size((probed.width or 1, probed.height or 1), canvas, overlay)
        with memory_turn(clip_kind(overlay, sources.probed).loading_bytes(overlay, composition.canvas)):
            return _StillPainters(placed, _sprite(load_image(source, size), size, canvas, overlay))
    return _film(placed, canvas, sources, composition.timeline.fps)


class _StillPainters:
    """One sprite, always, but for its opacity."""

    def __init__(self, placed: PlacedOverlay, sprite: Sprite) -> None:
        self._placed, self._sprite = placed, sprite

    def painters(self, first: int, count: int) -> Iterator[Painter]:
        opacity, painter = -1.0, self._sprite.draw
        for frame in range(first, first + count):
            if self._placed.opacity(frame) != opacity:
                opacity = self._placed.opacity(frame)
                painter = partial(self._sprite.draw, opacity=opacity)
            yield painter

    def close(self) -> None:
        """Nothing is held but the sprite."""


class _MovingPainters:
    """A sprite of each picture of something that moves."""

    def __init__(
        self, placed: PlacedOverlay, film: MovingPictures, size: tuple[int, int], canvas: tuple[int, int]
    ) -> None:
        self._placed, self._film, self._size, self._canvas = placed, film, size, canvas

    def painters(self, first: int, count: int) -> Iterator[Painter]:
        shown, sprite = None, Sprite(())
        for frame, rgba in enumerate(self._film.pictures(first - self._placed.start, count), first):
            if rgba is not shown:
                image = Image.fromarray(np.ascontiguousarray(rgba))
                shown, sprite = rgba, _sprite(image, self._size, self._canvas, self._placed.overlay)
            yield partial(sprite.draw, opacity=self._placed.opacity(frame))

    def close(self) -> None:
        self._film.close()


def _film(placed: PlacedOverlay, canvas: tuple[int, int], sources: ProbedSources, fps: Fraction) -> _MovingPainters:
    video, image, field = placed.overlay.video, placed.overlay.image, f"spec.overlays[{placed.number}]"
    uri = video.uri if video is not None else image.uri if image is not None else ""
    probed = sources.probed[uri]
    size = overlay_size((probed.width or 1, probed.height or 1), canvas, placed.overlay)
    # Frames larger than the canvas, of which a part is seen, are made larger from a size of the canvas.
    made = contained(size, canvas) if size[0] > canvas[0] or size[1] > canvas[1] else size
    film: VideoSprite | AnimationSprite
    if video is None:
        film = AnimationSprite(sources.source(f"{field}.image.uri", uri), size=made, fps=fps)
    else:
        source = sources.source(f"{field}.video.uri", uri)
        film = VideoSprite(source, probed, video, size=made, frames=placed.end - placed.start, fps=fps)
    return _MovingPainters(placed, film, size, canvas)


def _corner(size: tuple[int, int], canvas: tuple[int, int], overlay: Overlay) -> tuple[int, int]:
    """Return where its left top corner is: at the anchor of what the margin leaves of the canvas."""
    room = (canvas[0] - 2 * overlay.margin, canvas[1] - 2 * overlay.margin)
    x, y = placed_at(size, room, overlay.anchor)
    return overlay.margin + x, overlay.margin + y


def _sprite(image: Image.Image, size: tuple[int, int], canvas: tuple[int, int], overlay: Overlay) -> Sprite:
    """Scale what is seen of an image that is drawn at a size."""
    x, y = _corner(size, canvas, overlay)
    left, top, right, bottom = max(0, -x), max(0, -y), min(size[0], canvas[0] - x), min(size[1], canvas[1] - y)
    if left >= right or top >= bottom:
        return Sprite(())
    across, down = image.width / size[0], image.height / size[1]
    box = (left * across, top * down, min(right * across, image.width), min(bottom * down, image.height))
    seen = resize(image, (right - left, bottom - top), box)
    return Sprite.of(np.asarray(seen.convert("RGBA")), x + left, y + top, canvas)
