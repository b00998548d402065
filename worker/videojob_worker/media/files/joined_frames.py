"""Where files of frames that were joined begin: at the tags that each had in front (ID3v2).

A tag is no sound, and its picture may by chance look like frames. Each part is decoded as the file that it was.
"""

from itertools import islice
from pathlib import Path
from typing import Final

from videojob_worker.media.files.byte_search import find_bytes
from videojob_worker.media.files.sniff import behind_tags
from videojob_worker.media.files.sound_frames import find_frames

_TAG: Final = b"ID3"
_MOST: Final = 10_000
"""Most tags that are looked behind; more are in no file that anyone has made."""


def find_joined(path: Path, kind: str, first: int) -> tuple[range, ...]:
    """Return where each part of a file of frames is, with the tags in front of it.

    Args:
        path: the file.
        kind: which frames.
        first: where the first of them begins, in bytes.

    Raises:
        OSError: it cannot be read.
    """
    parts: list[range] = []
    start = behind = 0
    with path.open("rb") as file:
        for at in islice(find_bytes(file, _TAG, first), _MOST):
            if at < behind:
                continue  # within the tag before
            end = behind_tags(file, at)
            found = find_frames(file, end) if end > at else None
            if found is not None and found[0] == kind:
                parts.append(range(start, at))
                start, behind = at, end
        return (*parts, range(start, file.seek(0, 2)))
