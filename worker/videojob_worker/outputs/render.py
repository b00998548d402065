"""Makes every output of a job from as few passes over the frames as they need, the sound beside them."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.outputs import Format
from videojob_contract.resources.status import Stage
from videojob_worker.encode.packet_file import PacketFile
from videojob_worker.encode.settings import AudioSettings
from videojob_worker.encode.sound import SoundPacketFile
from videojob_worker.encode.subtitles import SoftSubtitles, soft_subtitles
from videojob_worker.outputs import poster
from videojob_worker.outputs.frame_grabs import FrameGrabs
from videojob_worker.outputs.gif import write_gif
from videojob_worker.outputs.hls.write import write_hls
from videojob_worker.outputs.lossless_frames import LosslessFrames
from videojob_worker.outputs.passes import PassRunner, passes_of
from videojob_worker.outputs.sounds import make_sounds, sounds_cost
from videojob_worker.outputs.sprite import THUMBNAIL_COST, Sheet
from videojob_worker.outputs.streams import EncodedStreams
from videojob_worker.outputs.thread_pool import RenderThreads
from videojob_worker.outputs.video import write_video
from videojob_worker.outputs.webp import write_webp
from videojob_worker.plan.copies import COPIED_FRAME
from videojob_worker.plan.outputs import PlannedOutput, VideoTrack
from videojob_worker.plan.render_plan import RenderPlan
from videojob_worker.progress import Meter
from videojob_worker.request import RenderedOutput
from videojob_worker.verify.pictures import verify_picture

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("videojob.outputs")

_ANIMATIONS = (Format.GIF, Format.WEBP)
_ANIMATED_FRAME = 4.0
"""Cost of a frame of a gif or webp of the canvas' size, once it is parked."""
_READINGS = 3
"""How often each of them is read at most: for the palette, to be written, to be checked."""
_FINISH_SHARE = 0.02
"""Share of the pictures' cost that goes into joining and checking them."""


def cost_of(project: RenderPlan) -> float:
    """Predict the cost of all outputs of a project, in still frames."""
    pictures = sum(each.cost(project) for each in passes_of(project))
    encoded = pictures * (1 + _FINISH_SHARE)
    animated = sum(
        _animation_cost(project, track)
        for output in project.outputs
        if output.spec.format in _ANIMATIONS
        for track in output.tracks
    )
    return encoded + animated + _copies_cost(project) + sounds_cost(project, _audio(project)) + _grabs_cost(project)


def render_outputs(
    project: RenderPlan,
    meter: Meter,
    cancelled: Callable[[], bool],
    made: Mapping[str, list[PacketFile]] | None = None,
) -> list[RenderedOutput]:
    """Make every output, in the spec's order, and check it.

    Args:
        project: the job.
        meter: told of the progress.
        cancelled: asked several times a second whether to stop.
        made: the segments of each track that is encoded in such, where they were made elsewhere.

    Raises:
        PermanentError: a source cannot be used, or a result is not what was planned.
        TransientError: the disk is full.
        CancelledError: `cancelled` said so.
    """
    for output in project.outputs:
        if output.note is not None:
            log.warning("%s", output.note)
    with RenderThreads(meter, cancelled) as crew:
        return _Render(project, meter, crew, made).run()


def _copies_cost(project: RenderPlan) -> float:
    tracks = (track for output in project.outputs for track in output.tracks)
    return COPIED_FRAME * sum(track.rate.frames for track in tracks if track.copied is not None)


def _audio(project: RenderPlan) -> list[AudioSettings]:
    mixed = (output.sound for output in project.outputs if output.copied_sound is None)
    return [sound for sound in mixed if sound is not None]


def _animation_cost(project: RenderPlan, track: VideoTrack) -> float:
    share = track.settings.width * track.settings.height / (project.canvas.width * project.canvas.height)
    return _ANIMATED_FRAME * share * track.rate.frames


def _grabs_cost(project: RenderPlan) -> float:
    posters = sum(poster.COST for output in project.outputs if output.spec.format.is_still)
    sheets = (Sheet(output, project.timeline) for output in project.outputs if output.spec.format is Format.SPRITE)
    return posters + THUMBNAIL_COST * sum(sheet.count for sheet in sheets)


def _soft(project: RenderPlan) -> SoftSubtitles | None:
    """Return the subtitles that are a track of their own, where the job has any."""
    subtitles = project.spec.subtitles
    if subtitles is None or not subtitles.soft or project.captions is None:
        return None
    return soft_subtitles(project.captions.cues, subtitles.language, project.timeline.length_s)


