"""MoviePy's effects over another layer, frame by frame.

The layer is given to MoviePy as a clip of RGB frames, and what comes out is drawn on the canvas: at its position if the
effect gives it one (slides do), in the middle otherwise, over the background where it is transparent or too small.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from videojob_contract.effects import arguments
from videojob_contract.errors import PermanentError, Reason, VideoJobError
from videojob_worker.compose.layers.random_access import RandomAccess
from videojob_worker.compose.moviepy import load_moviepy
from videojob_worker.pixels.rgb import Converter
from videojob_worker.pixels.yuv import parse_color

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from fractions import Fraction

    import numpy.typing as npt

    from videojob_contract.resources.timeline import Effect
    from videojob_worker.canvas import Canvas
    from videojob_worker.compose.layers.base import Layer
    from videojob_worker.pixels.rgb import Rgb
    from videojob_worker.pixels.yuv import Picture

# Of a frame: times are floats, and a frame lasts until just before the next.
_HAIR: Final = 1e-3
# Those that give a clip a position.
_SLIDES: Final = ("SlideIn", "SlideOut")


class EffectLayer:
    """Another layer with effects, in order."""

    def __init__(
        self, inner: Layer, effects: Sequence[Effect], field: str, *, frames: int, fps: Fraction, canvas: Canvas
    ) -> None:
        """Take the inner layer over; `field` is where the spec has the effects, and `frames` are the clip's."""
        self._inner, self._effects, self._field = inner, effects, field
        self._frames, self._fps, self._canvas = frames, fps, canvas

    def pictures(self, first: int, count: int) -> Iterator[Picture]:
        """Yield the pictures with the effects, in one buffer.

        Raises:
            PermanentError: an effect cannot be applied, or as the inner layer has it.
        """
        canvas = self._canvas
        out = np.empty((canvas.height * 3 // 2, canvas.width), np.uint8)
        converter = Converter(canvas.width, canvas.height)
        with closing(RandomAccess(self._inner, self._frames)) as inner:
            clip = self._apply(_reader(inner, converter, self._frames, self._fps))
            for number in range(first, first + count):
                with _said(f"{self._field}: {self._names}, at frame {number} of the clip"):
                    rgb = _draw(clip, number / float(self._fps), canvas)
                converter.to_picture(rgb, out)
                yield out

    def close(self) -> None:
        """Close the inner layer."""
        self._inner.close()

    @property
    def _names(self) -> str:
        return ", ".join(effect.name for effect in self._effects)

    def _apply(self, frame_at: Callable[[float], Rgb]) -> Any:
        """Return the frames as a clip of MoviePy, with the effects."""
        moviepy, lasts_s = load_moviepy(), self._frames / float(self._fps)
        clip = moviepy.VideoClip(frame_at, duration=lasts_s).with_fps(float(self._fps)).with_position("center")
        for number, effect in enumerate(self._effects):
            with _said(f"{self._field}[{number}]: {effect.name}"):
                # MoviePy applies a copy of the effect: some change themselves.
                made = clip.with_effects([getattr(moviepy.vfx, effect.name)(**_given(effect, clip.duration))])
                # What MoviePy composes anew it places in the corner.
                clip = made if effect.name in _SLIDES or made.pos is clip.pos else made.with_position("center")
        if clip.duration is None or clip.duration < lasts_s - _HAIR / float(self._fps):
            raise PermanentError(
                f"{self._field}: {self._names} leave {clip.duration:.3f}s of a clip that should last {lasts_s:.3f}s",
                Reason.INVALID_SPEC,
            )
        return clip


def _reader(inner: RandomAccess, converter: Converter, frames: int, fps: Fraction) -> Callable[[float], Rgb]:
    """Return the function that MoviePy asks for the frame at a time, in seconds."""
    shown, rgb = -1, np.empty((0, 0, 3), np.uint8)

    def frame_at(time_s: float) -> Rgb:
        nonlocal shown, rgb
        number = min(max(int(time_s * float(fps) + _HAIR), 0), frames - 1)
        if number != shown:
            shown, rgb = number, converter.to_rgb(inner.at(number))
            rgb.flags.writeable = False
        return rgb

    return frame_at


def _given(effect: Effect, lasts_s: float) -> dict[str, Any]:
    """Return the arguments of an effect as its class takes them."""
    given = arguments(effect)
    if effect.name == "HeadBlur":
        given |= {name: _path(given[name], lasts_s) for name in ("fx", "fy")}
    return given


def _path(places: float | tuple[float, ...], lasts_s: float) -> Callable[[float], float]:
    """Return a function of time that goes through places, evenly spaced over a clip."""
    through = np.atleast_1d(places)
    times_s = np.linspace(0, lasts_s, len(through))
    return lambda time_s: float(np.interp(time_s, times_s, through))


def _draw(clip: Any, time_s: float, canvas: Canvas) -> Rgb:
    """Draw the frame at a time on the canvas."""
    rgb = _bytes(clip.get_frame(time_s))
    height, width = rgb.shape[:2]
    corner = load_moviepy().tools.compute_position((width, height), canvas.size, clip.pos(time_s))
    if clip.mask is None and (*corner, width, height) == (0, 0, canvas.width, canvas.height):
        return rgb
    drawn = Image.new("RGB", canvas.size, parse_color(canvas.background))
    opacity = None if clip.mask is None else Image.fromarray(_bytes(255 * clip.mask.get_frame(time_s)))
    drawn.paste(Image.fromarray(rgb), corner, opacity)
    return np.asarray(drawn)


def _bytes(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Round what effects compute in floating point."""
    if values.dtype == np.uint8:
        return values
    rounded: npt.NDArray[np.uint8] = np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return rounded


@contextmanager
def _said(place: str) -> Iterator[None]:
    """Turn what an effect raises, which may be anything, into an error that names it."""
    try:
        yield
    except (VideoJobError, MemoryError, OSError):
        raise
    except Exception as error:
        raise PermanentError(f"{place}: {type(error).__name__}: {error}", Reason.RENDER_FAILED) from error
