"""Decides which outputs take the pictures of the sources as they are, instead of encoding them.

All or nothing: an output's pictures are copied where the whole timeline is pieces of videos, joined by cuts, that are
shown as they are and coded alike. Encoded pictures among copied ones would have parameter sets of their own, and not
every player takes a stream whose parameter sets change (docs/adr/0011-copy-all-or-nothing.md).
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from videojob_contract.errors import CancelledError
from videojob_contract.resources.damage import OnDamage
from videojob_contract.resources.outputs import Codec, Copying, Output
from videojob_worker.encode.copy import CopiedPictures, CopiedRun, CopiedSound
from videojob_worker.media.files.codec_parameters import CodecParameters, NotCopiableError
from videojob_worker.media.probe import footage_of
from videojob_worker.media.sound.sound_packets import find_sound
from videojob_worker.media.video.packets import Packets
from videojob_worker.plan.outputs import PlannedOutput, VideoTrack
from videojob_worker.plan.render_plan import RenderPlan

COPIED_FRAME: Final = 0.015
"""Cost of a frame that is taken as it is, read twice and written: measured."""

_CODECS: Final = (Codec.H264, Codec.H265)
_ASKS: Final = ("crf", "bitrate", "max_bitrate", "preset", "keyframe_interval")
"""Fields of an output that only an encoder can do."""
_LIKE: Final = Fraction(1, 100)
"""How far a mean rate may be from what it stands for."""


def choose_copies(plan: RenderPlan, cancelled: Callable[[], bool]) -> RenderPlan:
    """Mark the outputs whose pictures are copied, and say of the others why not, if the timeline has videos.

    Nothing is opened unless all that the spec says allows a copy.

    Raises:
        PermanentError: a source cannot be used.
        CancelledError: `cancelled` said so.
    """
    if all(clip.video is None for clip in plan.clips):
        return plan
    timeline = _Timeline(plan, cancelled)
    return replace(plan, outputs=tuple(_choose(output, timeline) for output in plan.outputs))


def is_copied(plan: RenderPlan) -> bool:
    """Tell whether there is a video, and no frame has to be encoded for any."""
    tracks = [track for output in plan.outputs for track in output.tracks]
    return bool(tracks) and all(track.copied is not None for track in tracks)


def _choose(output: PlannedOutput, timeline: "_Timeline") -> PlannedOutput:
    if not output.may_be_copied:
        return output
    [track] = output.tracks
    try:
        _check_output(output.spec, track, timeline)
        copy = timeline.copy(track.settings.codec)
    except NotCopiableError as reason:
        return replace(output, not_copied=str(reason))
    return replace(output, tracks=(replace(track, copied=copy.pictures),), copied_sound=copy.sound)


def _check_output(output: Output, track: VideoTrack, timeline: "_Timeline") -> None:
    if output.copy_ is Copying.NEVER:
        raise NotCopiableError("copy is never")
    for name in _ASKS:
        if getattr(output, name) is not None:
            raise NotCopiableError(f"{type(output).model_fields[name].alias} is given")
    if track.settings.codec not in _CODECS:
        raise NotCopiableError(f"{track.settings.codec} is not copied")
    if track.size != timeline.size:
        raise NotCopiableError("it has another size than the canvas")
    if track.settings.fps != timeline.fps:
        raise NotCopiableError("it has another frame rate than the canvas")


@dataclass(frozen=True, slots=True)
class _Copy:
    """What is taken as it is; without `sound`, that is mixed and encoded."""

    pictures: CopiedPictures
    sound: CopiedSound | None


@dataclass(slots=True)
class _Timeline:
    """The copy of a whole timeline, found when first asked for."""

    plan: RenderPlan
    cancelled: Callable[[], bool]
    found: "_Copy | NotCopiableError | None" = None

    @property
    def size(self) -> tuple[int, int]:
        return self.plan.canvas.width, self.plan.canvas.height

    @property
    def fps(self) -> Fraction:
        return self.plan.timeline.fps

    def copy(self, codec: Codec) -> _Copy:
        """Return the copy, for an output of this codec.

        Raises:
            NotCopiableError: there is none.
        """
        if self.found is None:
            try:
                self.found = _Copy(self._find_pictures(), self._find_sound())
            except NotCopiableError as reason:
                self.found = reason
        if isinstance(self.found, NotCopiableError):
            raise self.found
        if self.found.pictures.coded.codec is not codec:
            raise NotCopiableError(f"the sources are coded in {self.found.pictures.coded.codec}, and it in {codec}")
        return self.found

    def _find_pictures(self) -> CopiedPictures:
        plan = self.plan
        for index in range(len(plan.clips)):
            _check_clip(plan, index)
        for span in plan.spans:
            if span.overlays or span.captions:
                raise NotCopiableError(f"{'an overlay lies' if span.overlays else 'subtitles lie'} over the clips")
        found: list[tuple[CodecParameters, CopiedRun]] = []
        for index, times in enumerate(plan.timeline.clips):
            try:
                found.append(self._piece(index, times.start, times.frames))
                _check_joint(found[-2:])
            except NotCopiableError as reason:
                raise NotCopiableError(f"clip {index} {reason}") from reason
        return CopiedPictures(found[0][0], self.fps, tuple(piece for _, piece in found))

    def _find_sound(self) -> CopiedSound | None:
        """Find what is heard, where that is the sound of the only clip, as it is and throughout."""
        plan = self.plan
        parts, total = plan.sounds, plan.timeline.samples
        if len(parts) != 1 or len(plan.clips) != 1 or plan.loudness is not None:
            return None
        [part] = parts
        if part.clip is None or (part.start, part.end, part.volume) != (0, total, 1) or part.gains:
            return None
        try:
            first = part.samples.start
            return CopiedSound(find_sound(part.source, range(first, first + total), self._go_on))
        except NotCopiableError:
            return None

    def _piece(self, index: int, start: int, frames: int) -> tuple[CodecParameters, CopiedRun]:
        video = self.plan.clips[index].video
        if video is None:
            raise AssertionError("what is no video has been refused")
        footage = footage_of(self.plan.sources.probed[video.uri])
        coded = footage.coded
        if isinstance(coded, NotCopiableError):
            raise coded
        if (coded.width, coded.height) != self.size:
            raise NotCopiableError(f"has {coded.width}x{coded.height} pixels, not those of the canvas")
        with closing(Packets(self.plan.sources.source(f"spec.clips[{index}].video.uri", video.uri))) as packets:
            run = packets.find(footage, video.from_ or Fraction(0), frames, self.fps, self._go_on)
        return coded, CopiedRun(start, run)

    def _go_on(self) -> None:
        if self.cancelled():
            raise CancelledError("the render was cancelled")


def _check_joint(pair: Sequence[tuple[CodecParameters, CopiedRun]]) -> None:
    """Check that a piece can follow the one before it."""
    if len(pair) == 1:
        return
    (before, piece), (after, _) = pair
    if before != after:
        raise NotCopiableError("is not coded as the clip before it is")
    if piece.run.ends_with_key:
        # Where an IDR frame follows an IDR frame, a decoder may take both for parts of one.
        raise NotCopiableError("follows a clip that ends with a keyframe")


def _check_clip(plan: RenderPlan, index: int) -> None:
    """Check what is known of a clip without its packets.

    Raises:
        NotCopiableError: it is not shown as it is, or not cut to.
    """
    clip, times, fps = plan.clips[index], plan.timeline.clips[index], plan.timeline.fps
    if clip.video is None:
        raise NotCopiableError(f"clip {index} is no video")
    probed = plan.sources.probed[clip.video.uri]
    shape, rate = footage_of(probed).shape, probed.fps or fps
    reasons = {
        "has effects": clip.effects,
        "moves": clip.motion is not None,
        f"plays at {clip.video.speed:g}x": clip.video.speed != 1,
        "plays backwards": clip.video.reverse,
        "repeats": clip.video.loop,
        "must be whole, which only decoding tells": clip.video.on_damage is OnDamage.FAIL,
        "comes in by a transition": times.settled > times.start,
        "has no frame": times.frames < 1,
        "is turned by its file": shape.turn,
        "is cropped by its file": shape.crop is not None,
        f"has {float(rate):.5g} frames a second for {float(fps):.5g}": abs(rate / fps - 1) > _LIKE,
    }
    for reason, holds in reasons.items():
        if holds:
            raise NotCopiableError(f"clip {index} {reason}")
