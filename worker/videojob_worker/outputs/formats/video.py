"""Pictures and sound in one file: mp4 and webm."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from videojob_contract.resources.outputs import Output
from videojob_worker.encode.hardware import choose_encoder
from videojob_worker.encode.settings import audio_settings, video_settings
from videojob_worker.outputs.encoded_ways import encoded_ways
from videojob_worker.outputs.formats.base import OutputFormat, main_file
from videojob_worker.outputs.media_file import Container, write_media_file
from videojob_worker.outputs.sizes import output_size
from videojob_worker.outputs.streams import EncodedStreams
from videojob_worker.outputs.thread_pool import RenderThreads
from videojob_worker.plan.outputs import PlannedOutput, VideoTrack
from videojob_worker.plan.render_plan import RenderPlan
from videojob_worker.timeline.rate import Rate


class VideoOutput(OutputFormat):
    """A video in a container."""

    container: ClassVar[Container]
    sound_encoder: ClassVar[str]
    """libav's name."""
    may_be_copied: ClassVar[bool] = False
    """Whether it takes the pictures of a source as they are."""

    @classmethod
    def resolve(cls, field: str, spec: Output, plan: RenderPlan) -> PlannedOutput:
        """Plan one stream of pictures, and the sound.

        Raises:
            PermanentError: its encoder has no such preset or crf, or is not there.
        """
        chosen = choose_encoder(field, spec.codec or spec.format.codecs[0], plan.settings.encoding)
        size, fps = output_size(spec, plan.canvas), spec.fps or plan.timeline.fps
        settings = video_settings(field, spec, size, fps, encoder=chosen.encoder)
        return PlannedOutput(
            field,
            spec,
            main_file(spec, plan),
            size,
            (VideoTrack(spec.name, settings, Rate(plan.timeline, fps)),),
            audio_settings(cls.sound_encoder, spec.quality),
            chosen.note,
            may_be_copied=cls.may_be_copied,
        )

    def write(self, encoded: EncodedStreams, render_threads: RenderThreads) -> tuple[Path, ...]:
        """Join pictures, sound and subtitles, and check the file.

        Raises:
            PermanentError: the result is not what was planned.
            CancelledError: the render was stopped.
        """
        plan = self.plan
        write_media_file(
            self.output,
            self.container,
            encoded,
            plan.timeline,
            check_cancelled=render_threads.check_cancelled,
            threads=plan.settings.threads,
        )
        return ()

    def ways(self) -> Iterator[str]:
        """Say how its pictures are encoded, or that they are not."""
        output = self.output
        if output.tracks[0].copied is not None:
            what = "pictures" if output.copied_sound is None else "pictures and sound"
            yield f"the {what} of its sources as they are, not encoded again"
        else:
            yield from encoded_ways(output)
        if output.not_copied is not None:
            yield f"not copied, because {output.not_copied}"


class Mp4Output(VideoOutput):
    """An MP4."""

    container = Container("mp4", "mp4")
    sound_encoder = "aac"
    may_be_copied = True


class WebmOutput(VideoOutput):
    """A WebM, which is a Matroska."""

    container = Container("webm", "matroska")
    sound_encoder = "libopus"
