"""Writes SRT's and WebVTT's cues as an ASS script in the style of the spec."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from videojob_contract.resources.text import Position
from videojob_worker.text.ass_renderer import script_time
from videojob_worker.text.fitting import largest
from videojob_worker.text.measuring import Ruler
from videojob_worker.text.wrapping import wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from videojob_contract.resources.text import SubtitleStyle
    from videojob_worker.canvas import Canvas
    from videojob_worker.text.cues import Cue
    from videojob_worker.text.fonts import Face

_PART: Final = 20  # default size and margin, as a part of the canvas' height
_ALIGNMENT: Final = {Position.BOTTOM: 2, Position.CENTER: 5, Position.TOP: 8}
_OUTLINED, _BOXED = 1, 4  # of libass: one box around all lines, as wide around them as the shadow falls
_REGULAR, _BOLD = 400, 700
_LEAST_SIZE: Final = 8  # pixels that a line is high
_MOST_FITTED: Final = 200_000
"""Characters of long lines; several times what a film has."""
_SURE: Final = 0.98  # of the width, since letters reach out of their places a little
_DIRECTION_OF_TEXT: Final = -1  # for libass, an encoding of a font: that each paragraph runs as its letters do
_STYLE_FIELDS: Final = (
    "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, "
    "Encoding"
)


def script(cues: Sequence[Cue], style: SubtitleStyle, face: Face, canvas: Canvas, warn: Callable[[str], None]) -> str:
    """Return a script of the canvas' size, in pixels.

    Its time counts, in hundredths of a second, the moments at which a cue appears or goes. A cue that the canvas has
    no room for is smaller, which is told.
    """
    width, height = canvas.size
    moments = sorted({moment for cue in cues for moment in (cue.start_ms, cue.end_ms)})
    times = {moment: script_time(number) for number, moment in enumerate(moments)}
    size = style.size or max(1, round(height / _PART))
    margin = height // _PART if style.margin is None else style.margin
    fit = _Fitting(face, size, width - 2 * max(margin, _reach(style)), height - margin - _reach(style), warn)
    lines = [
        "[Script Info]",
        "ScriptType: v4.00+",
        f"PlayResX: {width}",
        f"PlayResY: {height}",
        "WrapStyle: 0",  # lines of like length
        "ScaledBorderAndShadow: yes",
        "[V4+ Styles]",
        f"Format: {_STYLE_FIELDS}",
        f"Style: {_style(style, face, size, margin)}",
        "[Events]",
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
        *(
            f"Dialogue: 0,{times[cue.start_ms]},{times[cue.end_ms]},Default,,0,0,0,,"
            + _weighted(fit.fitted(cue), face.weight)
            for cue in cues
        ),
    ]
    return "\n".join(lines) + "\n"


class _Fitting:
    """Fits cues into a width and height in pixels, in lines that are `size` pixels high."""

    def __init__(self, face: Face, size: int, width: int, height: int, warn: Callable[[str], None]) -> None:
        self._face, self._size, self._width, self._height, self._warn = face, size, width, height, warn
        self._fitted = 0

    @cached_property
    def _ruler(self) -> Ruler:
        return Ruler(self._face)

    def fitted(self, cue: Cue) -> str:
        """Return a cue's markup, with lines that fit."""
        self._fitted += len(cue.text) if len(cue.text) > self._width / self._size else 0
        if self._fitted > _MOST_FITTED:
            self._warn(f"has more than {_MOST_FITTED} characters in long lines; what comes after them may be cut off")
            return cue.markup
        markup, fits = self._wrapped(cue, self._size)
        if fits:
            return markup
        smaller = largest(_LEAST_SIZE, max(_LEAST_SIZE, self._size - 1), lambda size: self._wrapped(cue, size)[1])
        size = min(smaller, self._size)
        markup, fits = self._wrapped(cue, size)
        what = "is drawn smaller" if fits else "is cut off, however small"
        self._warn(f"has a cue at {cue.start_ms / 1000:g} s that the picture has no room for: it {what}")
        return f"{{\\fs{size}}}{markup}"

    def _wrapped(self, cue: Cue, size: int) -> tuple[str, bool]:
        """Return a cue's markup with lines that are `size` pixels high, and whether it fits."""
        bold = "{\\b1}" in cue.markup
        wrapped = wrap(cue.markup, _SURE * self._width / size, lambda texts: self._ruler.widths(texts, bold=bold))
        return wrapped.markup, wrapped.fits and wrapped.lines * size <= self._height


def _reach(style: SubtitleStyle) -> int:
    """Return how far is drawn around letters, in pixels."""
    return style.box.padding if style.box is not None else style.outline + style.shadow


def _style(style: SubtitleStyle, face: Face, size: int, margin: int) -> str:
    if style.box is not None:
        border, outline, shadow = _BOXED, 0, style.box.padding
        back = _color(style.box.color, style.box.opacity)
    else:
        border, outline, shadow, back = _OUTLINED, style.outline, style.shadow, _color("#000000")
    ink, around = _color(style.color), _color(style.outline_color)
    fields = (
        "Default", face.family, size, ink, ink, around, back, -int(face.weight >= _BOLD), -int(face.italic), 0, 0,
        100, 100, 0, 0, border, outline, shadow, _ALIGNMENT[style.position], margin, margin, margin, _DIRECTION_OF_TEXT,
    )  # fmt: skip
    return ",".join(str(field) for field in fields)


def _weighted(markup: str, weight: int) -> str:
    """Say a weight that is neither regular nor bold, which a style cannot."""
    if weight in {_REGULAR, _BOLD}:
        return markup
    return f"{{\\b{weight}}}" + markup.replace("{\\b0}", f"{{\\b{weight}}}")


def _color(color: str, opacity: float = 1.0) -> str:
    """Write a colour as ASS does: transparency, blue, green, red."""
    return f"&H{round(255 * (1 - opacity)):02X}{color[5:7]}{color[3:5]}{color[1:3]}"
