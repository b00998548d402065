"""What a file is, by its content: names and extensions are whatever their sender liked.

`kind_of` knows what is read here and, so that a refusal can say what was sent instead, what people commonly
send by mistake.
"""

from pathlib import Path
from typing import BinaryIO

from videojob_worker.media.files.sound_frames import find_frames

HEAD_BYTES = 512

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"GIF8", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"8BPS", "PSD"),
    (8, b"CR\x02\0", "camera raw"),
    (0, b"FUJIFILMCCD-RAW", "camera raw"),
    (0, b"IIRO", "camera raw"),
    (0, b"IIRS", "camera raw"),
    (0, b"MMOR", "camera raw"),
    (0, b"IIU\0", "camera raw"),
    (4, b"ftypcrx ", "camera raw"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"%PDF", "PDF"),
    (0, b"fLaC", "FLAC"),
    (0, b"OggS", "Ogg"),
    (0, b"#!AMR", "AMR"),
    (0, b"caff", "CAF"),
    (0, b"riff\x2e\x91\xcf\x11", "Wave64"),
    (0, b"\x1aE\xdf\xa3", "Matroska"),
    (0, b"FLV\x01", "FLV"),
    (0, b"\x30\x26\xb2\x75", "Windows Media"),
    (0, b"\0\0\x01\xba", "MPEG program stream"),
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"JXL \r\n", "JPEG XL"),
    (0, b"PK\x03\x04", "ZIP"),
    (0, b"\x1f\x8b", "gzip"),
)
# By the first chunk, what is in it; RF64 and BW64 are RIFF of more than 4 GiB.
_RIFF = {b"WEBP": "WebP", b"WAVE": "WAV", b"AVI ": "AVI"}
_CHUNKED = {
    b"RIFF": _RIFF,
    b"RF64": _RIFF,
    b"BW64": _RIFF,
    b"FORM": {b"AIFF": "AIFF", b"AIFC": "AIFF"},
}
_ISO_BRANDS = {
    **dict.fromkeys((b"avif", b"avis", b"avio", b"MA1A", b"MA1B"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"MiHE"), "HEIC"),
}
# General brands of pictures; a particular one stands behind them.
_HEIF_BRANDS = (b"mif1", b"mif2", b"mif3", b"msf1", b"miaf", b"MiPr", b"tmap", b"1pic", b"geo1", b"unif")
# What a QuickTime file may begin with that has no `ftyp`.
_QUICKTIME = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
# ISO/IEC 13818-1, 2.4.3.2: a packet, as it is, behind a time stamp (of Blu-ray), and before check bytes (of DVB).
_TS_PACKETS = ((188, 0), (192, 4), (204, 0))
_TS_SYNCS = b"GGG"
_ID3_BYTES = 10
_APE = b"APETAGEX"
_APE_BYTES = 32
_MOST_TAGS = 16
# Kinds whose names are spoken with a vowel first.
_VOWEL = {
    "AAC",
    "AC-3",
    "AIFF",
    "AMR",
    "MP3",
    "MP4",
    "AVI",
    "AVIF",
    "FLV",
    "HTML",
    "MPEG program stream",
    "MPEG transport stream",
    "Ogg",
    "SVG",
    "XML",
}


def file_kind(path: Path) -> str:
    """Name the kind of a file, such as `JPEG`; `empty`, `text` or `unknown` when it is no media at all.

    Raises:
        OSError: it cannot be read.
    """
    return find_content(path)[0]


def find_content(path: Path) -> tuple[str, int]:
    """Name the kind of a file, and say at which byte what is of that kind begins.

    Before it may be tags, which editors put before anything, and before frames of sound whatever a recorder or a
    download left there.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = behind_tags(file, 0)
        file.seek(start)
        kind = _kind_of(file.read(HEAD_BYTES))
        if kind == "unknown" and (found := find_frames(file, start)) is not None:
            return found
    return (kind, start) if kind not in {"empty", "text", "unknown"} or not start else ("MP3", 0)


def behind_tags(file: BinaryIO, start: int) -> int:
    """Return where the tags (ID3v2, APEv2) end that are at a byte of a file; that byte when none are.

    Raises:
        OSError: it cannot be read.
    """
    for _ in range(_MOST_TAGS):
        file.seek(start)
        length = _tag_bytes(file.read(_APE_BYTES))
        if not length:
            break
        start += length
    return start


def _tag_bytes(head: bytes) -> int:
    """Return how long the tag (ID3v2, APEv2) is with which something begins, in bytes; 0 for none."""
    if head.startswith(b"ID3") and len(head) >= _ID3_BYTES and not max(head[6:_ID3_BYTES]) & 0x80:
        size = 0
        for byte in head[6:_ID3_BYTES]:  # seven bits each (ID3v2.4, 3.1)
            size = size << 7 | byte
        has_footer = bool(head[5] & 0x10)
        return _ID3_BYTES + size + _ID3_BYTES * has_footer
    if head.startswith(_APE) and len(head) >= _APE_BYTES:
        return _APE_BYTES + int.from_bytes(head[12:16], "little")
    return 0


def _kind_of(head: bytes) -> str:
    if not head:
        return "empty"
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            return kind
    if (boxed := _boxed_kind(head)) is not None:
        return boxed
    return _text_kind(head)


def _boxed_kind(head: bytes) -> str | None:
    """Name the kinds that are laid out in chunks, boxes or packets, by the first of these."""
    if (forms := _CHUNKED.get(head[:4])) is not None:
        return forms.get(head[8:12], "unknown")
    if head[4:8] == b"ftyp":
        listed = head[16 : int.from_bytes(head[:4])]
        brands = (head[8:12], *(listed[at : at + 4] for at in range(0, len(listed), 4)))
        if brands[0] not in _HEIF_BRANDS:
            return _ISO_BRANDS.get(brands[0], "MP4")
        return next((_ISO_BRANDS[brand] for brand in brands if brand in _ISO_BRANDS), "HEIF")
    if head[4:8] in _QUICKTIME:
        return "MP4"
    is_transport = any(head[start::size] == _TS_SYNCS for size, start in _TS_PACKETS)
    return "MPEG transport stream" if is_transport else None


def describe_kind(kind: str) -> str:
    """Put a kind into words: `a text file`, `an MP4 file`."""
    match kind:
        case "empty":
            return "an empty file"
        case "unknown":
            return "a file of unknown kind"
        case _:
            return f"{'an' if kind in _VOWEL else 'a'} {kind} file"


def _text_kind(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    if start.startswith((b"<?xml", b"<svg")):
        return "SVG" if b"<svg" in start else "DASH manifest" if b"<mpd" in start else "XML"
    if start.startswith((b"#extm3u", b"ffconcat version")):
        return "playlist"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character may be cut off by the end of the head.
        if error.start < len(head) - 3:
            return "unknown"
    return "text" if not set(head) & set(range(9)) else "unknown"
