"""Writes SRT's and WebVTT's cues as an ASS script in the style of the spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from videojob_contract.resources.text import Position
from videojob_worker.text.wrapping import wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from videojob_contract.resources.text import SubtitleStyle
    from videojob_worker.text.cues import Cue
    from videojob_worker.text.fonts import Face

_PART: Final = 20  # default size and margin, as a part of the canvas' height
_ALIGNMENT: Final = {Position.BOTTOM: 2, Position.CENTER: 5, Position.TOP: 8}
_OUTLINED, _BOXED = 1, 4  # of libass: one box around all lines, as wide around them as the shadow falls
_REGULAR, _BOLD = 400, 700
_DIRECTION_OF_TEXT: Final = -1  # for libass, an encoding of a font: that each paragraph runs as its letters do
_STYLE_FIELDS: Final = (
    "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, "
    "Encoding"
)


def script(cues: Sequence[Cue], style: SubtitleStyle, face: Face, width: int, height: int) -> str:
    """Return a script of the canvas' size, in pixels.

    Its time counts, in hundredths of a second, the moments at which a cue appears or goes.
    """
    moments = sorted({moment for cue in cues for moment in (cue.start_ms, cue.end_ms)})
    times = {moment: _time(number) for number, moment in enumerate(moments)}
    size = style.size or max(1, round(height / _PART))
    margin = height // _PART if style.margin is None else style.margin
    room = max(1, (width - 2 * margin) / size)
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
            + wrap(_weighted(cue.markup, face.weight), room)
            for cue in cues
        ),
    ]
    return "\n".join(lines) + "\n"


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


def _time(hundredths: int) -> str:
    seconds, rest = divmod(hundredths, 100)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:02d}"
