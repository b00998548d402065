"""Left, right, up and down as one: planes turned so that what comes in moves to the right."""

from enum import Enum

from videojob_worker.pixels.yuv import Picture, planes


class Direction(Enum):
    """Where the edge of the new picture moves to."""

    LEFT = "Left"
    RIGHT = "Right"
    UP = "Up"
    DOWN = "Down"

    def turn(self, plane: Picture) -> Picture:
        """Return a view of a plane in which this direction is to the right."""
        match self:
            case Direction.LEFT:
                return plane[:, ::-1]
            case Direction.RIGHT:
                return plane
            case Direction.UP:
                return plane[::-1].T
            case Direction.DOWN:
                return plane.T


def turned(
    direction: Direction, progress: float, before: Picture, after: Picture, out: Picture
) -> list[tuple[int, Picture, Picture, Picture]]:
    """Return, for each plane, how many columns have come in, and the turned planes of the three pictures.

    In luma that is an even number, so that luma and chroma have their edges in the same place.
    """
    views = [[direction.turn(plane) for plane in planes(picture)] for picture in (before, after, out)]
    columns = round(views[0][1].shape[1] * progress)
    return [(columns * scale, *three) for scale, three in zip((2, 1, 1), zip(*views, strict=True), strict=True)]
