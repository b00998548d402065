"""What x264 is told of a segment, beyond an output's settings, because the plan knows it.

Where it only has to find that nothing moves, or what a crossfade is made of, it is told not to search. `make bench`
measures what that saves, with the quality.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Final

from videojob_worker.encode.frame_types import FrameType, can_be_coded, code_frames
from videojob_worker.encode.settings import VideoSettings
from videojob_worker.timeline.segments import Segment, moves
from videojob_worker.timeline.spans import Span


@dataclass(frozen=True, slots=True)
class X264Tuning:
    """What to tell an encoder."""

    crf_offset: float = 0.0
    options: Mapping[str, str] = field(default_factory=dict)
    """Of libav, over those of the settings."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Of x264, by its own names."""
    codes: Sequence[FrameType] | None = None
    """How each frame of the segment is coded; None where x264 decides."""


NO_HINTS: Final = X264Tuning()

# All encoders of an output have the same of these, besides `longest_run`, and so the same parameter sets.
_JOINABLE: Final = X264Tuning(options={"b-pyramid": "normal", "weightb": "1"}, params={"stitchable": "1"})
# Makes up for what the zones and the shorter lookahead cost in quality.
_WHOLE_CRF_OFFSET: Final = -0.7
_CRF_OFFSET: Final = -0.5
# What x264's middle presets spend on searching, and on looking ahead, gains less than the longer runs do.
_QUICK_PRESETS: Final = ("faster", "fast", "medium")
_QUICK_OPTIONS: Final = {"rc-lookahead": "25"}
_QUICK_ZONE: Final = "me=dia,chroma-me=0,partitions=i8x8,ref=1"  # as a parameter, ref would be in the parameter sets
# The lengths of run with which x264 writes the same parameter sets; what moves gains nothing from more than the least.
_LIKE_RUNS: Final = range(6, 14)
# Without a lookahead, x264 does not know for how long it will be seen what it codes.
_CODED_CRF_OFFSET: Final = -4.7
_CODED_OPTIONS: Final = {
    "b_strategy": "0",
    "direct-pred": "spatial",
    "g": str(1 << 30),
    "rc-lookahead": "0",
    "sc_threshold": "0",
}
_CODED_PARAMS: Final = {"mbtree": "0", "qcomp": "1", "pbratio": "1.6"}

_KEYS_BYTES: Final = 25
"""What an encoder holds for each pixel of a picture, where the plan decides how frames are coded, and all are keys;
measured at 1080p and 360p, as are those below."""
_REFERENCES_BYTES: Final = 60
"""The same, where frames refer to others."""
_GIVEN_BYTES: Final = 8
"""For each frame that it is given, and for itself, where these are few."""
_BETWEEN_BYTES: Final = 6
"""For each more that waits for the frame after it that it refers to, beyond `_FEW_BETWEEN`."""
_FEW_BETWEEN: Final = 6
_QUICK_BYTES: Final = 165
"""The same, where x264 decides, once it holds all the frames that it looks at; of a segment it holds no more."""
_QUICK_FRAMES: Final = 36
_FEWEST_FRAMES: Final = 12
"""What an encoder holds however short its segment is."""

_SETTLING_FRAMES: Final = 4
"""Frames at the start of a still in which x264 still refines the picture."""
_SETTLED: Final = "me=dia,subme=0,trellis=0,ref=1"
# Always one reference: how far away others are is not what x264 takes it for, once there are repeats.
_EFFORTS: Final = {
    FrameType.KEY: "me=dia,partitions=i8x8,ref=1",
    FrameType.REFERENCE: "me=dia,partitions=i8x8,ref=1",
    FrameType.ANCHOR: "me=dia,subme=0,trellis=0,ref=1",
    FrameType.BETWEEN: "me=dia,subme=1,trellis=0,partitions=none,ref=1",
}
_MOVING: Final = "b=0.5,ref=1"


