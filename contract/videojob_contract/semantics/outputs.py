"""What must hold between the fields of an output: which a format has, and what its codec takes."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from videojob_contract.problems import Problem, show
from videojob_contract.resources.base import format_duration
from videojob_contract.resources.object_stores import OBJECT_SCHEMES, Provider
from videojob_contract.resources.outputs import (
    GIF_MOST_FPS,
    KNOWN_EXTENSIONS,
    MAX_CRF,
    PRESETS,
    TWO_PASS_CODECS,
    Copying,
    Format,
    bits_a_second,
)
from videojob_contract.resources.uris import Use, iter_uris, output_places, redact_uri, split_uri

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from videojob_contract.resources.outputs import Codec, Output, Rendition
    from videojob_contract.resources.videojob import VideoJobSpec

_SIZE = frozenset(("width", "height"))
_RATE = frozenset(("crf", "bitrate", "max_bitrate", "two_pass"))
_ENCODING = frozenset(("codec", "fps", "preset", "keyframe_interval")) | _RATE
_SHEET = frozenset(("interval", "columns"))
_STREAMING = frozenset(("renditions", "segment_duration"))
_SOME_FORMATS = _SIZE | _ENCODING | _SHEET | _STREAMING | {"at"}
"""Fields that not all formats have."""

_TAKEN = ("audio", "subtitles")
"""Names that no rendition can have."""

_METADATA_NAME = re.compile(r"[a-z0-9_][-a-z0-9_]*")

_PICTURE = _SIZE | {"at"}
_MOVING = _SIZE | {"fps"}
_FIELDS: dict[Format, frozenset[str]] = {
    Format.MP4: _SIZE | _ENCODING,
    Format.WEBM: _SIZE | _ENCODING,
    Format.HLS: (_SIZE | _ENCODING | _STREAMING) - {"keyframe_interval"},
    Format.GIF: _MOVING,
    Format.WEBP: _MOVING,
    Format.MP3: frozenset(("bitrate",)),
    Format.M4A: frozenset(("bitrate",)),
    Format.JPG: _PICTURE,
    Format.PNG: _PICTURE,
    Format.SPRITE: _SIZE | _SHEET,
}
_WHY: dict[Format, str] = {
    Format.HLS: "its segments have",
    Format.GIF: "it has colours by number",
    Format.WEBP: "each of its pictures is compressed by its quality",
    Format.MP3: "it is sound alone",
    Format.M4A: "it is sound alone",
    Format.JPG: "it is one picture",
    Format.PNG: "it is one picture",
    Format.SPRITE: "it is a sheet of thumbnails",
}


def check_outputs(spec: VideoJobSpec, length_s: Fraction | None) -> Iterator[Problem]:
    """Yield every problem of the outputs; `length_s` is the timeline's, where it is known."""
    names: set[str] = set()
    sources = {unquote(uri): path for path, uri, use in iter_uris(spec) if use is Use.SOURCE}
    targets: dict[str, str] = {}  # what goes there first, by where it goes
    for index, output in enumerate(spec.outputs or []):
        path = f"spec.outputs[{index}]"
        if output.name in names:
            yield Problem(f"{path}.name", f'another output is named "{output.name}" too')
        names.add(output.name)
        said = redact_uri(output.uri or "")
        for place in output_places(output):
            first = targets.setdefault(place, f"{path}.uri")
            if first != f"{path}.uri":
                yield Problem(f"{path}.uri", f"{first} goes to {said} too")
            elif place in sources:
                yield Problem(f"{path}.uri", f"{said} is {sources[place]}, and a source is never overwritten")
        yield from _extension(path, output)
        yield from _object(path, output)
        yield from _fields(path, output)
        yield from _times(path, output, length_s)
        if output.format.codecs:
            yield from _encoding(path, output)
            yield from _renditions(path, output)


def _extension(path: str, output: Output) -> Iterator[Problem]:
    extension = PurePosixPath(unquote(output.uri or "")).suffix.removeprefix(".").lower()
    if extension in KNOWN_EXTENSIONS - output.format.extensions:
        message = f"ends in .{extension}, but its format is {output.format}: end it in .{output.format.extension}"
        yield Problem(f"{path}.uri", f"{message}, or choose another format")


def _object(path: str, output: Output) -> Iterator[Problem]:
    if output.object_ is None:
        return
    for name in output.object_.metadata or ():
        if not _METADATA_NAME.fullmatch(name):
            message = "cannot be a name of metadata: use lower case letters, digits, - and _"
            yield Problem(f"{path}.object.metadata", f"{show(name)} {message}")
    if output.uri is None:  # its pool says where it goes
        return
    scheme, _, _ = split_uri(output.uri)
    if scheme not in OBJECT_SCHEMES:
        yield Problem(f"{path}.object", f"is for outputs in an object store, and {redact_uri(output.uri)} is in none")
    elif scheme == Provider.GS and output.object_.tags:
        yield Problem(f"{path}.object.tags", "gs has no tags; use metadata")


