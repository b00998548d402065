"""Draws an ASS script at a moment, by libass, as pictures of straight alpha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from videojob_worker.text.ass_renderer import AssRenderer
from videojob_worker.text.rect import Rect

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Sprites = list[tuple[int, int, npt.NDArray[np.uint8]]]
"""x, y and `(h, w, 4) uint8` of straight alpha."""

_MOST_APART: Final = 64
"""Masks that are sorted into pictures by where they are; more of them make one picture."""


class Drawer:
    """A script, loaded for one thread. `whole` lays bidirectional text out and wraps it as Unicode says.

    Raises:
        UnreadableScriptError: libass finds no script in the text.
    """

    def __init__(self, text: bytes, width: int, height: int, font: Path | None, *, whole: bool) -> None:
        self._renderer = AssRenderer(width, height, font)
        self._script = self._renderer.load(text, whole=whole)
        self._sprites: Sprites = []
        self._passed = True

    def pass_by(self, at_ms: int) -> None:
        """Let a moment pass of which no picture is needed."""
        self._renderer.masks(self._script, at_ms)
        self._passed = True

    def draw(self, at_ms: int) -> Sprites:
        """Return what is shown at a moment; the same list as the last time if that has not changed."""
        masks, changed = self._renderer.masks(self._script, at_ms)
        if changed or self._passed:
            self._sprites = [self._picture(group) for group in _grouped(masks)]
            self._passed = False
        return self._sprites

    def _picture(self, masks: list[Any]) -> tuple[int, int, npt.NDArray[np.uint8]]:
        """Draw masks over each other, the first one lowest."""
        area = _area(masks)
        pixels = np.zeros((area.height, area.width, 4), np.float32)  # premultiplied, from 0 to 1
        for mask in masks:
            color = np.array([mask.color >> 24, mask.color >> 16 & 255, mask.color >> 8 & 255, 255], np.float32) / 255
            opacity = (255 - (mask.color & 255)) / 255
            cover = (_bitmap(mask) * np.float32(opacity / 255))[:, :, np.newaxis]
            top, left = mask.dst_y - area.top, mask.dst_x - area.left
            below = pixels[top : top + mask.h, left : left + mask.w]
            below *= 1 - cover
            below += cover * color
        alpha = pixels[:, :, 3:]
        pixels[:, :, :3] /= np.where(alpha > 0, alpha, 1)
        return area.left, area.top, np.rint(pixels * 255).clip(0, 255).astype(np.uint8)


def _bitmap(mask: Any) -> npt.NDArray[np.uint8]:
    """Return a mask as `(h, w) uint8`, without a copy."""
    size = mask.stride * (mask.h - 1) + mask.w  # the last row may end early
    flat = np.ctypeslib.as_array(mask.bitmap, shape=(size,))
    return np.lib.stride_tricks.as_strided(flat, (mask.h, mask.w), (mask.stride, 1))


def _frame(mask: Any) -> Rect:
    return Rect(mask.dst_x, mask.dst_y, mask.dst_x + mask.w, mask.dst_y + mask.h)


def _area(masks: list[Any]) -> Rect:
    area = _frame(masks[0])
    for mask in masks[1:]:
        area = area.union(_frame(mask))
    return area


def _grouped(images: Iterable[Any]) -> list[list[Any]]:
    """Part masks into groups that do not touch each other, so that pictures are small; each keeps its order."""
    masks = [mask for mask in images if mask.w and mask.h]
    if len(masks) > _MOST_APART:
        return [masks]
    groups: list[tuple[Rect, list[int]]] = []
    for number, mask in enumerate(masks):
        area, members = _frame(mask), [number]
        touching = True
        while touching:
            touching = False
            for group in groups:
                common = group[0].within(area)
                if common.width and common.height:
                    area, members = area.union(group[0]), members + group[1]
                    groups.remove(group)
                    touching = True
                    break
        groups.append((area, members))
    return [[masks[number] for number in sorted(members)] for _, members in sorted(groups, key=lambda g: min(g[1]))]
