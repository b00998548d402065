"""Makes every output of a job from as few passes over the frames as they need, the sound beside them."""

import logging
from collections.abc import Callable, Mapping
from functools import partial

from videojob_contract.resources.status import Stage
from videojob_worker.encode.packet_file import PacketFile
from videojob_worker.encode.settings import AudioSettings
from videojob_worker.encode.sound import SoundPacketFile
from videojob_worker.encode.subtitles import SoftSubtitles, soft_subtitles
from videojob_worker.outputs.formats import formats_of
from videojob_worker.outputs.formats.base import OutputFormat
from videojob_worker.outputs.frame_grabs import FrameGrabs
from videojob_worker.outputs.passes import PassRunner, passes_of
from videojob_worker.outputs.sounds import make_sounds, sounds_cost
from videojob_worker.outputs.streams import EncodedStreams
from videojob_worker.outputs.thread_pool import RenderThreads
from videojob_worker.plan.copies import COPIED_FRAME
from videojob_worker.plan.render_plan import RenderPlan
from videojob_worker.progress import Meter
from videojob_worker.request import RenderedOutput
from videojob_worker.work_tally import WorkTally

log = logging.getLogger("videojob.outputs")

_FINISH_SHARE = 0.02
"""Share of the pictures' cost that goes into joining and checking them."""


def cost_of(plan: RenderPlan) -> float:
    """Predict the cost of all outputs of a plan, in the unit of `timeline/cost.py`."""
    pictures = sum(each.cost(plan) for each in passes_of(plan))
    encoded = pictures * (1 + _FINISH_SHARE)
    formats = sum(each.cost() for each in formats_of(plan))
    return encoded + formats + _copies_cost(plan) + sounds_cost(plan, _audio(plan))


def render_outputs(
    plan: RenderPlan,
    meter: Meter,
    cancelled: Callable[[], bool],
    made: Mapping[str, list[PacketFile]] | None = None,
    work: WorkTally | None = None,
) -> list[RenderedOutput]:
    """Make every output, in the spec's order, and check it.

    Args:
        plan: the job.
        meter: told of the progress.
        cancelled: asked several times a second whether to stop.
        made: the segments of each track that is encoded in such, where they were made elsewhere.
        work: told what the passes took.

    Raises:
        PermanentError: a source cannot be used, or a result is not what was planned.
        TransientError: the disk is full.
        CancelledError: `cancelled` said so.
    """
    for output in plan.outputs:
        if output.note is not None:
            log.warning("%s", output.note)
    with RenderThreads(meter, cancelled) as render_threads:
        return _Render(plan, meter, render_threads, made, work or WorkTally()).run()


def _copies_cost(plan: RenderPlan) -> float:
    tracks = (track for output in plan.outputs for track in output.tracks)
    return COPIED_FRAME * sum(track.rate.frames for track in tracks if track.copied is not None)


def _audio(plan: RenderPlan) -> list[AudioSettings]:
    mixed = (output.sound for output in plan.outputs if output.copied_sound is None)
    return [sound for sound in mixed if sound is not None]


def _soft(plan: RenderPlan) -> SoftSubtitles | None:
    """Return the subtitles that are a track of their own, where the job has any."""
    subtitles = plan.settings.spec.subtitles
    if subtitles is None or not subtitles.soft or plan.captions is None:
        return None
    return soft_subtitles(plan.captions.cues, subtitles.language, plan.timeline.length_s)


class _Render:
    def __init__(
        self,
        plan: RenderPlan,
        meter: Meter,
        render_threads: RenderThreads,
        made: Mapping[str, list[PacketFile]] | None,
        work: WorkTally,
    ) -> None:
        self._plan, self._meter, self._render_threads, self._made = plan, meter, render_threads, made
        self._work = work
        self._grabs = FrameGrabs()
        self._formats = formats_of(plan)
        self._subtitles = _soft(plan)

    def run(self) -> list[RenderedOutput]:
        plan, render_threads = self._plan, self._render_threads
        for made in self._formats:
            for frame, take in made.wants():
                self._grabs.want(frame, take)
        self._meter.enter(Stage.RENDERING, self._first_word())
        sounds = render_threads.aside(self._make_sounds)
        runner = PassRunner(plan, render_threads, self._grabs, work=self._work)
        for each in passes_of(plan):
            if self._made is None or each.whole:
                runner.run(each)
            else:
                runner.adopt(each, self._made)
        if not runner.has_composed and len(self._grabs):
            render_threads.run([self._compose_grabs], 1, lambda: "composing pictures")
        if not sounds.done() or sounds.result():
            self._meter.enter(Stage.AUDIO, "encoding sound")
        render_threads.wait([sounds], lambda: "encoding sound")
        packet_files = sounds.result()
        works = [partial(self._finish, each, runner, packet_files) for each in self._formats]
        rendered = render_threads.run(works, plan.settings.threads, lambda: "writing outputs")
        for packet_file in packet_files.values():
            packet_file.path.unlink()
        self._meter.finish(cost_of(plan))
        return rendered

    def _first_word(self) -> str:
        note = next((output.note for output in self._plan.outputs if output.note is not None), None)
        return note or f"frame 0 of {self._plan.timeline.frames}"

    def _compose_grabs(self) -> None:
        for _ in self._grabs.compose(self._plan):
            self._render_threads.check_cancelled()

    def _make_sounds(self) -> dict[AudioSettings, SoundPacketFile]:
        wanted = _audio(self._plan)
        packet_files = (
            make_sounds(self._plan, wanted, self._render_threads.tally.add, self._render_threads.stopped)
            if wanted
            else {}
        )
        for each in self._formats:
            sound = each.output.sound
            each.check_sound(None if sound is None else packet_files.get(sound))
        return packet_files

    def _finish(
        self, made: OutputFormat, runner: PassRunner, sounds: dict[AudioSettings, SoundPacketFile]
    ) -> RenderedOutput:
        output = made.output
        sound = None if output.sound is None else sounds.get(output.sound)
        files = made.write(EncodedStreams(runner.packet_files, sound, self._subtitles), self._render_threads)
        width, height = output.size or (None, None)
        frames = output.tracks[0].rate.frames if output.tracks else None
        return RenderedOutput(output.name, output.path, width, height, frames, made.length_s(), files)
