"""The VideoJobs of `manifests/samples`."""

from pathlib import Path
from typing import Final

_OTHERS: Final = {"renderpool", "videohook", "videoschedule", "videotemplate"}
FOLDER: Final = Path(__file__).resolve().parents[1] / "manifests" / "samples"
VIDEOJOBS: Final = tuple(sorted({path.stem for path in FOLDER.glob("*.yaml")} - _OTHERS))
"""Their names."""


def manifest(name: str) -> Path:
    """Return the file of one."""
    return FOLDER / f"{name}.yaml"
