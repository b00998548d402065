"""Turns the tags of SRT and WebVTT into what libass reads, and into plain text."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

from PIL import ImageColor

if TYPE_CHECKING:
    from collections.abc import Callable

_SRT_TAG: Final = re.compile(r"<(/?)([A-Za-z]*)((?:[.\s:\d][^<>]*)?)>")
_VTT_TAG: Final = re.compile(r"<([^>]*)>?")  # one that does not end goes on to the end of the text
_VTT_NAME: Final = re.compile(r"([^.\s]*)(\S*)")
_VTT_TAGS: Final = frozenset({"b", "i", "u", "c", "v", "lang", "ruby", "rt"})
_ENTITY: Final = re.compile(r"&(?:[A-Za-z]{2,8}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_SRT_OVERRIDE: Final = re.compile(r"\{\\[^{}]*\}")
_PLACE: Final = re.compile(r"\{\\an([1-9])\}")
_STYLES: Final = frozenset("bius")
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


class _Nesting:
    """The tags that are open, each with what it changes: a style of ASS, and the override that sets it."""

    def __init__(self) -> None:
        self._open: list[tuple[str, dict[str, str]]] = []

    @property
    def innermost(self) -> str:
        """The name of the last that was opened."""
        return self._open[-1][0] if self._open else ""

    def start(self, name: str, changes: dict[str, str]) -> str:
        """Return the overrides that begin a tag."""
        self._open.append((name, changes))
        return "".join(changes.values())

    def end(self, name: str) -> str:
        """Return the overrides that go back to how it was before the last tag of a name; none where none is open."""
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at][0] == name:
                _, changes = self._open.pop(at)
                return "".join(self._current(style) for style in changes)
        return ""

    def _current(self, style: str) -> str:
        around = (changes[style] for _, changes in reversed(self._open) if style in changes)
        return next(around, "{\\c}" if style == "c" else f"{{\\{style}0}}")


def from_srt(text: str) -> tuple[str, str]:
    """Return a cue's plain text, and the same for libass. Tags that are none of SRT's are text."""
    place = _PLACE.search(text)
    text = _SRT_OVERRIDE.sub("", text)
    nesting = _Nesting()
    plain, markup = _convert(text, _SRT_TAG, lambda found: _srt_tag(found, nesting), _without_entities)
    return plain, (place[0] if place else "") + markup


def from_vtt(text: str) -> tuple[str, str]:
    """Return a cue's plain text, and the same for libass (WebVTT, section 6.4). Tags that nothing draws are dropped."""
    nesting = _Nesting()
    return _convert(text, _VTT_TAG, lambda found: _vtt_tag(found[1], nesting), html.unescape)


def _convert(
    text: str, pattern: re.Pattern[str], tag: Callable[[re.Match[str]], str | None], unescape: Callable[[str], str]
) -> tuple[str, str]:
    plain, markup = [], []
    end = 0
    for found in pattern.finditer(text):
        override = tag(found)
        if override is None:
            continue
        between = unescape(text[end : found.start()])
        plain.append(between)
        markup += [escaped(between), override]
        end = found.end()
    rest = unescape(text[end:])
    return "".join([*plain, rest]), "".join([*markup, escaped(rest)])


def _without_entities(text: str) -> str:
    """Read the characters that converters from HTML left behind; an ampersand alone is itself."""
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)


def escaped(text: str) -> str:
    """Write text so that libass shows it as it is."""
    return text.replace("\\", f"\\{_JOINER}").replace("{", "\\{").replace("\n", "\\N")


def _srt_tag(found: re.Match[str], nesting: _Nesting) -> str | None:
    closing, name, rest = found.groups()
    name = name.lower()
    if name not in _STYLES and name != "font":
        return None
    if closing:
        return nesting.end(name)
    if name in _STYLES:
        return None if rest.strip() else nesting.start(name, {name: f"{{\\{name}1}}"})
    color = _COLOR.search(rest)
    value = _ass_color(color[1]) if color else ""
    return nesting.start(name, {"c": f"{{\\c{value}}}"} if value else {})


def _vtt_tag(tag: str, nesting: _Nesting) -> str:
    if tag.startswith("/"):
        return nesting.end(tag[1:]) if tag[1:] == nesting.innermost else _end_of_ruby(tag[1:], nesting)
    found = _VTT_NAME.match(tag)
    name, classes = found.groups() if found else ("", "")
    if name not in _VTT_TAGS or (name == "rt" and nesting.innermost != "ruby"):
        return ""
    changes = {name: f"{{\\{name}1}}"} if name in _STYLES else {}
    colors = [_VTT_COLORS[each] for each in classes.split(".") if each in _VTT_COLORS]
    if colors:
        changes["c"] = f"{{\\c{colors[-1]}}}"
    return nesting.start(name, changes)


def _end_of_ruby(name: str, nesting: _Nesting) -> str:
    """Ruby ends within the text above it, too; no other tag ends before those that were opened in it."""
    return nesting.end("rt") + nesting.end("ruby") if name == "ruby" and nesting.innermost == "rt" else ""


def _ass_color(color: str) -> str:
    try:
        red, green, blue = ImageColor.getrgb(color)[:3]
    except ValueError:
        return ""
    return f"&H{blue:02X}{green:02X}{red:02X}&"
