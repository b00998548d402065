"""Slide: the second picture moves in over the first, which stands still."""

from videojob_worker.compose.transitions.base import Start, always
from videojob_worker.compose.transitions.directions import Direction, turned
from videojob_worker.pixels.yuv import Picture


def slide(direction: Direction) -> Start:
    """Move the second picture in a direction."""

    def render(before: Picture, after: Picture, progress: float, out: Picture) -> None:
        for columns, old, new, seen in turned(direction, progress, before, after, out):
            seen[:, :columns] = new[:, new.shape[1] - columns :]
            seen[:, columns:] = old[:, columns:]

    return always(render)
