"""Fade: the first picture turns into a colour, and the colour into the second picture."""

from videojob_worker.compose.color import Picture
from videojob_worker.compose.mix import mix


def fade(before: Picture, after: Picture, progress: float, through: Picture, out: Picture) -> None:
    """Mix with the colour: wholly `before` at 0, wholly the colour in the middle, wholly `after` at 1."""
    if progress < 0.5:  # noqa: PLR2004 - the middle
        mix(before, through, progress * 2, out)
    else:
        mix(through, after, progress * 2 - 1, out)
