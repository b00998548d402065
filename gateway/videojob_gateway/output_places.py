"""Where an output is that may be sent: one that its spec asks for, in a volume that is mounted here. Pure.

A status says where a worker published, and a worker reads what nobody trusts: so the place has to be the spec's.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from videojob_common.safe_open import UnsafePathError, split_volume_uri
from videojob_contract.defaults import DEFAULT_OUTPUTS
from videojob_contract.output_files import is_companion
from videojob_contract.resources.base import NAME_PATTERN
from videojob_contract.resources.uris import VOLUME, split_uri
from videojob_gateway.errors import NoSuchOutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from videojob_contract.resources.outputs import Output
    from videojob_contract.resources.status import OutputStatus

MEDIA_TYPES: Final = {
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "m3u8": "application/vnd.apple.mpegurl",
    "m4a": "audio/mp4",
    "m4s": "video/iso.segment",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "png": "image/png",
    "vtt": "text/vtt",
    "webm": "video/webm",
    "webp": "image/webp",
}
"""What is said of files by their extension; of others nothing that a browser would show."""


def published(outputs: Sequence[OutputStatus] | None, name: str) -> OutputStatus:
    """Return an output that was published; raises `NoSuchOutputError`."""
    found = next((output for output in outputs or () if output.name == name), None)
    if found is None:
        raise NoSuchOutputError(f"there is no output {name[:80]!r}, or it is not published yet")
    return found


def volume_path(
    output: OutputStatus, wanted: Sequence[Output] | None, *, folder: str, file: str = ""
) -> tuple[str, tuple[str, ...]]:
    """Return the volume of an output, and the path of its main file there, or of one of its further files.

    Args:
        output: as the status has it.
        wanted: the outputs of the spec.
        folder: `NAMESPACE/NAME` of the VideoJob, below which a pool's outputs are.
        file: path of a further file, seen from the folder of the main one; empty for that itself.

    Raises:
        NoSuchOutputError: it is not in a volume, not where the spec has it, or has no such file.
    """
    if split_uri(output.uri)[0] != VOLUME or not _is_wanted(output, wanted, folder):
        raise NoSuchOutputError("it is not where this gateway could fetch it from")
    try:
        volume, names = split_volume_uri(output.uri)
    except UnsafePathError as error:
        raise NoSuchOutputError(f"it cannot be fetched: {error}") from error
    if not re.fullmatch(NAME_PATTERN, volume):
        raise NoSuchOutputError("it is in no volume that there could be")
    if not file:
        return volume, names
    parts = file.split("/")
    if file == names[-1]:
        return volume, names
    if not is_companion(names[-1], parts):
        raise NoSuchOutputError("the output has no such file")
    return volume, (*names[:-1], *parts)


def media_type(name: str) -> str:
    """Return the media type of a file."""
    return MEDIA_TYPES.get(extension(name).removeprefix("."), "application/octet-stream")


def extension(name: str) -> str:
    """Return the extension of a file with its dot; nothing when it is not one of media."""
    found = PurePosixPath(name).suffix.lower()
    return found if found.removeprefix(".") in MEDIA_TYPES else ""


def mounted(volumes: str, pool: str, volume: str) -> Path:
    """Return where a volume of a pool is mounted."""
    return Path(volumes) / pool / volume


def _is_wanted(output: OutputStatus, wanted: Sequence[Output] | None, folder: str) -> bool:
    """Tell whether a place is the one of the spec; whatever prefix its pool had when it was rendered."""
    asked = next((each for each in wanted or DEFAULT_OUTPUTS if each.name == output.name), None)
    if asked is None:
        return False
    if asked.uri is not None:
        return asked.uri == output.uri
    return output.uri.endswith(f"/{folder}/{asked.name}.{asked.format.extension}")
