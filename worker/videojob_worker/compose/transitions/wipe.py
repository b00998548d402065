"""Wipe: an edge moves over the canvas and uncovers the second picture; both stand still."""

from videojob_worker.compose.transitions.base import Start, always
from videojob_worker.compose.transitions.directions import Direction, turned
from videojob_worker.pixels.yuv import Picture


def wipe(direction: Direction) -> Start:
    """Move the edge in a direction."""

    def render(before: Picture, after: Picture, progress: float, out: Picture) -> None:
        for columns, old, new, seen in turned(direction, progress, before, after, out):
            seen[:, :columns] = new[:, :columns]
            seen[:, columns:] = old[:, columns:]

    return always(render)
