"""Finds damage within the coded data of a JPEG, which its own decoder conceals and does not tell."""

from collections.abc import Sequence
from typing import Final

import av
from av.error import FFmpegError, InvalidDataError

from videojob_worker.media.files.decoders import FOR_JPEG_CHECK
from videojob_worker.media.files.source import Source
from videojob_worker.media.files.spliced_file import Part, open_spliced

_DEMUXER: Final = "jpeg_pipe"


def check_jpeg_data(source: Source, parts: Sequence[Part]) -> None:
    """Decode what a JPEG's decoder is given strictly; of a kind that libav does not decode, nothing is found.

    Raises:
        PermanentError: some of its data is wrong.
    """
    options = {"format_whitelist": _DEMUXER, "codec_whitelist": FOR_JPEG_CHECK}
    try:
        with (
            open_spliced(source.path, parts) as file,
            av.open(file, "r", format=_DEMUXER, options=options) as container,
        ):
            context = container.streams.video[0].codec_context
            context.options = {"err_detect": "explode"}
            context.thread_count = 1
            for _ in container.decode(video=0):
                return
    except InvalidDataError as error:
        raise source.error("is a damaged JPEG: some of its coded data is wrong") from error
    except FFmpegError:
        return
