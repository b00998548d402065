"""Makes libav's encoder of an output's settings: options by their names for each, threads, colours.

All of one output are made alike, and so have the same parameter sets: what they encode joins into one stream.
"""

import os
from collections.abc import Mapping

from av import CodecContext, VideoCodecContext
from av.codec.context import Flags
from av.codec.hwaccel import HWAccel
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from videojob_worker.encode.codecs import crf_option
from videojob_worker.encode.settings import VideoSettings
from videojob_worker.encode.x264_tuning import NO_HINTS, X264Tuning

_VP9_TILE_PIXELS = 256
"""VP9's tiles are at least this wide, and each can have a thread."""
_X265_FRAME_THREADS = 4


def new_encoder(settings: VideoSettings, threads: int, hints: X264Tuning = NO_HINTS) -> VideoCodecContext:
    """Make an encoder that is not open yet.

    Args:
        settings: what it encodes.
        threads: how many it may use.
        hints: what is known of the pictures.
    """
    if settings.encoder == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # errors alone: it writes to standard error itself
    accel = HWAccel(device_type="vaapi") if settings.encoder.endswith("_vaapi") else None
    context = CodecContext.create(settings.encoder, "w", hwaccel=accel)
    if not isinstance(context, VideoCodecContext):
        raise TypeError(f"{settings.encoder} is no video encoder")
    configure_encoder(context, settings, threads, hints)
    return context


def configure_encoder(
    context: VideoCodecContext, settings: VideoSettings, threads: int, hints: X264Tuning = NO_HINTS
) -> None:
    """Set up an encoder that is not open yet; see `new_encoder`."""
    context.width, context.height = settings.width, settings.height
    context.pix_fmt = "yuv420p"
    context.framerate = settings.fps
    context.time_base = 1 / settings.fps
    context.color_range = ColorRange.MPEG
    context.colorspace = Colorspace.ITU709
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    context.thread_count = threads
    context.flags |= Flags.global_header
    if settings.keyframe_frames is not None:
        context.gop_size = settings.keyframe_frames
    if settings.bit_rate is not None:
        context.bit_rate = settings.bit_rate
    context.options = _options(context, settings, threads, hints)


def _options(context: VideoCodecContext, settings: VideoSettings, threads: int, hints: X264Tuning) -> dict[str, str]:
    options, params = {**settings.options, **hints.options}, dict(hints.params)
    if settings.crf is not None:
        # Below 1 x264 is lossless, which only those who say 0 want.
        crf = max(min(settings.crf, 1.0), settings.crf + hints.crf_offset)
        options[crf_option(settings.encoder)] = f"{crf:.1f}".removesuffix(".0")
    match settings.encoder:
        case "libx264":
            options["forced-idr"] = "1"
            if settings.pass_number:
                context.flags |= Flags.pass1 if settings.pass_number == 1 else Flags.pass2
                options["stats"] = settings.stats
            _add_params(options, "x264-params", params)
        case "libx265":
            context.thread_count = min(threads, _X265_FRAME_THREADS)
            options["forced-idr"] = "1"
            # Groups of pictures that refer to the one before could not be cut, and what tells the number of threads
            # is not the same in all segments.
            params |= {"log-level": "error", "pools": str(threads), "open-gop": "0", "info": "0"}
            if settings.pass_number:
                params |= {"pass": str(settings.pass_number), "stats": _escaped(settings.stats)}
            _add_params(options, "x265-params", params)
        case "libsvtav1":
            _add_params(options, "svtav1-params", {"lp": str(threads)})
        case "libvpx-vp9":
            columns = max(1, min(threads, settings.width // _VP9_TILE_PIXELS))
            options["tile-columns"] = str(columns.bit_length() - 1)
            if settings.crf is not None:
                # With a highest bitrate, the crf is how good it may get at most.
                context.bit_rate = int(options.get("maxrate", "0"))
        case _:
            pass
    return options


def _add_params(options: dict[str, str], name: str, params: Mapping[str, str]) -> None:
    if params:
        options[name] = ":".join(f"{key}={value}" for key, value in params.items())


def _escaped(path: str) -> str:
    """Escape what would end a parameter of x265 in its list."""
    return path.replace("\\", "\\\\").replace(":", "\\:")
