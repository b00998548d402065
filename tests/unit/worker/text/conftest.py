"""Subtitle files from their text."""

from collections.abc import Callable
from pathlib import Path

import pytest

from videojob_worker.media.files.source import Source

Written = Callable[[str | bytes], Source]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Write a file that a job's subtitles name."""

    def write(content: str | bytes) -> Source:
        path = tmp_path / "subtitles"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Source("spec.subtitles.uri", "volume://media/a.srt", path)

    return write
