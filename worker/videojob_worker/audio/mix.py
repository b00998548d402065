"""Mixes placed tracks into the sound of the timeline, block by block, exactly as many samples as it has."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from videojob_worker.audio.decode import Decoded
from videojob_worker.audio.track import Placement, Samples

BLOCK = 1024
"""Samples in a block: one frame of AAC."""


def mix_tracks(tracks: Sequence[tuple[Decoded, Placement]], total: int) -> Iterator[Samples]:
    """Yield the mixed sound in blocks of `BLOCK` samples, the last one shorter.

    Peaks beyond full scale are clipped.
    """
    opened = [(decoded.open(), placement) for decoded, placement in tracks]
    edges = [*range(0, total, BLOCK), total]
    for first, end in pairwise(edges):
        block = np.zeros((2, end - first), np.float32)
        for sound, placement in opened:
            if placement.start < end and first < placement.end:
                block += sound[placement.positions(first, end - first)].T * placement.gain(first, end - first)
        yield np.clip(block, -1, 1, out=block)
