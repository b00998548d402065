"""How pictures move and changes go."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from videojob_contract.resources.base import Model, Unit


class Easing(StrEnum):
    """How a change goes from start to end."""

    LINEAR = "linear"
    EASE_IN = "easeIn"
    EASE_OUT = "easeOut"
    EASE_IN_OUT = "easeInOut"


class Rectangle(Model):
    """A part of the picture, as shares of its width and height."""

    # Not x and y: an unquoted y is a boolean to the YAML 1.1 reader of kubectl, even as a key.
    left: Unit
    """Left edge: 0 is the picture's left."""
    top: Unit
    """Top edge: 0 is the picture's top."""
    width: Annotated[float, Field(gt=0.01, le=1)]
    """Share of the picture's width."""
    height: Annotated[float, Field(gt=0.01, le=1)]
    """Share of the picture's height."""


class Zoom(Model):
    """Zoom from one factor to another."""

    from_: Annotated[float, Field(alias="from", ge=1, le=10)] = 1.0
    """Factor at the start."""
    to: Annotated[float, Field(ge=1, le=10)] = 1.15
    """Factor at the end."""


class Pan(Model):
    """Move from one rectangle to another."""

    from_: Annotated[Rectangle, Field(alias="from")]
    """What is seen at the start."""
    to: Rectangle
    """What is seen at the end."""


class Motion(Model):
    """Slow zoom and pan over a clip (Ken Burns)."""

    zoom: Zoom | None = None
    """Zoom about the anchor."""
    pan: Pan | None = None
    """Move between two rectangles."""
    easing: Easing = Easing.EASE_IN_OUT
    """How the motion starts and ends."""
