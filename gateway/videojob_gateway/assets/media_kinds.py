"""What a file is, by its first bytes: its name and the type that its sender gives it are whatever they liked. Pure.

It tells what may be kept from what may not. Whether it can be rendered only its decoder tells, and that is no business
of a program with a network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

SNIFF_BYTES: Final = 4096
"""How much of a file is looked at."""


@dataclass(frozen=True, slots=True)
class MediaKind:
    """A kind of file that VideoJobs can read."""

    media_type: str
    extension: str
    """With its dot."""


_JPEG = MediaKind("image/jpeg", ".jpg")
_PNG = MediaKind("image/png", ".png")
_GIF = MediaKind("image/gif", ".gif")
_WEBP = MediaKind("image/webp", ".webp")
_TIFF = MediaKind("image/tiff", ".tiff")
_JXL = MediaKind("image/jxl", ".jxl")
_AVIF = MediaKind("image/avif", ".avif")
_HEIC = MediaKind("image/heic", ".heic")
_MP4 = MediaKind("video/mp4", ".mp4")
_MOV = MediaKind("video/quicktime", ".mov")
_M4A = MediaKind("audio/mp4", ".m4a")
_MKV = MediaKind("video/x-matroska", ".mkv")
_WEBM = MediaKind("video/webm", ".webm")
_AVI = MediaKind("video/x-msvideo", ".avi")
_TS = MediaKind("video/mp2t", ".ts")
_MPEG = MediaKind("video/mpeg", ".mpg")
_MP3 = MediaKind("audio/mpeg", ".mp3")
_AAC = MediaKind("audio/aac", ".aac")
_WAV = MediaKind("audio/wav", ".wav")
_AIFF = MediaKind("audio/aiff", ".aiff")
_FLAC = MediaKind("audio/flac", ".flac")
_OGG = MediaKind("audio/ogg", ".ogg")
_BMP = MediaKind("image/bmp", ".bmp")
_FLV = MediaKind("video/x-flv", ".flv")
_WMV = MediaKind("video/x-ms-wmv", ".wmv")
_CAF = MediaKind("audio/x-caf", ".caf")
_AMR = MediaKind("audio/amr", ".amr")
_W64 = MediaKind("audio/x-w64", ".w64")
_TTF = MediaKind("font/ttf", ".ttf")
_OTF = MediaKind("font/otf", ".otf")
_TTC = MediaKind("font/collection", ".ttc")
_VTT = MediaKind("text/vtt", ".vtt")
_ASS = MediaKind("text/x-ssa", ".ass")
_SRT = MediaKind("application/x-subrip", ".srt")

KINDS: Final = {
    kind.extension: kind
    for kind in (
        _JPEG, _PNG, _GIF, _WEBP, _TIFF, _JXL, _AVIF, _HEIC, _MP4, _MOV, _M4A, _MKV, _WEBM, _AVI, _TS, _MPEG, _MP3,
        _AAC, _WAV, _AIFF, _FLAC, _OGG, _BMP, _FLV, _WMV, _CAF, _AMR, _W64, _TTF, _OTF, _TTC, _VTT, _ASS, _SRT,
    )
}  # fmt: skip
"""All of them, by their extensions."""

_MAGIC: Final = (
    (b"\xff\xd8\xff", _JPEG),
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"GIF87a", _GIF),
    (b"GIF89a", _GIF),
    (b"II*\0", _TIFF),
    (b"MM\0*", _TIFF),
    (b"II+\0", _TIFF),
    (b"MM\0+", _TIFF),
    (b"\xff\x0a", _JXL),
    (b"\0\0\0\x0cJXL \r\n\x87\n", _JXL),
    (b"fLaC", _FLAC),
    (b"OggS", _OGG),
    (b"\0\0\x01\xba", _MPEG),
    (b"BM", _BMP),
    (b"FLV\x01", _FLV),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _WMV),
    (b"caff", _CAF),
    (b"#!AMR", _AMR),
    (b"riff\x2e\x91\xcf\x11", _W64),
    (b"ID3", _MP3),
    (b"APETAGEX", _MP3),
    (b"\0\x01\0\0", _TTF),
    (b"true", _TTF),
    (b"OTTO", _OTF),
    (b"ttcf", _TTC),
)
_CHUNKED: Final = {
    b"RIFF": {b"WEBP": _WEBP, b"WAVE": _WAV, b"AVI ": _AVI},
    b"RF64": {b"WAVE": _WAV},
    b"BW64": {b"WAVE": _WAV},
    b"FORM": {b"AIFF": _AIFF, b"AIFC": _AIFF},
}
_BRANDS: Final = {
    **dict.fromkeys((b"avif", b"avis", b"avio", b"MA1A", b"MA1B"), _AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1", b"miaf"), _HEIC),
    **dict.fromkeys((b"M4A ", b"M4B "), _M4A),
    b"qt  ": _MOV,
}
_QUICKTIME: Final = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
# A packet of a transport stream, as it is, behind a time stamp (of Blu-ray), and before check bytes (of DVB).
_TS_PACKETS: Final = ((188, 0), (192, 4), (204, 0))
_SRT_BEGIN: Final = re.compile(r"\s*\d+\s*\n\s*\d{1,3}:\d\d:\d\d[,.]\d{1,3}\s*-->")
_BOMS: Final = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"))


def kind_of(beginning: bytes) -> MediaKind | None:
    """Return what a file is by its first `SNIFF_BYTES`; None for what no VideoJob could read."""
    for magic, kind in _MAGIC:
        if beginning.startswith(magic):
            return kind
    if beginning.startswith(b"\x1aE\xdf\xa3"):
        return _WEBM if b"\x42\x82\x84webm" in beginning[:64] else _MKV
    return _boxed(beginning) or _subtitles(beginning) or _frames(beginning)


def _boxed(beginning: bytes) -> MediaKind | None:
    if (forms := _CHUNKED.get(beginning[:4])) is not None:
        return forms.get(beginning[8:12])
    if beginning[4:8] == b"ftyp":
        listed = beginning[16 : int.from_bytes(beginning[:4])]
        # A picture may be said to be one in general, and of which codec behind that.
        brands = [beginning[8:12], *(listed[at : at + 4] for at in range(0, len(listed), 4))]
        first = _BRANDS.get(brands[0], _MP4)
        return next((_AVIF for brand in brands if _BRANDS.get(brand) is _AVIF), first) if first is _HEIC else first
    if beginning[4:8] in _QUICKTIME:
        return _MOV
    return _TS if any(beginning[start::size][:3] == b"GGG" for size, start in _TS_PACKETS) else None


def _frames(beginning: bytes) -> MediaKind | None:
    """Tell frames of sound without a container by the first (ISO/IEC 13818-3, 2.4.2.3; 13818-7, 6.2)."""
    if len(beginning) < 4 or beginning[0] != 0xFF:  # noqa: PLR2004 - a head has four bytes
        return None
    if beginning[1] & 0xF6 == 0xF0:  # noqa: PLR2004
        return _AAC
    is_layer_3 = beginning[1] & 0xE6 == 0xE2 and beginning[1] & 0x18 != 0x08  # noqa: PLR2004
    return _MP3 if is_layer_3 and beginning[2] & 0xF0 != 0xF0 and beginning[2] & 0x0C != 0x0C else None  # noqa: PLR2004


def _subtitles(beginning: bytes) -> MediaKind | None:
    encoding = next((encoding for bom, encoding in _BOMS if beginning.startswith(bom)), "utf-8")
    text = beginning.decode(encoding, errors="replace").removeprefix("\ufeff")
    if "\0" in text:
        return None
    if re.match(r"WEBVTT([ \t\r\n]|$)", text):
        return _VTT
    if text.lstrip().lower().startswith("[script info]"):
        return _ASS
    return _SRT if _SRT_BEGIN.match(text) else None
