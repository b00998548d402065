"""Fixtures of the engine's tests."""

from pathlib import Path

import pytest

from tests.render.studio import Studio


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """Renders into a folder of the test's own."""
    return Studio(tmp_path / "scratch")
