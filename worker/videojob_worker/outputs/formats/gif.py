"""Animated GIFs: one palette for all frames, found in a first reading of them, and dithering that stays still."""

from collections.abc import Iterator
from fractions import Fraction

import av
from av import VideoCodecContext, VideoFormat, VideoFrame
from av.filter import Graph
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.outputs import GIF_MOST_FPS, Output
from videojob_worker.outputs.formats.animation import AnimationOutput
from videojob_worker.outputs.lossless_frames import LosslessFrames
from videojob_worker.pixels.yuv import Picture
from videojob_worker.plan.outputs import PlannedOutput, VideoTrack
from videojob_worker.plan.render_plan import RenderPlan
from videojob_worker.verify.animation import verify_gif

_BGRA = VideoFormat("bgra")
_CENTISECOND = Fraction(1, 100)
_LONGEST_CS = 60_000
"""A frame's delay has 16 bits."""
# The palette is found in samples, because the filter keeps every colour that it has seen. Neither blends colours.
_MOST_SAMPLES = 100
_SAMPLE_PIXELS = 160 * 90
_DITHER = "dither=bayer:bayer_scale=4:diff_mode=rectangle"


class GifOutput(AnimationOutput):
    """A GIF that repeats for ever."""

    @classmethod
    def resolve(cls, field: str, spec: Output, plan: RenderPlan) -> PlannedOutput:
        """Plan a stream of pictures that is parked, and no sound.

        Raises:
            PermanentError: it has more frames a second than a GIF can have.
        """
        planned = super().resolve(field, spec, plan)
        fps = planned.tracks[0].settings.fps
        if fps > GIF_MOST_FPS:
            raise PermanentError(
                f"{field}.fps: {fps} is more than {GIF_MOST_FPS}, the most for a gif", Reason.INVALID_SPEC
            )
        return planned

    def write_frames(self, lossless: LosslessFrames) -> None:
        """Write a GIF of the frames, and check it.

        Raises:
            PermanentError: the result is not what was planned.
        """
        track = lossless.track
        palette = _palette(lossless)
        end = _centiseconds(track, track.rate.frames)
        last = _centiseconds(track, track.rate.frames - 1)
        options = {"loop": "0", "final_delay": str(end - last)}
        written = 0
        with av.open(str(self.output.path), "w", format="gif", container_options=options) as out:
            stream = out.add_stream("gif", rate=track.settings.fps)
            if not isinstance(stream.codec_context, VideoCodecContext):
                raise TypeError("gif is no video")
            _set_up(stream.codec_context, track)
            for frame in _indexed(_timed(lossless), palette, track):
                written += 1
                for packet in stream.codec_context.encode(frame):
                    packet.stream = stream
                    out.mux(packet)
            for packet in stream.codec_context.encode(None):
                packet.stream = stream
                out.mux(packet)
        verify_gif(self.output.path, track.size, written, end * _CENTISECOND, lossless.check_cancelled)


def _set_up(context: VideoCodecContext, track: VideoTrack) -> None:
    context.width, context.height = track.size
    context.pix_fmt = "pal8"
    context.time_base = _CENTISECOND
    context.thread_count = 1


def _centiseconds(track: VideoTrack, frame: int) -> int:
    return round(frame * 100 / track.settings.fps)


def _timed(lossless: LosslessFrames) -> Iterator[tuple[Picture, int]]:
    """Yield pictures and the times at which they begin; the very last frame always, because its delay is known."""
    frames = lossless.track.rate.frames
    for run in lossless.runs(longest=int(_LONGEST_CS * _CENTISECOND * lossless.track.settings.fps)):
        yield run.picture, _centiseconds(lossless.track, run.start)
        if run.end == frames and run.start < frames - 1:
            yield run.picture, _centiseconds(lossless.track, frames - 1)


def _palette(lossless: LosslessFrames) -> VideoFrame:
    """Find the 256 colours that serve all frames best."""
    width, height = lossless.track.size
    shrink = max(1.0, (width * height / _SAMPLE_PIXELS) ** 0.5)
    size = max(1, int(width / shrink)), max(1, int(height / shrink))
    graph = Graph()
    source = graph.add_buffer(width=size[0], height=size[1], format=_BGRA, time_base=_CENTISECOND)
    palettegen = graph.add("palettegen", "stats_mode=full")
    sink = graph.add("buffersink")
    source.link_to(palettegen)
    palettegen.link_to(sink)
    graph.configure()
    step = max(1, -(-lossless.track.rate.frames // _MOST_SAMPLES))
    reformatter = VideoReformatter()
    for number, picture in enumerate(lossless.pictures()):
        if number % step == 0:
            source.push(_bgra(reformatter, picture, number, size))
    source.push(None)
    palette = sink.pull()
    if not isinstance(palette, VideoFrame):
        raise TypeError("the filter gave no palette")
    return palette


def _indexed(timed: Iterator[tuple[Picture, int]], palette: VideoFrame, track: VideoTrack) -> Iterator[VideoFrame]:
    """Turn pictures into frames of palette indices."""
    graph = Graph()
    source = graph.add_buffer(width=track.size[0], height=track.size[1], format=_BGRA, time_base=_CENTISECOND)
    colors = graph.add_buffer(width=palette.width, height=palette.height, format=_BGRA, time_base=_CENTISECOND)
    paletteuse = graph.add("paletteuse", _DITHER)
    sink = graph.add("buffersink")
    source.link_to(paletteuse, 0, 0)
    colors.link_to(paletteuse, 0, 1)
    paletteuse.link_to(sink)
    graph.configure()
    palette.pts, palette.time_base = 0, _CENTISECOND
    colors.push(palette)
    colors.push(None)
    reformatter = VideoReformatter()
    for picture, time in timed:
        source.push(_bgra(reformatter, picture, time, track.size))
        yield from _pulled(sink)
    source.push(None)
    yield from _pulled(sink)


def _pulled(sink: "av.filter.context.FilterContext") -> Iterator[VideoFrame]:
    while True:
        try:
            frame = sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        if isinstance(frame, VideoFrame):
            yield frame


def _bgra(reformatter: VideoReformatter, picture: Picture, time: int, size: tuple[int, int]) -> VideoFrame:
    frame = VideoFrame.from_ndarray(picture, format="yuv420p")
    converted = reformatter.reformat(
        frame,
        *size,
        format="bgra",
        src_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=Interpolation.POINT if size != (frame.width, frame.height) else Interpolation.BICUBIC,
        threads=1,
    )
    converted.pts, converted.time_base = time, _CENTISECOND
    return converted
