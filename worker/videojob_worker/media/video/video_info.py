"""What a video turns out to be when its first frame is decoded: how it is shown, when it starts and ends."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from videojob_contract.errors import Reason
from videojob_worker.media.files.beginning import begin_s
from videojob_worker.media.files.codec_parameters import CodecParameters, NotCopiableError, coded_as
from videojob_worker.media.files.source import Source
from videojob_worker.media.video.decoder import Decoder
from videojob_worker.media.video.frame_shape import FrameShape, shape_of
from videojob_worker.media.video.video_container import check_size_known
from videojob_worker.media.video.video_end import VideoEnd, find_end

MAX_SECONDS: Final = 24 * 3600
"""Longest video that is read, in seconds."""

_FILLED_S: Final = Fraction(1, 4)
# Demuxers whose packets an output can take.
_COPIED_FROM: Final = ("mov", "matroska")
# Headers are rounded; what is missing beyond this may be missed.
_MISSED_S: Final = Fraction(1, 5)


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A video that could be opened and decodes. Time 0 is when its first picture is shown, or its sound begins."""

    source: Source
    width: int
    """Upright, in square pixels."""
    height: int
    shape: FrameShape
    """How its frames are shown."""
    first_pts: int
    """The time stamp that is time 0."""
    tick_s: Fraction
    period_s: Fraction | None
    """Mean time between two pictures."""
    end_s: Fraction
    """When its last picture is over."""
    is_seekable: bool
    """Whether a time stamp tells a moment to who has not read from the start, as one that starts over does not."""
    sound_end_s: Fraction
    """When its sound is over, or its pictures where they are later, or it is joined."""
    has_alpha: bool
    has_sound: bool
    coded: CodecParameters | NotCopiableError
    """How it is coded, or why that is not as any output is."""

    def time_s(self, pts: int) -> Fraction:
        """Return when a frame is first shown, by its time stamp.

        Containers round stamps, Matroska to milliseconds. Where the rate tells what a stamp was before, it is that.
        """
        told_s = (pts - self.first_pts) * self.tick_s
        if self.period_s is None or (self.period_s / self.tick_s).denominator == 1:
            return told_s
        meant_s = round(told_s / self.period_s) * self.period_s
        return meant_s if abs(meant_s - told_s) <= min(self.tick_s, self.period_s / 4) else told_s


def inspect_video(source: Source) -> VideoInfo:
    """Open a video, decode its first frame and find its end.

    Raises:
        PermanentError: not a video that is read here, damaged, cut short, or beyond a limit.
    """
    decoder = Decoder(source)
    try:
        found = next(decoder.frames(), None)
        if found is None:
            check_size_known(source, decoder.stream.codec_context)
            raise source.error("is a damaged video: not one of its frames can be decoded")
        pts, frame = _begin(decoder, found[0]), found[1]
        has_alpha = any(component.is_alpha for component in frame.format.components)
        if decoder.leaves_alpha_out and not has_alpha:
            raise source.error(
                "has its transparency in a layer of its own (HEVC with alpha), which is not decoded here; "
                "ProRes 4444, and VP9 in WebM, are"
            )
        period_s, end_s, found_end = _pace(decoder, pts)
        if end_s <= 0:
            raise source.error("is a damaged video: it does not say how long it lasts")
        if end_s > MAX_SECONDS:
            raise source.error(
                f"lasts {float(end_s) / 3600:,.1f} hours; at most {MAX_SECONDS // 3600} are allowed",
                Reason.SOURCE_TOO_LARGE,
            )
        claimed_s = (decoder.stream.duration or 0) * decoder.tick_s
        # A fragment from the middle of a stream may count from the beginning of that.
        if claimed_s - end_s - max(Fraction(0), pts * decoder.tick_s) > _MISSED_S:
            source.warn(f"says that it lasts {float(claimed_s):.2f}s, and its pictures end at {float(end_s):.2f}s")
        shape = shape_of(decoder, frame)
        width, height = shape.size_of(shape.stored)
        return VideoInfo(
            source=source,
            width=width,
            height=height,
            shape=shape,
            first_pts=pts,
            tick_s=decoder.tick_s,
            period_s=period_s,
            end_s=end_s,
            is_seekable=decoder.is_seekable and not (found_end is not None and found_end.is_joined),
            sound_end_s=_sound_end_s(decoder, found_end, pts, end_s),
            has_alpha=has_alpha,
            has_sound=_has_sound(decoder),
            coded=_coded(decoder),
        )
    finally:
        decoder.close()


def _begin(decoder: Decoder, decoded: int) -> int:
    """Return the time stamp from which on times are counted, if `decoded` is that of the first frame."""
    pictures_s = decoder.first_pts(decoded) * decoder.tick_s
    start_s = begin_s(decoder.container, pictures_s)
    if start_s < pictures_s:
        early_s = float(pictures_s - start_s)
        decoder.source.warn(f"begins with {early_s:.2f}s of sound before its first picture, which is held meanwhile")
    return round(start_s / decoder.tick_s)


def _coded(decoder: Decoder) -> CodecParameters | NotCopiableError:
    container = decoder.container.format.name
    if not container.startswith(_COPIED_FROM):
        return NotCopiableError(f"is in {container}, whose packets are not as those of an mp4")
    try:
        return coded_as(decoder.stream)
    except NotCopiableError as reason:
        return reason


def _sound_end_s(decoder: Decoder, found: VideoEnd | None, first_pts: int, end_s: Fraction) -> Fraction:
    if found is None or found.is_joined:
        return end_s
    sound_s = found.sound_end_s - first_pts * decoder.tick_s
    # Encoders of sound fill their last block.
    return sound_s if end_s + _FILLED_S < sound_s <= MAX_SECONDS else end_s


def _has_sound(decoder: Decoder) -> bool:
    """Tell whether there is any sound; asked when the last packets have been read, so that every fragment is known."""
    tracks = decoder.container.streams.audio
    if not tracks or not decoder.container.format.name.startswith("mov") or any(len(it.index_entries) for it in tracks):
        return bool(tracks)
    decoder.source.warn("has a track of sound in which no sound is")
    return False


def _pace(decoder: Decoder, first_pts: int) -> tuple[Fraction | None, Fraction, VideoEnd | None]:
    """Find the mean time between pictures, when the last one is over (0: nothing tells), and what tells it."""
    stream, tick_s, period_s = decoder.stream, decoder.tick_s, decoder.period_s
    found = find_end(decoder.container, stream, round((period_s or 0) / tick_s))
    if found is None:
        return period_s, Fraction(0), None
    # Where times of decoding are counted, frames come later by as many as a decoder holds back.
    start = first_pts if decoder.is_timed else decoder.first_dts or 0
    end_s = (found.end - start) * tick_s
    # Without a rate in the file, libav may take the unit of time for one.
    if found.period and not stream.average_rate and not _are_alike(period_s, found.period * tick_s):
        return found.period * tick_s, end_s, found
    if period_s is None:
        return None, end_s, found
    # The stamps of both ends are rounded: take the whole number of frames that this means.
    whole_s = round(end_s / period_s) * period_s
    is_whole = whole_s and abs(whole_s - end_s) <= 2 * tick_s
    return period_s, whole_s if is_whole else end_s, found


def _are_alike(period_s: Fraction | None, other_s: Fraction) -> bool:
    return period_s is not None and period_s < 2 * other_s < 4 * period_s
