"""What a file is, found with one look at it."""

from pathlib import Path
from unittest.mock import patch

import pytest

from videojob_worker.media.files.sniff import find_content

ID3 = b"ID3\x03\0\0" + bytes((0, 0, 0, 20)) + bytes(20)
FRAME = b"\xff\xfb\x90\x00" + bytes(413)
"""Of MPEG 1, layer 3: 128 kbit/s at 44.1 kHz."""


def ac3_frames(version: int) -> tuple[bytes, bytes]:
    """A frame of each length at 44.1 kHz and 128 kbit/s, which is halved in version 9 (ETSI TS 102 366, annex D)."""
    even, odd = (
        b"\x0b\x77\0\0" + bytes((0x40 | code, version << 3)) + bytes(2 * words - 6)
        for code, words in ((16, 278), (17, 279))
    )
    return even, odd


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"OggS" + bytes(100), ("Ogg", 0)),
        (ID3 + b"fLaC" + bytes(100), ("FLAC", 30)),
        (FRAME * 4, ("MP3", 0)),
        (ID3 + bytes(7) + FRAME * 4, ("MP3", 37)),
        (FRAME * 2, ("MP3", 0)),
        (FRAME * 2 + b"TAG" + bytes(125), ("MP3", 0)),
        (FRAME * 2 + b"APETAGEX" + bytes(125), ("MP3", 0)),
        (FRAME * 2 + b"HAT" + bytes(125), ("unknown", 0)),
        (b"\xff" + bytes(200_000) + FRAME * 4, ("MP3", 200_001)),
        *((even + odd + even, ("AC-3", 0)) for even, odd in map(ac3_frames, (6, 8, 9, 10))),
        (bytes(2000), ("unknown", 0)),
        (b"", ("empty", 0)),
    ],
    ids=lambda value: f"{value[:8]!r}, {len(value)}",
)
def test_a_file_is_opened_once_to_name_it(tmp_path: Path, data: bytes, expected: tuple[str, int]) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with patch.object(Path, "open", autospec=True, side_effect=Path.open) as opened:
        assert find_content(path) == expected
    assert opened.call_count == 1
