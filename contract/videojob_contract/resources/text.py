"""Text in the picture: titles and subtitles."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from videojob_contract.resources.base import Color, Model, Text, Uri


class Align(StrEnum):
    """Alignment of lines of text."""

    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


class Shadow(Model):
    """A shadow under text."""

    color: Color = "#000000"
    """Its colour."""
    offset: Annotated[int, Field(ge=0, le=100)] = 2
    """How far it falls to the right and down, in pixels."""
    blur: Annotated[int, Field(ge=0, le=100)] = 0
    """Its softness, in pixels."""


class Title(Model):
    """Text."""

    text: Text
    """What it says; it is wrapped to the width."""
    font: Annotated[str, StringConstraints(max_length=2048)] | None = None
    """A font by its name or URI."""
    size: Annotated[int, Field(ge=4, le=2000)] = 96
    """Height of a line, in pixels."""
    color: Color = "#ffffff"
    """Colour of the letters."""
    align: Align = Align.CENTER
    """Alignment of the lines."""
    outline: Annotated[int, Field(ge=0, le=100)] = 0
    """Width of the outline, in pixels."""
    outline_color: Color = "#000000"
    """Colour of the outline."""
    shadow: Shadow | None = None
    """A shadow under the letters."""
    box: Color | None = None
    """Colour of a box behind the text. Default: none."""
    background: Color | None = None
    """Colour of the canvas behind the text. Default: the canvas' own."""


class SubtitleStyle(Model):
    """How burned-in subtitles look."""

    font: Annotated[str, StringConstraints(max_length=2048)] | None = None
    """A font by its name or URI."""
    size: Annotated[int, Field(ge=4, le=500)] = 48
    """Height of a line, in pixels."""
    color: Color = "#ffffff"
    """Colour of the letters."""
    outline: Annotated[int, Field(ge=0, le=100)] = 2
    """Width of the outline, in pixels."""


class Subtitles(Model):
    """Subtitles for the whole timeline."""

    uri: Uri
    """An SRT, VTT or ASS file."""
    soft: bool = False
    """Keep them as a track that players can switch, instead of drawing them."""
    style: SubtitleStyle | None = None
    """How drawn subtitles look."""