class _Render:
    def __init__(
        self, project: RenderPlan, meter: Meter, crew: RenderThreads, made: Mapping[str, list[PacketFile]] | None
    ) -> None:
        self._project, self._meter, self._crew, self._made = project, meter, crew, made
        self._grabs = FrameGrabs()
        self._sheets: dict[str, Sheet] = {}
        self._subtitles = _soft(project)

    def run(self) -> list[RenderedOutput]:
        project, crew = self._project, self._crew
        self._want()
        self._meter.enter(Stage.RENDERING, self._first_word())
        sounds = crew.aside(self._make_sounds)
        runner = PassRunner(project, crew, self._grabs)
        for each in passes_of(project):
            if self._made is None or each.whole:
                runner.run(each)
            else:
                runner.adopt(each, self._made)
        if not runner.has_composed and len(self._grabs):
            crew.run([self._compose_grabs], 1, lambda: "composing pictures")
        if not sounds.done() or sounds.result():
            self._meter.enter(Stage.AUDIO, "encoding sound")
        crew.wait([sounds], lambda: "encoding sound")
        spools = sounds.result()
        works = [partial(self._finish, output, runner, spools) for output in project.outputs]
        rendered = crew.run(works, project.threads, lambda: "writing outputs")
        for spool in spools.values():
            spool.path.unlink()
        self._meter.finish(cost_of(project))
        return rendered

    def _first_word(self) -> str:
        note = next((output.note for output in self._project.outputs if output.note is not None), None)
        return note or f"frame 0 of {self._project.timeline.frames}"

    def _want(self) -> None:
        timeline = self._project.timeline
        for output in self._project.outputs:
            if output.spec.format.is_still:
                frame = poster.poster_frame(output.spec, timeline)
                self._grabs.want(frame, partial(poster.write_poster, output))
            elif output.spec.format is Format.SPRITE:
                sheet = self._sheets[output.name] = Sheet(output, timeline)
                for number in range(sheet.count):
                    self._grabs.want(sheet.frame(number), partial(sheet.take, number))

    def _counted(self, track: VideoTrack) -> Callable[[], None]:
        """Count the cost of moving pictures as they are read, written and checked."""
        step = _animation_cost(self._project, track) / (_READINGS * track.rate.frames)

        def go_on() -> None:
            self._crew.go_on()
            self._crew.tally.add(step)

        return go_on

    def _compose_grabs(self) -> None:
        for _ in self._grabs.compose(self._project):
            self._crew.go_on()

    def _make_sounds(self) -> dict[AudioSettings, SoundPacketFile]:
        wanted = _audio(self._project)
        spools = make_sounds(self._project, wanted, self._crew.tally.add, self._crew.stopped) if wanted else {}
        for output in self._project.outputs:
            if output.spec.format.is_audio and output.sound not in spools:
                raise PermanentError(
                    f"{output.field}.format: an {output.spec.format} is the sound alone, and nothing in this job "
                    f"sounds; add spec.audio.tracks or a video with sound",
                    Reason.INVALID_SPEC,
                )
        return spools

    def _finish(
        self, output: PlannedOutput, runner: PassRunner, sounds: dict[AudioSettings, SoundPacketFile]
    ) -> RenderedOutput:
        go_on = self._crew.go_on
        sound = None if output.sound is None else sounds.get(output.sound)
        encoded = EncodedStreams(runner.spools, sound, self._subtitles)
        width, height = output.size or (None, None)
        frames = length_s = None
        files: tuple[Path, ...] = ()
        match output.spec.format:
            case Format.HLS:
                files = write_hls(output, encoded, self._project.timeline, go_on)
            case format_ if format_ in _ANIMATIONS:
                [track] = output.tracks
                reel = LosslessFrames(track, runner.spools[track.name], self._counted(track))
                write = write_gif if output.spec.format is Format.GIF else write_webp
                write(output, reel)
                reel.delete()
            case Format.SPRITE:
                files = self._sheets[output.name].write()
            case Format.JPG | Format.PNG:
                verify_picture(output.path, *(output.size or (0, 0)))
            case Format.MP4 | Format.WEBM | Format.MP3 | Format.M4A:
                write_video(output, encoded, self._project.timeline, go_on, self._project.threads)
        if output.tracks:
            rate = output.tracks[0].rate
            frames, length_s = rate.frames, rate.frames / rate.fps
        elif output.spec.format.is_audio:
            length_s = self._project.timeline.length_s
        return RenderedOutput(output.name, output.path, width, height, frames, length_s, files)
