"""The job's sound alone: mp3 and m4a."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.outputs import Output
from videojob_worker.encode.settings import audio_settings
from videojob_worker.encode.sound import SoundPacketFile
from videojob_worker.outputs.formats.base import OutputFormat, main_file
from videojob_worker.outputs.media_file import Container, write_media_file
from videojob_worker.outputs.streams import EncodedStreams
from videojob_worker.outputs.thread_pool import RenderThreads
from videojob_worker.plan.outputs import PlannedOutput
from videojob_worker.plan.render_plan import RenderPlan


class SoundOutput(OutputFormat):
    """Sound in a container."""

    container: ClassVar[Container]
    encoder: ClassVar[str]
    """libav's name."""

    @classmethod
    def resolve(cls, field: str, spec: Output, plan: RenderPlan) -> PlannedOutput:
        """Plan the sound, and no pictures."""
        sound = audio_settings(cls.encoder, spec.quality, spec.bitrate)
        return PlannedOutput(field, spec, main_file(spec, plan), None, (), sound)

    def check_sound(self, sound: SoundPacketFile | None) -> None:
        """Check that there is any.

        Raises:
            PermanentError: nothing in the job sounds.
        """
        if sound is None:
            raise PermanentError(
                f"{self.output.field}.format: an {self.output.spec.format} is the sound alone, and nothing in this job "
                f"sounds; add spec.audio.tracks or a video with sound",
                Reason.INVALID_SPEC,
            )

    def write(self, encoded: EncodedStreams, render_threads: RenderThreads) -> tuple[Path, ...]:
        """Write the file, and check it.

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

    def length_s(self) -> Fraction:
        """Return the length of the timeline, in seconds."""
        return self.plan.timeline.length_s

    def ways(self) -> Iterable[str]:
        """Say that it is the sound."""
        return ("the mixed sound, encoded once",)


class Mp3Output(SoundOutput):
    """An MP3."""

    container = Container("mp3", "mp3")
    encoder = "libmp3lame"


class M4aOutput(SoundOutput):
    """AAC in an MP4 as iTunes has it."""

    container = Container("ipod", "mp4")
    encoder = "aac"
