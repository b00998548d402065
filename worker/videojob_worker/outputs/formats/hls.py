"""HLS: renditions among which players choose, in segments, with playlists (put together in `outputs/hls`)."""

from collections.abc import Iterable
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Final

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.outputs import Output, Rendition
from videojob_worker.encode.hardware import choose_encoder
from videojob_worker.encode.settings import audio_settings, video_settings
from videojob_worker.outputs.encoded_ways import encoded_ways
from videojob_worker.outputs.formats.base import OutputFormat, main_file_in_folder
from videojob_worker.outputs.hls.write import write_hls
from videojob_worker.outputs.sizes import output_size
from videojob_worker.outputs.streams import EncodedStreams
from videojob_worker.outputs.thread_pool import RenderThreads
from videojob_worker.plan.outputs import PlannedOutput, VideoTrack
from videojob_worker.plan.render_plan import RenderPlan
from videojob_worker.timeline.rate import Rate

_SEGMENT_S: Final = Fraction(6)
"""Length of a segment, where none is given."""
_MOST_FILES: Final = 8000
"""More take longer to publish than to watch."""


class HlsOutput(OutputFormat):
    """A master playlist, and what it names."""

    @classmethod
    def resolve(cls, field: str, spec: Output, plan: RenderPlan) -> PlannedOutput:
        """Plan a stream of pictures for each rendition, and the sound.

        Raises:
            PermanentError: it has too many segments, two renditions of one name, or no such encoder, preset or crf.
        """
        chosen = choose_encoder(field, spec.codec or spec.format.codecs[0], plan.settings.encoding)
        timeline = plan.timeline
        fps = spec.fps or timeline.fps
        cut_s = spec.segment_duration or _SEGMENT_S
        renditions = spec.renditions or [Rendition(width=spec.width, height=spec.height)]
        files = int(timeline.length_s // cut_s + 1) * (len(renditions) + 1)
        if files > _MOST_FILES:
            raise PermanentError(
                f"{field}.segmentDuration: {float(cut_s):g}s makes {files} files, and {_MOST_FILES} are the most; "
                f"choose longer segments",
                Reason.INVALID_SPEC,
            )
        tracks: dict[str, VideoTrack] = {}
        for index, rendition in enumerate(renditions):
            size = output_size(rendition, plan.canvas)
            where = f"{field}.renditions[{index}]" if spec.renditions else field
            settings = video_settings(where, spec, size, fps, rendition=rendition, encoder=chosen.encoder, cut_s=cut_s)
            name = f"{spec.name}.{rendition.name or f'{size[1]}p'}"
            if name in tracks:
                raise PermanentError(f"{where}.name: another rendition has this size; name both", Reason.INVALID_SPEC)
            tracks[name] = VideoTrack(name, settings, Rate(timeline, fps))
        return PlannedOutput(
            field,
            spec,
            main_file_in_folder(spec, plan),
            max((track.size for track in tracks.values()), key=prod),
            tuple(tracks.values()),
            audio_settings("aac", spec.quality),
            chosen.note,
        )

    def write(self, encoded: EncodedStreams, render_threads: RenderThreads) -> tuple[Path, ...]:
        """Write segments and playlists, and check them; return all files but the master playlist.

        Raises:
            PermanentError: the result is not what was planned.
            CancelledError: the render was stopped.
        """
        return write_hls(self.output, encoded, self.plan.timeline, render_threads.check_cancelled)

    def ways(self) -> Iterable[str]:
        """Say how its pictures are encoded."""
        return encoded_ways(self.output)
