"""Measures text as libass draws it, whose stand-ins for what a font lacks are of other sizes than Pango's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from videojob_worker.text.ass_renderer import AssRenderer, script_time
from videojob_worker.text.markup import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from videojob_worker.text.fonts import Face

_LINE: Final = 32  # pixels that a line is high here
_BOLD: Final = 700
_WIDEST: Final = 1 << 14
_MOST_CHARACTERS: Final = 128
"""Of what is measured in one go, so that it is narrower than `_WIDEST`."""
_MOST_MEASURED: Final = 20_000
"""Texts; of what comes after them, each character counts as one as wide as a line is high."""
# Scripts whose letters are all of one width, each with a letter that stands for all.
_SQUARE: Final = (
    (re.compile("[\u3400-\u9fff]"), "永"),
    (re.compile("[\u3041-\u30fe]"), "あ"),
    (re.compile("[\uac00-\ud7a3]"), "한"),
)
_MARK: Final = "|"  # stands around what is measured, so that spaces count, and nothing joins

_HEAD: Final = (
    f"[Script Info]\nScriptType: v4.00+\nPlayResX: {_WIDEST}\nPlayResY: {2 * _LINE}\nWrapStyle: 2\n"
    "ScaledBorderAndShadow: yes\n[V4+ Styles]\n"
    "Format: Name, Fontname, Fontsize, Italic, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginV\n"
)
_EVENTS: Final = "[Events]\nFormat: Start, End, Style, Text\n"


class Ruler:
    """Measures in one font; for one thread."""

    def __init__(self, face: Face) -> None:
        self._renderer = AssRenderer(_WIDEST, 2 * _LINE, face.path)
        self._style = f"Style: Default,{face.family},{_LINE},{-int(face.italic)},1,0,0,7,0,0\n"
        self._weight = face.weight
        self._known: dict[tuple[str, int], float] = {}

    def widths(self, texts: Sequence[str], *, bold: bool) -> list[float]:
        """Return how wide texts without line ends are, as multiples of a line's height."""
        weight = max(self._weight, _BOLD) if bold else self._weight
        parts = [_parts(text) for text in texts]
        self._measure(sorted({part for each in parts for part in each if (part, weight) not in self._known}), weight)
        return [sum(self._known.get((part, weight), len(part)) for part in each) for each in parts]

    def _measure(self, texts: Sequence[str], weight: int) -> None:
        texts = texts[: max(0, _MOST_MEASURED - len(self._known))]
        if not texts:
            return
        events = (f"{{\\b{weight}}}{_MARK}{escaped(text)}{_MARK}" for text in ("", *texts))
        lines = [
            f"Dialogue: {script_time(at)},{script_time(at + 1)},Default,{event}\n" for at, event in enumerate(events)
        ]
        script = self._renderer.load((_HEAD + self._style + _EVENTS + "".join(lines)).encode(), whole=True)
        ends = []
        for at in range(len(lines)):
            masks, _ = self._renderer.masks(script, at * 10)
            ends.append(max((mask.dst_x + mask.w for mask in masks), default=0))
        for text, end in zip(texts, ends[1:], strict=True):
            self._known[text, weight] = max(0, end - ends[0]) / _LINE


def _parts(text: str) -> list[str]:
    if not text.isascii():
        for letters, one in _SQUARE:
            text = letters.sub(one, text)
    return [text[at : at + _MOST_CHARACTERS] for at in range(0, len(text), _MOST_CHARACTERS)]
