"""What is heard of which source: the plan of the sound, from times and what is known of the sources; opens nothing."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from videojob_contract.errors import Reason
from videojob_contract.resources.audio import FadeCurve, Track
from videojob_contract.semantics.lengths import speed_of
from videojob_worker.audio.gain import FadeIn, FadeOut, Gain
from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.media.probe import video_end_s
from videojob_worker.media.sound.samples import to_samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from videojob_contract.resources.timeline import Clip, Video
    from videojob_contract.resources.videojob import VideoJobSpec
    from videojob_worker.media.files.source import Source
    from videojob_worker.media.probe import ProbedSource
    from videojob_worker.media.probed import ProbedSources
    from videojob_worker.timeline.overlays import PlacedOverlay
    from videojob_worker.timeline.times import Timeline

_HARDLY_S: Final = Fraction(1, 10)
"""By how much a narration may outlast its clip: it goes on into the next, and its end is hardly heard."""
_AS_IT_IS: Final = Fraction(1)


@dataclass(frozen=True, slots=True)
class Part:
    """What is heard of one source, by a video clip, a video overlay or a track."""

    source: Source
    samples: range
    """Which of the source's samples are needed, counted at 48 kHz from its beginning; its end may come first."""
    start: int
    end: int
    """It is heard over the timeline's samples `start <= n < end`."""
    volume: float
    gains: tuple[Gain, ...] = ()
    period: Fraction | None = None
    """Of a video: after how many of the timeline's samples it ends or is heard again."""
    speed: Fraction = _AS_IT_IS
    loop: bool = False
    backwards: bool = False
    clip: int | None = None
    """The number of the clip whose sound this is."""
    track: Track | None = None
    """The track that this is."""
    is_narration: bool = False


def arrange(
    spec: VideoJobSpec, timeline: Timeline, overlays: Iterable[PlacedOverlay], sources: ProbedSources
) -> Iterator[Part]:
    """Yield all that sounds in a job: clips, then their narrations, then overlays, then tracks.

    Raises:
        PermanentError: a track is to play for less than one sample, or a narration lasts longer than its clip.
    """
    yield from _clips(spec.clips, timeline, sources)
    yield from _narrations(spec.clips, timeline, sources)
    yield from _overlays(overlays, timeline, sources)
    yield from _tracks(spec.audio.tracks if spec.audio else (), timeline, sources)


def _clips(clips: Sequence[Clip], timeline: Timeline, sources: ProbedSources) -> Iterator[Part]:
    for index, (clip, times) in enumerate(zip(clips, timeline.clips, strict=True)):
        if clip.video is not None:
            source = sources.sound(f"spec.clips[{index}].video.uri", clip.video.uri, clip.video.track)
            part = _video(
                clip.video,
                source,
                sources.probed[clip.video.uri],
                times.start_s,
                times.end_s,
                total=timeline.samples,
                clip=index,
            )
            if part is not None:
                yield part


def _narrations(clips: Sequence[Clip], timeline: Timeline, sources: ProbedSources) -> Iterator[Part]:
    for index, (clip, times) in enumerate(zip(clips, timeline.clips, strict=True)):
        narration = clip.narration
        if narration is None:
            continue
        source = sources.source(f"spec.clips[{index}].narration.uri", narration.uri)
        length_s = sources.probed[narration.uri].narration_s or Fraction(0)
        start_s, length = times.start_s + narration.before, to_samples(length_s)
        if start_s + length_s > times.end_s + _HARDLY_S:
            raise source.error(
                f"lasts {float(length_s):.2f}s, and its clip {float(times.end_s - start_s):.2f}s from there on: "
                "let the clip's duration be auto, or make it longer",
                Reason.INVALID_SPEC,
            )
        start = to_samples(start_s)
        end = min(start + length, timeline.samples)
        if narration.volume and start < end:
            yield Part(source, range(length), start, end, volume=narration.volume, is_narration=True)


def _overlays(overlays: Iterable[PlacedOverlay], timeline: Timeline, sources: ProbedSources) -> Iterator[Part]:
    fps = timeline.fps
    for placed in overlays:
        video = placed.overlay.video
        if video is None:
            continue
        source = sources.sound(f"spec.overlays[{placed.number}].video.uri", video.uri, video.track)
        start, end = (to_samples(frame / fps) for frame in (placed.start, placed.end))
        fades = _fades(
            start, end, to_samples(placed.fade_in / fps), to_samples(placed.fade_out / fps), FadeCurve.LINEAR
        )
        part = _video(
            video,
            source,
            sources.probed[video.uri],
            placed.start / fps,
            placed.end / fps,
            total=timeline.samples,
            gains=fades,
        )
        if part is not None:
            yield part


def _video(
    video: Video,
    source: Source,
    probed: ProbedSource,
    start_s: Fraction,
    end_s: Fraction,
    *,
    total: int,
    clip: int | None = None,
    gains: tuple[Gain, ...] = (),
) -> Part | None:
    """Return what is heard of a video; None when it has no sound, or is silenced."""
    if not probed.has_sound or not video.volume:
        return None
    speed = speed_of(video)
    shown_s = end_s - start_s
    from_s = video.from_ or Fraction(0)
    to_s = video.to if video.to is not None else video_end_s(video, probed)
    once_s = (to_s - from_s) / speed
    loop = video.loop and once_s < shown_s
    if not loop and shown_s < once_s:  # it is not seen to its end, or played backwards, not to its beginning
        once_s = shown_s
        from_s, to_s = (to_s - once_s * speed, to_s) if video.reverse else (from_s, from_s + once_s * speed)
    samples = range(to_samples(from_s), to_samples(to_s))
    start = to_samples(start_s)
    end = min(to_samples(end_s if loop else start_s + once_s), total)
    if not samples or end <= start:
        return None
    return Part(
        source=source,
        samples=samples,
        start=start,
        end=end,
        volume=video.volume,
        gains=gains,
        period=once_s * SAMPLE_RATE,
        speed=speed,
        loop=loop,
        backwards=video.reverse,
        clip=clip,
    )


def _tracks(tracks: Sequence[Track], timeline: Timeline, sources: ProbedSources) -> Iterator[Part]:
    total = timeline.samples
    for index, track in enumerate(tracks):
        source = sources.sound(f"spec.audio.tracks[{index}].uri", track.uri, track.track)
        first, start = to_samples(track.from_), to_samples(track.offset)
        if start >= total:
            length_s = float(timeline.length_s)
            raise source.error(
                f"is to start after the end of the timeline, which lasts {length_s:g}s", Reason.INVALID_SPEC
            )
        last = first + total - start
        if track.to is not None:
            last = min(last, to_samples(track.to))
            if to_samples(track.to) <= first:
                raise source.error("is to play for less than one sample", Reason.INVALID_SPEC)
        end = total if track.loop else start + last - first
        yield Part(
            source=source,
            samples=range(first, last),
            start=start,
            end=end,
            volume=track.volume,
            loop=track.loop,
            track=track,
        )


def track_fades(track: Track, start: int, end: int) -> tuple[Gain, ...]:
    """Return the fades of a track that is heard over the timeline's samples `start <= n < end`."""
    return _fades(start, end, to_samples(track.fade_in), to_samples(track.fade_out), track.fade_curve)


def _fades(start: int, end: int, fade_in: int, fade_out: int, curve: FadeCurve) -> tuple[Gain, ...]:
    fades: list[Gain] = []
    if fade_in:
        fades.append(FadeIn(start, start + fade_in, curve))
    if fade_out:
        fades.append(FadeOut(end - fade_out, end, curve))
    return tuple(fades)
