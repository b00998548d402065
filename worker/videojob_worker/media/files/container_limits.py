"""Looks at how a container is laid out before a demuxer believes it: whole, and within bounds.

A header of a few bytes can claim two thousand million frames, for which a demuxer would make room, and a
demuxer takes what is left of a file that was cut short as all there is. So the boxes of MP4 (ISO/IEC
14496-12, 4.2), the elements of Matroska (RFC 8794, RFC 9559) and the chunks of AVI are walked by their sizes; none of
their content is read but counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from videojob_contract.errors import Reason
from videojob_worker.media.files.boxes import read_box
from videojob_worker.media.files.source import Source

MAX_SAMPLES: Final = 20_000_000
"""Most frames and blocks of sound that an MP4 may have: more than a day of video with sound."""
MAX_METADATA_BYTES: Final = 64 * 1024**2
"""Largest tags, covers, chapters and attachments together."""
MAX_TRACKS: Final = 64
"""Most tracks and attachments."""
_MAX_INDEX_BYTES: Final = 256 * 1024**2
# A fragment a second for a day, each of a dozen boxes.
_MAX_BOXES: Final = 1_500_000

_INSIDE: Final = frozenset((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"))
_TAGS: Final = frozenset((b"udta", b"meta", b"uuid"))
# What stands at the top of a file (4.3 and the QuickTime format); all else there is what a camera or server put behind.
_TOP: Final = frozenset(
    (
        *(b"ftyp", b"styp", b"moov", b"moof", b"mfra", b"sidx", b"ssix", b"mdat", b"imda", b"meta", b"uuid", b"udta"),
        *(b"free", b"skip", b"wide", b"pnot", b"pdin", b"emsg", b"prft"),
    )
)
# Where the name of the first sample entry stands (8.5.2), and what it is when samples are encrypted (ISO/IEC 23001-7).
_ENTRY_NAME_AT: Final = 12
_ENCRYPTED: Final = frozenset((b"encv", b"enca"))
# Where the number of samples stands, behind the header of each box that has it (8.7.3, 8.8.8).
_COUNTS: Final = {b"stsz": 8, b"stz2": 8, b"trun": 4}

# Samples of uncompressed sound, each of one tick, are not kept one by one but in blocks of this many, by libav at most.
_SAMPLES_OF_PCM: Final = 1024

# QuickTime has a second one, that says where the data is.
_SOUND_HANDLERS: Final = frozenset((b"soun", b"url ", b"alis", b"rsrc"))
_TELLING: Final = frozenset((b"hdlr", b"stts"))

_SEGMENT: Final = 0x18538067
_MAX_ID_BYTES: Final = 4
_TRACKS: Final = 0x1654AE6B
_ATTACHMENTS: Final = 0x1941A469
_ENTRIES: Final = {_TRACKS: 0xAE, _ATTACHMENTS: 0x61A7}
_MATROSKA_TAGS: Final = frozenset((_ATTACHMENTS, 0x1043A770, 0x1254C367))


@dataclass(slots=True)
class _Track:
    """What tells whether a track of an MP4 is uncompressed sound, of which no list is made sample by sample."""

    handlers: set[bytes] = field(default_factory=set)
    is_even: bool = True
    samples: int = 0
    """That are all of one size."""

    @property
    def entries(self) -> int:
        """How many entries a demuxer makes of these samples, at most."""
        is_sound = b"soun" in self.handlers <= _SOUND_HANDLERS
        return -(-self.samples // _SAMPLES_OF_PCM) if is_sound and self.is_even else self.samples

    def look_at(self, name: bytes, head: bytes) -> None:
        """Take note of one of its boxes."""
        if name == b"hdlr":
            self.handlers.add(head[8:12])
        elif name == b"stts":
            self.is_even &= head[4:8] == head[12:16] == b"\0\0\0\1"  # one entry: all last one tick
        elif name == b"stsz":
            self.samples += int.from_bytes(head[8:12]) if any(head[4:8]) else 0


@dataclass(slots=True)
class _Totals:
    boxes: int = 0
    samples: int = 0
    tracks: int = 0
    metadata_bytes: int = 0
    index_bytes: int = 0
    has_index: bool = False
    has_fragments: bool = False
    behind_bytes: int = 0
    """Of what is no box, behind the last one."""
    is_cut: bool = False
    track: _Track = field(default_factory=_Track)
    """The one that is looked at."""


def check_container_limits(source: Source, kind: str) -> bool:
    """Check a container of a kind that `sniff` names; others than MP4, Matroska and AVI pass.

    Returns:
        whether it was cut off, and only part of what it promises is there.

    Raises:
        PermanentError: cut short, unfinished, damaged, or beyond a limit.
        OSError: it cannot be read.
    """
    totals = _Totals()
    with source.path.open("rb") as file:
        size = file.seek(0, 2)
        if kind == "MP4":
            _walk_boxes(source, file, 0, size, totals, is_top=True)
            if not totals.has_index:
                raise source.error("is cut short or unfinished: it is an MP4 file without an index of its frames")
            if totals.has_fragments and totals.behind_bytes:  # else the index says whether anything is missing
                source.warn(f"has {totals.behind_bytes:,} bytes that are no part of an MP4 file, and are not read")
        elif kind == "Matroska":
            _walk_matroska(source, file, size, totals)
        elif kind == "AVI":
            _walk_avi(source, file, size, totals)
    _check_totals(source, totals)
    return totals.is_cut


def _check_totals(source: Source, totals: _Totals) -> None:
    for count, most, what in (
        (totals.tracks, MAX_TRACKS, "tracks and attachments"),
        (totals.samples, MAX_SAMPLES, "frames and blocks of sound"),
        (totals.boxes, _MAX_BOXES, "parts"),
    ):
        if count > most:
            raise source.error(
                f"claims to have {count:,} {what}; at most {most:,} are allowed", Reason.SOURCE_TOO_LARGE
            )
    for size, most, what in (
        (totals.metadata_bytes, MAX_METADATA_BYTES, "metadata"),
        (totals.index_bytes, _MAX_INDEX_BYTES, "index"),
    ):
        if size > most:
            raise source.error(
                f"has {size / 1024**2:,.0f} MiB of {what}; at most {most // 1024**2} MiB are allowed",
                Reason.SOURCE_TOO_LARGE,
            )


def _count_samples(file: BinaryIO, name: bytes, body: int, totals: _Totals) -> None:
    file.seek(body)
    head = file.read(_COUNTS[name] + 4)
    totals.track.look_at(name, head)
    if name != b"stsz" or not any(head[4:8]):
        totals.samples += int.from_bytes(head[-4:])


def _check_clear(source: Source, file: BinaryIO, body: int) -> None:
    file.seek(body + _ENTRY_NAME_AT)
    if file.read(4) in _ENCRYPTED:
        raise source.error("is encrypted (Common Encryption, as of a protected stream); it has to be decrypted first")


def _walk_boxes(source: Source, file: BinaryIO, start: int, end: int, totals: _Totals, *, is_top: bool) -> None:
    for name, body, until in _boxes(source, file, start, end, is_top=is_top, totals=totals):
        totals.boxes += 1
        totals.has_index |= is_top and name == b"moov"
        totals.has_fragments |= is_top and name == b"moof"
        if is_top and name in {b"moov", b"moof"}:
            totals.index_bytes += until - body
        if name in _TAGS:
            totals.metadata_bytes += until - body
        elif name in _COUNTS and until - body >= _COUNTS[name] + 4:
            _count_samples(file, name, body, totals)
        elif name in _TELLING:
            file.seek(body)
            totals.track.look_at(name, file.read(min(16, until - body)))
        elif name == b"stsd":
            _check_clear(source, file, body)
        elif name in _INSIDE:
            totals.tracks += name == b"trak"
            _walk_boxes(source, file, body, until, totals, is_top=False)
            if name == b"trak":
                totals.samples += totals.track.entries
                totals.track = _Track()
        if totals.boxes > _MAX_BOXES or totals.tracks > MAX_TRACKS:
            return


def _boxes(
    source: Source, file: BinaryIO, start: int, end: int, *, is_top: bool, totals: _Totals
) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start of the content and end of each box between two positions."""
    while start + 8 <= end:
        name, body, until = read_box(file, start, end)
        fits = body <= until <= end
        if not fits and is_top and (totals.has_index or not name.strip(b"\0")) and name not in _TOP:
            totals.behind_bytes = end - start
            return
        if until < body or not (fits or is_top):
            raise source.error("is a damaged MP4 file: its boxes do not fit into each other")
        if not fits and not totals.has_index:
            raise source.error(f"is cut short: {end:,} of its {until:,} bytes are there")
        if not fits:
            _cut_short(source, totals, end, until)
            return
        yield name, body, until
        start = until


