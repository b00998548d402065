"""Where files of frames that were joined begin."""

from pathlib import Path
from unittest.mock import patch

from videojob_worker.media.files import joined_frames
from videojob_worker.media.files.joined_frames import find_joined

TAG = b"ID3\x03\0\0" + bytes(4)
FRAMES = (b"\xff\xfb\x90\x00" + bytes(413)) * 4
"""Of MPEG 1, layer 3: 128 kbit/s at 44.1 kHz."""


def test_each_part_begins_with_its_tags(tmp_path: Path) -> None:
    (path := tmp_path / "x.mp3").write_bytes(FRAMES + TAG + TAG + FRAMES + TAG + FRAMES)
    ends = (len(FRAMES), 2 * len(FRAMES) + 20, 3 * len(FRAMES) + 30)
    assert find_joined(path, "MP3", 0) == tuple(map(range, (0, *ends[:-1]), ends))


def test_a_file_of_tags_is_not_looked_at_behind_each(tmp_path: Path) -> None:
    (path := tmp_path / "x.mp3").write_bytes(FRAMES + TAG * 1000)
    with (
        patch.object(joined_frames, "_MOST", 10),
        patch.object(joined_frames, "find_frames", wraps=joined_frames.find_frames) as looked,
    ):
        assert find_joined(path, "MP3", 0) == (range(len(FRAMES) + 10_000),)
    assert looked.call_count == 10
