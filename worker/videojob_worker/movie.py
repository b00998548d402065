"""Makes one video: segments side by side, then the sound, then the mp4 of both, then the check."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Event, Lock

from videojob_contract.errors import CancelledError
from videojob_contract.resources.status import Stage
from videojob_worker.audio.arrangement import arrange
from videojob_worker.audio.soundtrack import open_soundtrack
from videojob_worker.compose.compositor import Scene
from videojob_worker.encode.mux import Layout, write_mp4
from videojob_worker.encode.settings import VideoSettings, audio_settings
from videojob_worker.encode.spool import Spool
from videojob_worker.encode.video import SegmentEncoder
from videojob_worker.plan.cost import Segment, frame_costs
from videojob_worker.plan.memory import encoders_side_by_side
from videojob_worker.progress import Meter
from videojob_worker.project import Project, ProjectOutput
from videojob_worker.verify import Expected, verify_mp4

_POLL_S = 0.1
_FIRST_POLL_S = 0.01  # until there is something to tell
_SOUND_SECOND_COST = 6.0
_FINISH_SHARE = 0.02
"""Share of a video's cost that goes into joining and checking it."""


def movie_cost(project: Project) -> float:
    """Predict the cost of one video of this project, in still frames."""
    return (sum(segment.cost for segment in project.segments) + _sound_cost(project)) * (1 + _FINISH_SHARE)


def render_movie(
    project: Project,
    output: ProjectOutput,
    settings: VideoSettings,
    meter: Meter,
    cancelled: Callable[[], bool],
) -> None:
    """Make the mp4 at `output.path` and verify it.

    Raises:
        PermanentError: a source cannot be used, or the result is not what was planned.
        CancelledError: `cancelled` said so.
    """
    meter.enter(Stage.RENDERING, f"frame 0 of {project.timeline.frames}")
    spools = _encode(project, output, settings, meter, cancelled)
    pictures_cost = sum(segment.cost for segment in project.segments)
    sound_cost = _sound_cost(project)
    if sound_cost:
        meter.enter(Stage.AUDIO, "decoding sound")
    soundtrack = open_soundtrack(
        project, cancelled, lambda share: meter.update(pictures_cost + sound_cost * share / 2, "decoding sound")
    )
    sound = soundtrack.blocks() if soundtrack else None
    layout = Layout(output.spec.faststart, output.spec.metadata or {})
    length_s = float(project.timeline.length_s)
    for written_s in write_mp4(
        output.path, settings, layout, spools, None if sound is None else (audio_settings(output.spec), sound)
    ):
        if cancelled():
            raise CancelledError("the render was cancelled")
        meter.update(pictures_cost + sound_cost * (1 + max(float(written_s), 0.0) / length_s) / 2)
    if soundtrack:
        soundtrack.close()
    look = project.look
    verify_mp4(output.path, Expected(look.width, look.height, project.timeline, sound=soundtrack is not None))


def _sound_cost(project: Project) -> float:
    return _SOUND_SECOND_COST * float(project.timeline.length_s) if arrange(project) else 0.0


@dataclass(slots=True)
class _Tally:
    """Frames and cost done so far by all segments, which are encoded in several threads.

    Half of a frame's cost counts when the encoder is given it: it looks ahead, so the first is done late.
    """

    costs: Sequence[float]
    frames: int = 0
    cost: float = 0.0
    lock: Lock = field(default_factory=Lock)

    def give(self, frame: int) -> None:
        with self.lock:
            self.cost += self.costs[frame] / 2

    def finish(self, frame: int) -> None:
        with self.lock:
            self.frames += 1
            self.cost += self.costs[frame] / 2


def _encode(
    project: Project,
    output: ProjectOutput,
    settings: VideoSettings,
    meter: Meter,
    cancelled: Callable[[], bool],
) -> list[Spool]:
    """Encode all segments, as many side by side as there are threads."""
    stop = Event()
    tally = _Tally(frame_costs(project.spans))
    scene = Scene(project, project.spans)
    side_by_side = encoders_side_by_side(project.threads, len(project.segments), settings.encoder_bytes)
    started = time.monotonic()

    def encode(number: int, segment: Segment) -> Spool:
        path = project.scratch / f"{output.name}-{number:04}.h264"
        with SegmentEncoder(
            settings,
            segment,
            max(1, project.threads // side_by_side),
            path,
            on_given=tally.give,
            on_frame=tally.finish,
            stopped=stop.is_set,
        ) as encoder:
            for picture, count in scene.compose(segment.spans):
                encoder.write(picture, count)
            return encoder.close()

    with ThreadPoolExecutor(side_by_side, thread_name_prefix="encode") as pool:
        futures = [pool.submit(encode, number, segment) for number, segment in enumerate(project.segments)]
        try:
            while True:
                done, waiting = wait(
                    futures, timeout=_POLL_S if tally.cost else _FIRST_POLL_S, return_when=FIRST_EXCEPTION
                )
                for future in done:
                    future.result()
                if cancelled():
                    raise CancelledError("the render was cancelled")
                rate = tally.frames / max(time.monotonic() - started, 1e-3)
                meter.update(tally.cost, f"frame {tally.frames} of {project.timeline.frames}, {rate:.0f} fps")
                if not waiting:
                    return [future.result() for future in futures]
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            scene.close()
