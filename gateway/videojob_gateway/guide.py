"""The guide, for programs that read: pages of the documentation in one text, which `make generate` puts together."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

URI: Final = "videojob://guide"
TITLE: Final = "How VideoJobs are written, rendered and followed"
FILE: Final = Path(__file__).parent / "llms.txt"


@cache
def guide_text() -> str:
    """Return all of it, as Markdown."""
    return FILE.read_text()
