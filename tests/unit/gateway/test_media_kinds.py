"""What a file is by its first bytes."""

import io
import struct

import pytest
from PIL import Image

from videojob_gateway.assets.media_kinds import KINDS, SNIFF_BYTES, kind_of


def ftyp(*brands: bytes) -> bytes:
    listed = brands[0] + b"\0\0\0\0" + b"".join(brands[1:])
    return struct.pack(">I", 8 + len(listed)) + b"ftyp" + listed + bytes(100)


@pytest.mark.parametrize(
    ("beginning", "extension"),
    [
        (ftyp(b"isom", b"mp42"), ".mp4"),
        (ftyp(b"qt  "), ".mov"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", ".mov"),
        (ftyp(b"M4A ", b"isom"), ".m4a"),
        (ftyp(b"heic", b"mif1"), ".heic"),
        (ftyp(b"mif1", b"avif"), ".avif"),
        (ftyp(b"avif", b"mif1"), ".avif"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm", ".webm"),
        (b"\x1aE\xdf\xa3\xa3B\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x88matroska", ".mkv"),
        (b"RIFF\0\0\0\0WAVEfmt ", ".wav"),
        (b"RIFF\0\0\0\0AVI LIST", ".avi"),
        (b"ID3\x04\0\0\0\0\0\0", ".mp3"),
        (b"\xff\xfb\x90\x00", ".mp3"),
        (b"\xff\xf1\x50\x80", ".aac"),
        (b"fLaC\0\0\0\x22", ".flac"),
        (b"OggS\0\x02", ".ogg"),
        ((b"G" + bytes(187)) * 3, ".ts"),
        (b"\xef\xbb\xbfWEBVTT\n\n", ".vtt"),
        (b"1\r\n00:00:01,000 --> 00:00:02,000\r\nHi", ".srt"),
        ("\ufeff1\n00:00:01,000 --> 00:00:02,000\nH\u00e9".encode("utf-16-le"), ".srt"),
        (b"[Script Info]\nTitle: a", ".ass"),
        (b"OTTO\0\x0b", ".otf"),
        (b"\0\x01\0\0\0\x0c", ".ttf"),
    ],
)
def test_what_videojobs_read_is_known(beginning: bytes, extension: str) -> None:
    kind = kind_of(beginning)
    assert kind is not None
    assert kind.extension == extension
    assert KINDS[extension] is kind


@pytest.mark.parametrize(("name", "extension"), [("JPEG", ".jpg"), ("PNG", ".png"), ("GIF", ".gif"), ("WEBP", ".webp")])
def test_what_programs_write_is_known(name: str, extension: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, name)
    kind = kind_of(file.getvalue()[:SNIFF_BYTES])
    assert kind is not None
    assert kind.extension == extension


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"\0",
        b"MZ\x90\0",
        b"\x7fELF",
        b"PK\x03\x04",
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"<!doctype html>",
        b"#EXTM3U\n",
        b"ffconcat version 1.0",
        b"some text",
        b"\xff\xff\xff\xff",
        b"\xff\xfe\xff\xff",
        b"RIFF\0\0\0\0ACON",
    ],
)
def test_what_they_do_not_is_not(beginning: bytes) -> None:
    assert kind_of(beginning) is None
