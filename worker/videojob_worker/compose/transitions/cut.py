"""Cut: the picture changes at once; where the clips overlap, in the middle of the overlap."""

from videojob_worker.pixels.yuv import Picture


def cut(before: Picture, after: Picture, progress: float, out: Picture) -> None:
    """Show the one picture in the first half, the other in the second."""
    out[...] = before if progress < 0.5 else after  # noqa: PLR2004 - the middle
