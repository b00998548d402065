"""Text in the picture: titles and subtitles."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from videojob_contract.resources.base import Color, Model, Text, Unit, Uri

Font = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
"""A font by its name, such as `Open Sans Bold`, or by its URI."""


def is_font_uri(font: str | None) -> bool:
    """Return whether a font is named by where its file is."""
    return font is not None and "://" in font


LANGUAGE_PATTERN = r"^[a-z]{3}$"


class Align(StrEnum):
    """Alignment of lines of text."""

    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


class FitText(StrEnum):
    """What becomes of text that is larger than its room."""

    REFUSE = "refuse"
    SHRINK = "shrink"


class Position(StrEnum):
    """Where subtitles stand."""

    TOP = "top"
    CENTER = "center"
    BOTTOM = "bottom"


class Shadow(Model):
    """A shadow under text."""

    color: Color = "#000000"
    """Its colour."""
    opacity: Unit = 1.0
    """0 is invisible, 1 is solid."""
    offset: Annotated[int, Field(ge=0, le=100)] = 2
    """How far it falls to the right and down, in pixels."""
    blur: Annotated[int, Field(ge=0, le=100)] = 0
    """How far it fades out beyond the letters, in pixels."""


class LineBox(Model):
    """A box behind lines of text."""

    color: Color = "#000000"
    """Its colour."""
    opacity: Unit = 1.0
    """0 is invisible, 1 is solid."""
    padding: Annotated[int, Field(ge=0, le=500)] = 16
    """Distance from the text to its edges, in pixels."""


class Box(LineBox):
    """A box behind a text."""

    radius: Annotated[int, Field(ge=0, le=500)] = 0
    """Radius of its corners, in pixels."""


class Title(Model):
    """Text."""

    text: Text
    """What it says; it is wrapped to the width."""
    font: Font | None = None
    """A font by its name, such as `Open Sans Bold`, or by its URI. Default: `sans-serif`."""
    size: Annotated[int, Field(ge=4, le=2000)] = 96
    """Height of a line, in pixels."""
    fit_text: FitText = FitText.REFUSE
    """What becomes of text that is larger than its room. `shrink` makes `size` smaller, down to a quarter of it."""
    color: Color = "#ffffff"
    """Colour of the letters."""
    align: Align = Align.CENTER
    """Alignment of the lines."""
    line_spacing: Annotated[float, Field(ge=0.5, le=4)] = 1.0
    """Distance from line to line, as a multiple of their height."""
    outline: Annotated[int, Field(ge=0, le=100)] = 0
    """Width of the outline, in pixels."""
    outline_color: Color = "#000000"
    """Colour of the outline."""
    shadow: Shadow | None = None
    """A shadow under the letters."""
    box: Box | None = None
    """A box behind the text. Default: none."""
    background: Color | None = None
    """Colour of the canvas behind a clip's text. Default: the canvas' own."""
    margin: Annotated[int, Field(ge=0, le=4096)] | None = None
    """Distance of a clip's text to the canvas' edges, in pixels. Default: a twentieth of the canvas' height."""


class SubtitleStyle(Model):
    """How burned-in subtitles look."""

    font: Font | None = None
    """A font by its name, such as `Open Sans Bold`, or by its URI. Default: `sans-serif`."""
    size: Annotated[int, Field(ge=4, le=500)] | None = None
    """Height of a line, in pixels. Default: a twentieth of the canvas' height."""
    color: Color = "#ffffff"
    """Colour of the letters."""
    outline: Annotated[int, Field(ge=0, le=100)] = 2
    """Width of the outline, in pixels."""
    outline_color: Color = "#000000"
    """Colour of the outline."""
    shadow: Annotated[int, Field(ge=0, le=100)] = 0
    """How far a black shadow falls to the right and down, in pixels."""
    box: LineBox | None = None
    """A box behind the lines, instead of an outline. Default: none."""
    position: Position = Position.BOTTOM
    """Where they stand, unless the file says otherwise."""
    margin: Annotated[int, Field(ge=0, le=4096)] | None = None
    """Distance to the canvas' edges, in pixels. Default: a twentieth of the canvas' height."""


class TextEncoding(StrEnum):
    """How a text is written in bytes, by the names of the Encoding Standard (WHATWG)."""

    UTF_8 = "utf-8"
    UTF_16LE = "utf-16le"
    UTF_16BE = "utf-16be"
    IBM866 = "ibm866"
    ISO_8859_2 = "iso-8859-2"
    ISO_8859_3 = "iso-8859-3"
    ISO_8859_4 = "iso-8859-4"
    ISO_8859_5 = "iso-8859-5"
    ISO_8859_6 = "iso-8859-6"
    ISO_8859_7 = "iso-8859-7"
    ISO_8859_8 = "iso-8859-8"
    ISO_8859_10 = "iso-8859-10"
    ISO_8859_13 = "iso-8859-13"
    ISO_8859_14 = "iso-8859-14"
    ISO_8859_15 = "iso-8859-15"
    ISO_8859_16 = "iso-8859-16"
    KOI8_R = "koi8-r"
    KOI8_U = "koi8-u"
    MACINTOSH = "macintosh"
    WINDOWS_874 = "windows-874"
    WINDOWS_1250 = "windows-1250"
    WINDOWS_1251 = "windows-1251"
    WINDOWS_1252 = "windows-1252"
    WINDOWS_1253 = "windows-1253"
    WINDOWS_1254 = "windows-1254"
    WINDOWS_1255 = "windows-1255"
    WINDOWS_1256 = "windows-1256"
    WINDOWS_1257 = "windows-1257"
    WINDOWS_1258 = "windows-1258"
    GB18030 = "gb18030"
    BIG5 = "big5"
    EUC_JP = "euc-jp"
    SHIFT_JIS = "shift_jis"
    EUC_KR = "euc-kr"


class Subtitles(Model):
    """Subtitles for the whole timeline."""

    uri: Uri
    """An SRT, WebVTT or ASS file."""
    encoding: TextEncoding | None = None
    """How its text is written. Default: UTF-8, UTF-16, or what it is by its letters, where that is certain."""
    soft: bool = False
    """Keep them as a track that players can switch, instead of drawing them."""
    language: Annotated[str, StringConstraints(pattern=LANGUAGE_PATTERN, max_length=3)] | None = None
    """Language of a soft track, by the three letters of ISO 639-2, such as `eng`. Default: none is told."""
    style: SubtitleStyle | None = None
    """How drawn subtitles look; an ASS file says so itself."""