def _cut_short(source: Source, totals: _Totals, there: int, promised: int) -> None:
    totals.is_cut = True
    source.conceal(f"is cut short: {there:,} of its {promised:,} bytes are there", 1 - there / promised)


def _walk_avi(source: Source, file: BinaryIO, size: int, totals: _Totals) -> None:
    start = 0
    while start + 12 <= size and totals.boxes <= _MAX_BOXES:
        file.seek(start)
        name, length, kind = file.read(4), int.from_bytes(file.read(4), "little"), file.read(4)
        totals.boxes += 1
        if name == b"RIFF":
            start += 12
            continue
        end = start + 8 + length + length % 2
        if name == b"LIST" and kind == b"movi" and end > size + 1:
            _cut_short(source, totals, size, end)
        totals.index_bytes += length if name == b"idx1" else 0
        totals.metadata_bytes += length if name == b"LIST" and kind != b"movi" else 0
        start = end


def _walk_matroska(source: Source, file: BinaryIO, size: int, totals: _Totals) -> None:
    start = 0
    while start < size:
        found = element_at(file, start)
        if found is None:
            return
        number, body, length = found
        if length is None:  # live: whatever follows belongs to it
            end = None if number == _SEGMENT else size
        else:
            end = body + length
            if end > size:
                _cut_short(source, totals, size, end)
                end = size
        totals.boxes += 1
        if totals.boxes > _MAX_BOXES:
            return
        if number in _MATROSKA_TAGS:
            totals.metadata_bytes += (end or size) - body
        if number in _ENTRIES:
            totals.tracks += _count(file, body, end or size, _ENTRIES[number])
        start = body if number == _SEGMENT or end is None else end


def _count(file: BinaryIO, start: int, end: int, number: int) -> int:
    count = 0
    while start < end and count <= MAX_TRACKS:
        found = element_at(file, start)
        if found is None or found[2] is None:
            break
        count += found[0] == number
        start = found[1] + found[2]
    return count


def element_at(file: BinaryIO, start: int) -> tuple[int, int, int | None] | None:
    """Read an element's number, where its content starts, and its length, None when it is unknown (RFC 8794, 6.2)."""
    file.seek(start)
    head = file.read(12)
    if not head or not head[0]:
        return None
    id_bytes = 9 - head[0].bit_length()
    if id_bytes > _MAX_ID_BYTES or len(head) <= id_bytes or not head[id_bytes]:
        return None
    size_bytes = 9 - head[id_bytes].bit_length()
    body = id_bytes + size_bytes
    if len(head) < body:
        return None
    value = int.from_bytes(head[id_bytes:body]) & ((1 << 7 * size_bytes) - 1)
    unknown = value == (1 << 7 * size_bytes) - 1
    return int.from_bytes(head[:id_bytes]), start + body, None if unknown else value
