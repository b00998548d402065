"""Every URI of a VideoJob with the path of its field: what is read, and what is written."""

from __future__ import annotations

import re
from enum import Enum, auto
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from videojob_contract.resources.outputs import Format
from videojob_contract.resources.text import is_font_uri

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from videojob_contract.resources.outputs import Output
    from videojob_contract.resources.timeline import Clip, Overlay
    from videojob_contract.resources.videojob import VideoJobSpec

VOLUME = "volume"

_USER = re.compile(r"^([A-Za-z0-9+.-]*:/*)?[^/?#]*@")
_QUERY_OR_FRAGMENT = re.compile(r"[?#].*", re.DOTALL)


class Use(Enum):
    """What happens with a URI."""

    SOURCE = auto()
    OUTPUT = auto()


def split_uri(uri: str) -> tuple[str, str, str]:
    """Split `scheme://place/rest`: a volume, bucket or host, and what follows without its leading slash."""
    scheme, _, remainder = uri.partition("://")
    place, _, rest = remainder.partition("/")
    return scheme, place, rest


def redact_uri(uri: str) -> str:
    """Return what messages and logs may have of a URI, or of what should be one: no user, query or fragment.

    A signed URL is a secret, and a message goes to a status, to Events and to logs.
    """
    return _QUERY_OR_FRAGMENT.sub("", _USER.sub(r"\1", uri))


def output_places(output: Output) -> tuple[str, ...]:
    """Return where an output is written, its escapes resolved: its URI, and of a sprite the text beside it.

    The folder of an HLS output's segments is named for what is in it, and so is nobody else's.
    """
    if output.uri is None:
        return ()
    place = unquote(output.uri)
    folder, _, name = place.rpartition("/")
    return (place, f"{folder}/{PurePosixPath(name).stem}.vtt") if output.format is Format.SPRITE else (place,)


def iter_uris(spec: VideoJobSpec) -> Iterator[tuple[str, str, Use]]:
    """Yield `(path, uri, use)` in the order of the fields; a font by its name is none.

    Such as `("spec.clips[3].image.uri", "volume://media/a.jpg", Use.SOURCE)`.
    """
    yield from _layers("spec.clips", spec.clips)
    for index, clip in enumerate(spec.clips):
        if clip.narration is not None:
            yield f"spec.clips[{index}].narration.uri", clip.narration.uri, Use.SOURCE
    yield from _layers("spec.overlays", spec.overlays or ())
    if spec.subtitles is not None:
        yield "spec.subtitles.uri", spec.subtitles.uri, Use.SOURCE
        if spec.subtitles.style is not None:
            yield from _font("spec.subtitles.style.font", spec.subtitles.style.font)
    for index, track in enumerate(spec.audio.tracks if spec.audio else []):
        yield f"spec.audio.tracks[{index}].uri", track.uri, Use.SOURCE
    for index, output in enumerate(spec.outputs or []):
        if output.uri is not None:
            yield f"spec.outputs[{index}].uri", output.uri, Use.OUTPUT


def _layers(path: str, layers: Sequence[Clip | Overlay]) -> Iterator[tuple[str, str, Use]]:
    for index, layer in enumerate(layers):
        for kind, media in (("image", layer.image), ("video", layer.video)):
            if media is not None:
                yield f"{path}[{index}].{kind}.uri", media.uri, Use.SOURCE
        if layer.title is not None:
            yield from _font(f"{path}[{index}].title.font", layer.title.font)


def _font(path: str, font: str | None) -> Iterator[tuple[str, str, Use]]:
    if font is not None and is_font_uri(font):
        yield path, font, Use.SOURCE
