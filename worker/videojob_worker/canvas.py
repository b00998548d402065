"""The canvas: what every frame of a timeline is drawn on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Canvas:
    """Its size in pixels and its colour, `#rrggbb`."""

    width: int
    height: int
    background: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in pixels."""
        return self.width, self.height
