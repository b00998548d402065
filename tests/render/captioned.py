"""Subtitles for tests: scripts, and what a moment of them looks like."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from videojob_worker.text.captions import Captions

WIDTH, HEIGHT = 320, 180
URI = "volume://media/a.srt"
ONE = "1\n00:00:01,000 --> 00:00:02,500\nHello\n"
STYLE_FIELDS = (
    "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, "
    "Encoding"
)
HEAD = f"""[Script Info]
ScriptType: v4.00+
PlayResX: 320
PlayResY: 180

[V4+ Styles]
Format: {STYLE_FIELDS}
Style: Default,DejaVu Sans,20,&H0000FFFF,&H00FFFFFF,&H00FF0000,&H80000000,0,0,0,0,100,100,0,0,1,2,2,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
OVERLAPPING = """1
00:00:01,000 --> 00:00:03,000
first

2
00:00:02,000 --> 00:00:06,000
second

3
00:00:04,000 --> 00:00:05,000
third
"""
Pixels = npt.NDArray[np.uint8]
Open = Callable[..., Captions]


def event(text: str, start: str = "0:00:00.00", end: str = "0:00:05.00", effect: str = "") -> str:
    return f"Dialogue: 0,{start},{end},Default,,0,0,0,{effect},{text}\n"


def over(captions: Captions, at_s: Fraction | str, background: int = 0) -> Pixels:
    """What a grey canvas looks like at a moment, as `(height, width, 3)`."""
    canvas = np.full((HEIGHT, WIDTH, 3), background, np.float64)
    for x, y, sprite in captions.painter().sprites(Fraction(at_s)):
        height, width = sprite.shape[:2]
        assert 0 <= x <= WIDTH - width
        assert 0 <= y <= HEIGHT - height
        below = canvas[y : y + height, x : x + width]
        alpha = sprite[:, :, 3:] / 255
        below[:] = below * (1 - alpha) + sprite[:, :, :3] * alpha
    return np.rint(canvas).astype(np.uint8)


def bounds(mask: Any) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
