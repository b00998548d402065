"""Crossfade: one picture turns into the other, linearly."""

from videojob_worker.compose.color import Picture
from videojob_worker.compose.mix import mix


def crossfade(before: Picture, after: Picture, progress: float, through: Picture, out: Picture) -> None:  # noqa: ARG001 - the registry's shape
    """Mix both pictures by progress."""
    mix(before, after, progress, out)
