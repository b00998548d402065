"""The pages of an Ogg file (RFC 3533): where its links begin, and whether the last page is whole.

A link is a file of its own: radio stations send one a song, and what records them writes them one after the other.
Nothing but the headers of pages is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from videojob_worker.media.files.byte_search import find_bytes

_MAGIC: Final = b"OggS"
_HEADER_BYTES: Final = 27
_FLAGS: Final = 5
_BEGINS: Final = 0x02
_POSITION: Final = slice(6, 14)
"""How much has been heard or seen when a page is over; 0 in those of headers, -1 in those that only go on."""
_MOST_SEGMENTS: Final = 255
_MOST_PAGES: Final = 5_000_000  # a day of frames of 20 ms, each in a page of its own


@dataclass(frozen=True, slots=True)
class OggPages:
    """How an Ogg file is laid out."""

    links: tuple[range, ...]
    """Where in the file each link is that has more than headers, in bytes."""
    is_whole: bool
    """Whether its last page is. That one need not say that it is the last: what records often does not know."""


def read_ogg_pages(path: Path, start: int) -> OggPages:
    """Walk the pages of an Ogg file that begins at a byte.

    Raises:
        OSError: it cannot be read.
    """
    links: list[int] = []
    filled: set[int] = set()
    was_first, is_whole = False, False
    with path.open("rb") as file:
        size = file.seek(0, 2)
        for page in _pages(file, start):
            if page.is_first and not was_first:
                links.append(page.start)
            if page.position > 0 and links:
                filled.add(links[-1])
            was_first, is_whole = page.is_first, page.end <= size
    places = map(range, links, [*links[1:], size])
    return OggPages(tuple(place for place in places if place.start in filled or len(links) == 1), is_whole)


class _Page(NamedTuple):
    start: int
    end: int
    is_first: bool
    """Whether a stream begins with it."""
    position: int


def _pages(file: BinaryIO, at: int) -> Iterator[_Page]:
    """Yield each page; what is no page is skipped."""
    for _ in range(_MOST_PAGES):
        file.seek(at)
        head = file.read(_HEADER_BYTES + _MOST_SEGMENTS)
        if head.startswith(_MAGIC):
            end = at + _page_bytes(head)
            is_first = len(head) > _FLAGS and bool(head[_FLAGS] & _BEGINS)
            yield _Page(at, end, is_first, int.from_bytes(head[_POSITION], "little", signed=True))
            at = end
        elif (found := next(find_bytes(file, _MAGIC, at), None)) is not None:
            at = found
        else:
            return


def _page_bytes(head: bytes) -> int:
    """Return how long a page is; longer than the file, where its header is not even whole."""
    if len(head) < _HEADER_BYTES:
        return _HEADER_BYTES
    segments = head[_HEADER_BYTES : _HEADER_BYTES + head[_HEADER_BYTES - 1]]
    return _HEADER_BYTES + head[_HEADER_BYTES - 1] + sum(segments)
