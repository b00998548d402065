"""What each output is made of, resolved before any frame: its streams, their sizes and rates, and its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.encoding import Encoding
from videojob_contract.resources.outputs import GIF_MOST_FPS, Format, Output, Rendition
from videojob_worker.encode.copy import CopiedPictures, CopiedSound
from videojob_worker.encode.hardware import choose_encoder
from videojob_worker.encode.settings import (
    AudioSettings,
    VideoSettings,
    audio_settings,
    lossless_settings,
    video_settings,
)
from videojob_worker.output_files import published_name
from videojob_worker.timeline.rate import Rate
from videojob_worker.timeline.times import Timeline

if TYPE_CHECKING:
    from videojob_worker.canvas import Canvas

_SMALL_WIDTH = 480
_SMALL_FPS = Fraction(15)
_THUMBNAIL_WIDTH = 160
_LEAST_PIXELS = 16
SEGMENT_S = Fraction(6)
"""Length of an HLS segment, where none is given."""
_MOST_FILES = 8000
"""Of an HLS output: more take longer to publish than to watch."""


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """One stream of pictures that is encoded."""

    name: str
    """Unique in the job; names its scratch files."""
    settings: VideoSettings
    rate: Rate
    copied: CopiedPictures | None = None
    """What is taken from the sources as it is; None where the pictures are encoded."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in pixels."""
        return self.settings.width, self.settings.height

    @property
    def cost(self) -> float:
        """Of a frame of the canvas, against x264 at the canvas' own size and rate, but for the size of a picture."""
        return self.settings.cost * float(self.settings.fps / self.rate.timeline.fps)


@dataclass(frozen=True, slots=True)
class PlannedOutput:
    """One output: what is encoded for it, and where it is put together."""

    field: str
    """Where it is in the spec."""
    spec: Output
    path: Path
    """Its main file, in the scratch folder, named as it will be published where other files name it."""
    size: tuple[int, int] | None
    """Width and height in pixels: of the largest rendition, of the poster, of a thumbnail; None of sound alone."""
    tracks: tuple[VideoTrack, ...]
    """Its streams of pictures; none of a poster, a sprite or sound."""
    sound: AudioSettings | None
    """How the job's sound is in it; None where it never is."""
    note: str | None = None
    """What the user should know of how it is made."""
    not_copied: str | None = None
    """Why its pictures are encoded and not copied, where they might be."""
    copied_sound: CopiedSound | None = None
    """What is taken of a source's sound as it is; None where the sound is mixed and encoded."""

    @property
    def name(self) -> str:
        """As the spec has it."""
        return self.spec.name


def plan_outputs(
    outputs: Sequence[Output], canvas: "Canvas", timeline: Timeline, scratch: Path, encoding: Encoding
) -> tuple[PlannedOutput, ...]:
    """Resolve outputs whose defaults are filled in.

    Raises:
        PermanentError: one cannot be made; the message names the field.
    """
    planner = _Planner((canvas.width, canvas.height), timeline, scratch, encoding)
    return tuple(planner.plan(f"spec.outputs[{index}]", output) for index, output in enumerate(outputs))


@dataclass(frozen=True, slots=True)
class _Planner:
    canvas: tuple[int, int]
    timeline: Timeline
    scratch: Path
    encoding: Encoding

    def plan(self, field: str, output: Output) -> PlannedOutput:
        path = self.scratch / f"{output.name}.{output.format.extension}"
        match output.format:
            case Format.MP4 | Format.WEBM:
                return self._video(field, output, path)
            case Format.HLS:
                return self._hls(field, output)
            case Format.GIF | Format.WEBP:
                size = _size(output, self.canvas, most=_SMALL_WIDTH)
                fps = output.fps or min(self.timeline.fps, _SMALL_FPS)
                if output.format is Format.GIF and fps > GIF_MOST_FPS:
                    raise PermanentError(
                        f"{field}.fps: {fps} is more than {GIF_MOST_FPS}, the most for a gif", Reason.INVALID_SPEC
                    )
                track = VideoTrack(output.name, lossless_settings(*size, fps), Rate(self.timeline, fps))
                return PlannedOutput(field, output, path, size, (track,), None)
            case Format.MP3 | Format.M4A:
                return PlannedOutput(field, output, path, None, (), audio_settings(output))
            case Format.JPG | Format.PNG:
                return PlannedOutput(field, output, path, _size(output, self.canvas), (), None)
            case Format.SPRITE:
                thumbnail = _size(output, self.canvas, most=_THUMBNAIL_WIDTH)
                return PlannedOutput(field, output, self._folder(output), thumbnail, (), None)

    def _folder(self, output: Output) -> Path:
        return self.scratch / output.name / published_name(output)

    def _video(self, field: str, output: Output, path: Path) -> PlannedOutput:
        chosen = choose_encoder(field, output.codec or output.format.codecs[0], self.encoding)
        size, fps = _size(output, self.canvas), output.fps or self.timeline.fps
        settings = video_settings(field, output, size, fps, encoder=chosen.encoder)
        track = VideoTrack(output.name, settings, Rate(self.timeline, fps))
        return PlannedOutput(field, output, path, size, (track,), audio_settings(output), chosen.note)

    def _hls(self, field: str, output: Output) -> PlannedOutput:
        chosen = choose_encoder(field, output.codec or output.format.codecs[0], self.encoding)
        fps = output.fps or self.timeline.fps
        cut_s = output.segment_duration or SEGMENT_S
        renditions = output.renditions or [Rendition(width=output.width, height=output.height)]
        files = int(self.timeline.length_s // cut_s + 1) * (len(renditions) + 1)
        if files > _MOST_FILES:
            raise PermanentError(
                f"{field}.segmentDuration: {float(cut_s):g}s makes {files} files, and {_MOST_FILES} are the most; "
                f"choose longer segments",
                Reason.INVALID_SPEC,
            )
        tracks: dict[str, VideoTrack] = {}
        for index, rendition in enumerate(renditions):
            size = _size(rendition, self.canvas)
            where = f"{field}.renditions[{index}]" if output.renditions else field
            settings = video_settings(
                where, output, size, fps, rendition=rendition, encoder=chosen.encoder, cut_s=cut_s
            )
            name = f"{output.name}.{rendition.name or f'{size[1]}p'}"
            if name in tracks:
                raise PermanentError(f"{where}.name: another rendition has this size; name both", Reason.INVALID_SPEC)
            tracks[name] = VideoTrack(name, settings, Rate(self.timeline, fps))
        largest = max((track.size for track in tracks.values()), key=prod)
        return PlannedOutput(
            field,
            output,
            self._folder(output),
            largest,
            tuple(tracks.values()),
            audio_settings(output),
            chosen.note,
        )


def _size(wanted: Output | Rendition, canvas: tuple[int, int], most: int | None = None) -> tuple[int, int]:
    """Return width and height: what is not given keeps the shape of the canvas; `most` is the widest by default."""
    width, height = wanted.width, wanted.height
    if width is None and height is None:
        if most is None or canvas[0] <= most:
            return canvas
        width = most
    if width is None:
        width = _even(Fraction(height or 0) * canvas[0] / canvas[1])
    if height is None:
        height = _even(Fraction(width) * canvas[1] / canvas[0])
    return width, height


def _even(pixels: Fraction) -> int:
    return max(_LEAST_PIXELS, round(pixels / 2) * 2)