def hints_for(settings: VideoSettings, segment: Segment) -> X264Tuning:
    """Return what is worth telling the encoder of a segment, or of the whole timeline."""
    if settings.encoder != "libx264" or settings.crf is None:
        return NO_HINTS
    if settings.needs_whole:
        return X264Tuning(_WHOLE_CRF_OFFSET, params=_zones(still_zones(segment.spans)))
    joinable = {**_JOINABLE.options, "bf": str(segment.longest_run)}
    if not _is_coded(settings, segment):
        zones = still_zones(segment.spans)
        if segment.longest_run in _LIKE_RUNS:
            joinable["bf"] = str(_LIKE_RUNS.start)
        if settings.options.get("preset") in _QUICK_PRESETS:
            joinable |= _QUICK_OPTIONS
            zones = "/".join(filter(None, (f"0,{segment.frames - 1},{_QUICK_ZONE}", zones)))  # the last counts
        return X264Tuning(_CRF_OFFSET, joinable, {**_JOINABLE.params, **_zones(zones)})
    codes = _codes(settings, segment)
    return X264Tuning(
        _CODED_CRF_OFFSET,
        {**joinable, **_CODED_OPTIONS},
        {**_JOINABLE.params, **_CODED_PARAMS, **_zones(coded_zones(segment, codes))},
        codes,
    )


def encoder_bytes(settings: VideoSettings, segment: Segment) -> int:
    """Predict what the encoder of a segment holds, in bytes: the fewer pictures, the less it has to decide."""
    if settings.encoder != "libx264" or settings.crf is None or settings.needs_whole:
        return settings.encoder_bytes
    if _is_coded(settings, segment):
        a_pixel = _coded_bytes(_codes(settings, segment))
    elif settings.options.get("preset") in _QUICK_PRESETS:
        a_pixel = _QUICK_BYTES * min(1.0, (segment.frames + _FEWEST_FRAMES) / (_QUICK_FRAMES + _FEWEST_FRAMES))
    else:
        a_pixel = settings.bytes_a_pixel
    return int(a_pixel * settings.width * settings.height)


def _coded_bytes(codes: Sequence[FrameType]) -> float:
    given = [code for code in codes if code is not FrameType.REPEAT]
    runs = (sum(1 for _ in run) for code, run in groupby(given) if code is FrameType.BETWEEN)
    references = _REFERENCES_BYTES + _BETWEEN_BYTES * max(0, max(runs, default=0) - _FEW_BETWEEN)
    most = _KEYS_BYTES if set(given) == {FrameType.KEY} else references
    return min(most, _GIVEN_BYTES * (1 + len(given)))


def _codes(settings: VideoSettings, segment: Segment) -> tuple[FrameType, ...]:
    return _coded(segment, settings.keyframe_frames, settings.cuts(segment.start, segment.frames))


@lru_cache(maxsize=128)  # asked for by the plan's memory, by what runs side by side, and by the encoder
def _coded(segment: Segment, keyframe_frames: int | None, cuts: frozenset[int]) -> tuple[FrameType, ...]:
    return tuple(code_frames(segment, keyframe_frames, cuts))


def _is_coded(settings: VideoSettings, segment: Segment) -> bool:
    """Tell whether the plan decides how each frame is coded."""
    # At 0 x264 is lossless, and of keyframes as close as its runs are long it makes a stream of its own kind too.
    lossless = (settings.crf or 0) + _CODED_CRF_OFFSET < 1
    close = settings.keyframe_frames is not None and settings.keyframe_frames <= segment.longest_run
    return not lossless and not close and can_be_coded(segment)


def _zones(zones: str) -> dict[str, str]:
    return {"zones": zones} if zones else {}


def still_zones(spans: Sequence[Span]) -> str:
    """Return x264's `zones` for consecutive spans, counted from the first frame of them; it may be empty."""
    origin = spans[0].start
    return "/".join(
        f"{span.start - origin + _SETTLING_FRAMES},{span.start - origin + span.frames - 1},{_SETTLED}"
        for span in spans
        if span.is_still and span.frames > _SETTLING_FRAMES
    )


def coded_zones(segment: Segment, codes: Sequence[FrameType]) -> str:
    """Return x264's `zones` for the frames of a segment that it is given, counted without the repeats."""
    efforts: list[str] = []
    for span in segment.spans:
        first = span.start - segment.start
        given = [code for code in codes[first : first + span.frames] if code is not FrameType.REPEAT]
        efforts += [_MOVING if moves(span) and code is not FrameType.KEY else _EFFORTS[code] for code in given]
    zones, start = [], 0
    for effort, frames in groupby(efforts):
        end = start + sum(1 for _ in frames)
        zones.append(f"{start},{end - 1},{effort}")
        start = end
    return "/".join(zones)
