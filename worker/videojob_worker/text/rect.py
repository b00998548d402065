"""Rectangles of whole pixels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle: `right` and `bottom` are the first column and row that are not in it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    def around(self, pixels: int) -> Frame:
        """Return it, larger by so many pixels on each side."""
        return Frame(self.left - pixels, self.top - pixels, self.right + pixels, self.bottom + pixels)

    def moved(self, right: int, down: int) -> Frame:
        """Return it elsewhere."""
        return Frame(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def union(self, other: Frame) -> Frame:
        """Return the smallest that holds both."""
        return Frame(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def within(self, other: Frame) -> Frame:
        """Return what both have in common; nothing wide or high when that is nothing."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        return Frame(left, top, max(left, min(self.right, other.right)), max(top, min(self.bottom, other.bottom)))
