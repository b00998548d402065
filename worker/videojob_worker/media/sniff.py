"""What a file is, by its content: names and extensions are whatever their sender liked.

`kind_of` knows what is read here and, so that a refusal can say what was sent instead, what people commonly
send by mistake.
"""

from pathlib import Path

HEAD_BYTES = 512

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"GIF8", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"%PDF", "PDF"),
    (0, b"ID3", "MP3"),
    (0, b"fLaC", "FLAC"),
    (0, b"OggS", "Ogg"),
    (0, b"\x1aE\xdf\xa3", "Matroska"),
    (0, b"PK\x03\x04", "ZIP"),
    (0, b"\x1f\x8b", "gzip"),
)
_RIFF = {b"WEBP": "WebP", b"WAVE": "WAV", b"AVI ": "AVI"}
_ISO_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF"}
# An MPEG audio frame starts with eleven set bits and has a layer.
_MP3_SYNC = 0xFF
_MP3_SYNC_LOW = 0xE0
_MP3_LAYER = 0x06
# Kinds whose names are spoken with a vowel first.
_VOWEL = {"MP3", "MP4", "AVI", "AVIF", "HTML", "Ogg", "SVG", "XML"}


def kind_of(path: Path) -> str:
    """Name the kind of a file, such as `JPEG`; `empty`, `text` or `unknown` when it is no media at all.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        return "empty"
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            return kind
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], "unknown")
    if head[4:8] == b"ftyp":
        return _ISO_BRANDS.get(head[8:12], "MP4")
    if len(head) > 1 and head[0] == _MP3_SYNC and head[1] & _MP3_SYNC_LOW == _MP3_SYNC_LOW and head[1] & _MP3_LAYER:
        return "MP3"
    return _text_kind(head)


def describe(kind: str) -> str:
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
        return "SVG" if b"<svg" in start else "XML"
    if start.startswith(b"#extm3u"):
        return "playlist"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character may be cut off by the end of the head.
        if error.start < len(head) - 3:
            return "unknown"
    return "text" if not set(head) & set(range(9)) else "unknown"