def _fields(path: str, output: Output) -> Iterator[Problem]:
    for name, field in type(output).model_fields.items():
        if name not in _SOME_FORMATS - _FIELDS[output.format] or getattr(output, name) in (None, False):
            continue
        where = f"{path}.{field.alias}"
        if name == "at":
            yield Problem(where, "is for pictures, such as jpg and png")
        elif name in _SHEET:
            yield Problem(where, "is for a sprite")
        elif name in _STREAMING:
            yield Problem(where, "is for hls")
        elif output.format in _WHY:
            article = "an" if output.format in {Format.HLS, Format.MP3, Format.M4A} else "a"
            yield Problem(where, f"{article} {output.format} has none: {_WHY[output.format]}")
    if output.copy_ is Copying.NEVER and output.format is not Format.MP4:
        yield Problem(f"{path}.copy", "is for mp4: no other format is copied")


def _times(path: str, output: Output, length_s: Fraction | None) -> Iterator[Problem]:
    if output.format is Format.GIF and output.fps is not None and output.fps > GIF_MOST_FPS:
        yield Problem(f"{path}.fps", f"a gif shows at most {GIF_MOST_FPS} frames a second")
    for name in ("keyframe_interval", "segment_duration", "interval"):
        if getattr(output, name) == 0:
            yield Problem(f"{path}.{type(output).model_fields[name].alias}", "must be longer than 0s")
    if output.at is not None and output.format.is_still and length_s is not None and output.at >= length_s:
        yield Problem(f"{path}.at", f"is after the end of the timeline, which lasts {format_duration(length_s)}")


def _encoding(path: str, output: Output) -> Iterator[Problem]:
    codecs = output.format.codecs
    codec = output.codec or codecs[0]
    if codec not in codecs:
        yield Problem(f"{path}.codec", f"{output.format} has no {codec}; choose {_or(codecs)}")
        return
    yield from _rate(path, output, codec)
    if output.preset is not None and output.preset not in PRESETS[codec]:
        yield Problem(f"{path}.preset", f"{output.preset} is none of {codec}'s: {', '.join(PRESETS[codec])}")
    if output.two_pass and codec not in TWO_PASS_CODECS:
        yield Problem(f"{path}.twoPass", f"is for {_or(TWO_PASS_CODECS)}, not for {codec}")
    elif output.two_pass and output.bitrate is None and not any(each.bitrate for each in output.renditions or ()):
        yield Problem(f"{path}.twoPass", "is to meet a bitrate: give that too")


def _rate(path: str, output: Output | Rendition, codec: Codec) -> Iterator[Problem]:
    if output.crf is not None and output.bitrate is not None:
        yield Problem(f"{path}.crf", "give either crf, for constant quality, or bitrate")
    if output.crf is not None and output.crf > MAX_CRF[codec]:
        yield Problem(f"{path}.crf", f"is at most {MAX_CRF[codec]} for {codec}")
    for name in ("bitrate", "max_bitrate"):
        value = getattr(output, name)
        if value is not None and bits_a_second(value) == 0:
            yield Problem(f"{path}.{type(output).model_fields[name].alias}", "must be more than 0")
    if output.bitrate and output.max_bitrate and bits_a_second(output.max_bitrate) < bits_a_second(output.bitrate):
        yield Problem(f"{path}.maxBitrate", f"is less than the bitrate, which is {output.bitrate}")


def _renditions(path: str, output: Output) -> Iterator[Problem]:
    names: dict[str, str] = {}
    for index, rendition in enumerate(output.renditions or ()):
        where = f"{path}.renditions[{index}]"
        yield from _rate(where, rendition, output.codec or output.format.codecs[0])
        name = rendition.name or (f"{rendition.height}p" if rendition.height else None)
        if name is None:
            yield Problem(f"{where}.name", "is required where no height is given")
        elif names.setdefault(name, where) != where:
            yield Problem(f"{where}.name", f"{names[name]} is named {name} too")
        elif name in _TAKEN:
            yield Problem(f"{where}.name", f"{name} is what another stream is called")
    if output.renditions:
        for name in ("width", "height"):
            if getattr(output, name) is not None:
                yield Problem(f"{path}.{name}", "give it in each of the renditions instead")


def _or(choices: tuple[Codec, ...]) -> str:
    *most, last = choices
    return f"{', '.join(most)} or {last}" if most else last
