"""Media types, by which browsers and players know what an object store sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.resources.outputs import ObjectAttributes

if TYPE_CHECKING:
    from videojob_contract.resources.outputs import Output

_TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4s": "video/iso.segment",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".vtt": "text/vtt; charset=utf-8",
}


def of_extension(extension: str) -> str | None:
    """Return the media type of a file of ours by its extension, such as `.mp4`; None where there is none."""
    return _TYPES.get(extension)


def attributes_of(output: Output) -> ObjectAttributes:
    """Return what is to be kept beside an output, with the media type of its format where it names none."""
    wanted = output.object_ or ObjectAttributes()
    return wanted.model_copy(
        update={"content_type": wanted.content_type or of_extension(f".{output.format.extension}")}
    )
