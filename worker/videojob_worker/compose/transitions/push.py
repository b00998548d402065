"""Push: the second picture moves in and pushes the first one out."""

from videojob_worker.compose.transitions.base import Start, always
from videojob_worker.compose.transitions.directions import Direction, turned
from videojob_worker.pixels.yuv import Picture


def push(direction: Direction) -> Start:
    """Move both pictures in a direction."""

    def render(before: Picture, after: Picture, progress: float, out: Picture) -> None:
        for columns, old, new, seen in turned(direction, progress, before, after, out):
            seen[:, :columns] = new[:, new.shape[1] - columns :]
            seen[:, columns:] = old[:, : old.shape[1] - columns]

    return always(render)
