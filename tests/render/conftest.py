"""Fixtures of the engine's tests."""

from pathlib import Path
from typing import Any

import pytest

from tests.render.captioned import HEIGHT, URI, WIDTH, Open
from tests.render.studio import Studio
from videojob_contract.resources.text import Subtitles
from videojob_worker.canvas import Canvas
from videojob_worker.media.files.source import Source
from videojob_worker.text.captions import Captions, open_captions
from videojob_worker.text.fonts import Fonts


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """Renders into a folder of the test's own."""
    return Studio(tmp_path / "scratch")


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Open subtitles from their text, with a style."""

    def make(text: str | bytes, *, files: dict[str, Path] | None = None, **style: Any) -> Captions:
        path = tmp_path / "source-0"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        subtitles = Subtitles.model_validate({"uri": URI, "style": style or None})
        source = Source("spec.subtitles.uri", URI, path)
        return open_captions(source, subtitles, Canvas(WIDTH, HEIGHT, "#000000"), Fonts(files or {}))

    return make
