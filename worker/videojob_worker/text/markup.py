"""Turns the tags of SRT and WebVTT into what libass reads, and into plain text."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

from PIL import ImageColor

if TYPE_CHECKING:
    from collections.abc import Callable

_TAG: Final = re.compile(r"<(/?)([A-Za-z]*)((?:[.\s:\d][^<>]*)?)>")
_SRT_OVERRIDE: Final = re.compile(r"\{\\[^{}]*\}")
_PLACE: Final = re.compile(r"\{\\an([1-9])\}")
_STYLES: Final = {"b": "b", "i": "i", "u": "u", "s": "s"}
_COLOR: Final = re.compile(r"""\bcolor\s*=\s*["']?\s*([#\w]+)""", re.IGNORECASE)
# The colours that WebVTT has classes for.
_VTT_COLORS: Final = {
    "white": "&HFFFFFF&",
    "lime": "&H00FF00&",
    "cyan": "&HFFFF00&",
    "red": "&H0000FF&",
    "yellow": "&H00FFFF&",
    "magenta": "&HFF00FF&",
    "blue": "&HFF0000&",
    "black": "&H000000&",
}
_JOINER: Final = "\u2060"  # without width: a backslash before it is only a backslash


def from_srt(text: str) -> tuple[str, str]:
    """Return a cue's plain text, and the same for libass. Tags that are none of SRT's are text."""
    place = _PLACE.search(text)
    text = _SRT_OVERRIDE.sub("", text)
    plain, markup = _convert(text, _srt_tag, lambda part: part)
    return plain, (place[0] if place else "") + markup


def from_vtt(text: str) -> tuple[str, str]:
    """Return a cue's plain text, and the same for libass. Tags that nothing draws are dropped."""
    return _convert(text, _vtt_tag, html.unescape)


def _convert(text: str, tag: Callable[[re.Match[str]], str | None], unescape: Callable[[str], str]) -> tuple[str, str]:
    plain, markup = [], []
    end = 0
    for found in _TAG.finditer(text):
        override = tag(found)
        if override is None:
            continue
        between = unescape(text[end : found.start()])
        plain.append(between)
        markup += [escaped(between), override]
        end = found.end()
    rest = unescape(text[end:])
    return "".join([*plain, rest]), "".join([*markup, escaped(rest)])


def escaped(text: str) -> str:
    """Write text so that libass shows it as it is."""
    return text.replace("\\", f"\\{_JOINER}").replace("{", "\\{").replace("\n", "\\N")


def _srt_tag(found: re.Match[str]) -> str | None:
    closing, name, rest = found.groups()
    name = name.lower()
    if name in _STYLES and not rest.strip():
        return f"{{\\{_STYLES[name]}{0 if closing else 1}}}"
    if name != "font":
        return None
    if closing:
        return "{\\c}"
    color = _COLOR.search(rest)
    return f"{{\\c{_ass_color(color[1])}}}" if color else ""


def _vtt_tag(found: re.Match[str]) -> str | None:
    closing, name, rest = found.groups()
    if name in _STYLES:
        return f"{{\\{_STYLES[name]}{0 if closing else 1}}}"
    if name != "c":
        return ""
    if closing:
        return "{\\c}"
    colors = [_VTT_COLORS[part] for part in rest.split(".") if part in _VTT_COLORS]
    return f"{{\\c{colors[-1]}}}" if colors else ""


def _ass_color(color: str) -> str:
    try:
        red, green, blue = ImageColor.getrgb(color)[:3]
    except ValueError:
        return ""
    return f"&H{blue:02X}{green:02X}{red:02X}&"
