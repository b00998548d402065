"""Timelines whose frames say which they are, and how to read that back from any file."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests import media
from tests.render.studio import image

_BITS = 8


def numbered(folder: Path, count: int, duration: str) -> tuple[list[dict[str, Any]], list[Path]]:
    """Clips that show their own number from 1, as stripes, and their files."""
    folder.mkdir(exist_ok=True)
    files = [
        media.stripes(folder / f"{number}.png", [bool(number >> bit & 1) for bit in reversed(range(_BITS))])
        for number in range(1, count + 1)
    ]
    return [image(path, duration, fit="stretch") for path in files], files


def read(luma: npt.NDArray[np.uint8]) -> int:
    """Return the number that a picture, `(h, w) uint8`, shows."""
    height, width = luma.shape
    stripes = luma[height // 2, np.arange(_BITS) * width // _BITS + width // (2 * _BITS)] > 128
    return int("".join(str(int(bit)) for bit in stripes), 2)
