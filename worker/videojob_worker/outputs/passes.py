"""Passes over the frames: each picture is composed once a pass and given to every encoder of it.

Outputs of constant quality share one pass, in which the segments of the timeline are encoded side by side. What has a
bitrate needs one encoder that sees the whole timeline, and so a pass of its own kind; to meet it in two passes, two.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from videojob_contract.resources.work import FULL_HD
from videojob_worker.compose.compositor import Scene
from videojob_worker.encode.packet_file import PacketFile
from videojob_worker.encode.video import SegmentEncoder
from videojob_worker.outputs.frame_grabs import FrameGrabs
from videojob_worker.outputs.scale import Scaler
from videojob_worker.outputs.thread_pool import RenderThreads
from videojob_worker.pixels.yuv import Picture
from videojob_worker.plan.memory import ENCODERS_BYTES, encoders_side_by_side, segment_bytes
from videojob_worker.plan.outputs import VideoTrack
from videojob_worker.plan.render_plan import RenderPlan
from videojob_worker.timeline.cost import UNITS_A_SECOND, frame_costs, span_cost
from videojob_worker.timeline.segments import Segment
from videojob_worker.timeline.spans import Span
from videojob_worker.work_tally import TimeSpent, WorkTally

COMPOSE_COST = 0.1
"""Of a frame that is composed, in the unit of `timeline/cost.py`."""
_FIRST_PASS_SHARE = 0.5
"""Of an encode, what its first pass of two costs."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over the frames."""

    tracks: tuple[VideoTrack, ...]
    whole: bool
    """Whether each has one encoder for the whole timeline."""
    number: int = 0
    """1 or 2 where there are two; else 0."""

    @property
    def is_last(self) -> bool:
        """Whether nothing of it is needed by a further pass."""
        return self.number != 1

    def cost(self, plan: RenderPlan) -> float:
        """Predict the cost, in the unit of `timeline/cost.py`."""
        frames = sum(segment.cost for segment in plan.segments)
        return COMPOSE_COST * plan.timeline.frames + sum(frames * _weight(plan, self, each) for each in self.tracks)

    def planned_s(self, plan: RenderPlan) -> dict[str, float]:
        """Return how long the spans of each kind should take, in seconds of one core."""
        weight = sum(_weight(plan, self, each) * float(each.settings.fps / plan.timeline.fps) for each in self.tracks)
        second = weight * plan.canvas.width * plan.canvas.height / FULL_HD / UNITS_A_SECOND
        planned: defaultdict[str, float] = defaultdict(float)
        for span in plan.spans:
            planned[span.kind] += span_cost(span) * second
        return dict(planned)


def passes_of(plan: RenderPlan) -> list[Pass]:
    """Return the passes that all outputs of a plan together need; none when nothing is encoded."""
    tracks = (track for output in plan.outputs for track in output.tracks)
    return plan_passes([track for track in tracks if track.copied is None])


def segmented_pass(plan: RenderPlan) -> Pass | None:
    """Return the pass of a plan that is made in segments; None where there is none."""
    return next((run for run in passes_of(plan) if not run.whole), None)


def packet_file_name(track: str, number: int) -> str:
    """Return what the file of a track's packets in a segment is called."""
    return f"{track}-{number:04}.packets"


def plan_passes(tracks: Sequence[VideoTrack]) -> list[Pass]:
    """Return the passes that all tracks together need; none when there are none."""
    passes = []
    if segmented := tuple(track for track in tracks if not track.settings.needs_whole):
        passes.append(Pass(segmented, whole=False))
    for some in _groups([track for track in tracks if track.settings.needs_whole]):
        twice = tuple(track for track in some if track.settings.two_pass)
        once = tuple(track for track in some if not track.settings.two_pass)
        if twice:
            passes.append(Pass(twice, whole=True, number=1))
        passes.append(Pass((*once, *twice), whole=True, number=2 if twice else 0))
    return passes


def share_threads(plan: RenderPlan, tracks: Sequence[VideoTrack], segments: Sequence[Segment]) -> tuple[int, int]:
    """Return how many segments are encoded at a time, and how many threads each of their encoders has."""
    side_by_side = encoders_side_by_side(plan.settings.threads, len(segments), segment_bytes(tracks, segments))
    return side_by_side, max(1, plan.settings.threads // side_by_side)


def _groups(tracks: Sequence[VideoTrack]) -> Iterator[list[VideoTrack]]:
    """Part tracks so that the encoders of each part fit into memory together."""
    group: list[VideoTrack] = []
    for track in tracks:
        if group and sum(each.settings.encoder_bytes for each in (*group, track)) > ENCODERS_BYTES:
            yield group
            group = []
        group.append(track)
    if group:
        yield group


def _weight(plan: RenderPlan, run: Pass, track: VideoTrack) -> float:
    """Cost of a frame of a track, against x264 at the canvas' size."""
    size = track.settings.width * track.settings.height / (plan.canvas.width * plan.canvas.height)
    share = _FIRST_PASS_SHARE if run.number == 1 else 1.0
    return size * track.cost * share


class _StopWatch:
    """Parts a thread's time among the kinds of the spans that it makes, in order."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = iter(spans)
        self._span = next(self._spans)
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._started = self._at = time.monotonic()

    def lap(self, frame: int) -> None:
        """Count the time since the last as that of the span which has this frame."""
        while frame >= self._span.end:
            self._span = next(self._spans)
        now = time.monotonic()
        self._seconds[self._span.kind] += now - self._at
        self._at = now

    def spent_s(self) -> dict[str, float]:
        """Return the seconds of each kind; what was spent since, on frames that an encoder held back, is all kinds'."""
        share = (time.monotonic() - self._started) / (sum(self._seconds.values()) or 1.0)
        return {kind: seconds * share for kind, seconds in self._seconds.items()}


@dataclass(slots=True)
class PassRunner:
    """Runs passes of a plan; gathers what was encoded by the track's name."""

    plan: RenderPlan
    render_threads: RenderThreads
    grabs: FrameGrabs
    packet_files: dict[str, list[PacketFile]] = field(default_factory=dict)
    work: WorkTally = field(default_factory=WorkTally)
    """Told of each pass."""
    has_composed: bool = False
    """Whether every frame has passed."""
    _spent: TimeSpent = field(default_factory=TimeSpent)
    _costs: Sequence[float] = ()
    _done: int = 0
    _of: int = 0
    _frames: int = 0

    def run(self, run: Pass) -> None:
        """Compose and encode.

        Raises:
            PermanentError: a source cannot be used.
            CancelledError: the render was stopped.
        """
        plan = self.plan
        segments = plan.segments
        if run.whole:
            segments = (Segment(plan.spans, sum(segment.cost for segment in segments)),)
        side_by_side, threads = share_threads(plan, run.tracks, segments)
        self._spent, started = TimeSpent(), time.monotonic()
        encoded = self._encode_all(run, list(enumerate(segments)), side_by_side, threads)
        self.work.add_pass(run.planned_s(plan), self._spent.seconds, time.monotonic() - started)
        self.grabs, self.has_composed = FrameGrabs(), True  # what was wanted has passed
        for track in run.tracks:
            packet_files = [packet_files[track.name] for packet_files in encoded if track.name in packet_files]
            if not run.is_last:
                for packet_file in packet_files:
                    packet_file.path.unlink()
            else:
                self.packet_files[track.name] = packet_files
        if run.is_last:
            for left in plan.scratch.glob("*.stats*"):
                left.unlink()

    def run_one(self, run: Pass, number: int, threads: int) -> dict[str, PacketFile]:
        """Make one segment of a pass, with so many threads for each encoder; return its packets by the track's name.

        Raises:
            PermanentError: a source cannot be used.
            CancelledError: the render was stopped.
        """
        [encoded] = self._encode_all(run, [(number, self.plan.segments[number])], 1, threads)
        return encoded

    def adopt(self, run: Pass, made: Mapping[str, list[PacketFile]]) -> None:
        """Take a pass for done whose segments were made elsewhere."""
        self.packet_files.update(made)
        self.render_threads.tally.add(run.cost(self.plan))

    def _encode_all(
        self, run: Pass, segments: Sequence[tuple[int, Segment]], side_by_side: int, threads: int
    ) -> list[dict[str, PacketFile]]:
        self._costs = self._costs or frame_costs(self.plan.spans)
        shown = (run.tracks[0].rate.segment(segment) for _, segment in segments)
        self._done, self._of = 0, max(1, sum(segment.frames for segment in shown if segment is not None))
        self._frames = sum(segment.frames for _, segment in segments)
        scene = Scene(self.plan.composition, [span for _, segment in segments for span in segment.spans])
        try:
            works = [partial(self._encode, run, scene, number, segment, threads) for number, segment in segments]
            return self.render_threads.run(works, side_by_side, self._say(time.monotonic()))
        finally:
            scene.close()

    def _say(self, started: float) -> Callable[[], str]:
        total = self._frames

        def say() -> str:
            done = self._done * total // self._of
            rate = done / max(time.monotonic() - started, 1e-3)
            return f"frame {done} of {total}, {rate:.0f} fps"

        return say

    def _encode(self, run: Pass, scene: Scene, number: int, segment: Segment, threads: int) -> dict[str, PacketFile]:
        """Encode one segment for every track of a pass."""
        canvas = self.plan.canvas
        scaler = Scaler((canvas.width, canvas.height))
        with ExitStack() as stack:
            encoders: list[tuple[VideoTrack, SegmentEncoder]] = []
            for track in run.tracks:
                shown = track.rate.segment(segment)
                if shown is not None:
                    encoder = self._encoder(run, track, shown, number, threads)
                    encoders.append((track, stack.enter_context(encoder)))
            at, watch = segment.start, _StopWatch(segment.spans)
            for picture, count in scene.compose(segment.spans):
                self.render_threads.check_cancelled()
                self._write(encoders, scaler, at, picture, count)
                watch.lap(at)
                at += count
            made = {track.name: encoder.close() for track, encoder in encoders}
            self._spent.add(watch.spent_s())
            return made

    def _write(
        self,
        encoders: Sequence[tuple[VideoTrack, SegmentEncoder]],
        scaler: Scaler,
        at: int,
        picture: Picture,
        count: int,
    ) -> None:
        scaler.show(picture)
        self.grabs.show(at, count, picture)
        for track, encoder in encoders:
            if frames := track.rate.count(at, count):
                encoder.write(scaler.at(track.size), frames)
        self.render_threads.tally.add(COMPOSE_COST * count)

    def _encoder(self, run: Pass, track: VideoTrack, segment: Segment, number: int, threads: int) -> SegmentEncoder:
        weight = _weight(self.plan, run, track) * float(track.rate.timeline.fps / track.settings.fps)
        leads = track is run.tracks[0]

        def done(frame: int, share: float) -> None:
            # Half of a frame's cost counts when the encoder is given it: it looks ahead, so the first is done late.
            self.render_threads.tally.add(self._costs[track.rate.shown(frame)] * weight * share)

        def given(frame: int) -> None:
            done(frame, 0.5)

        def finished(frame: int) -> None:
            done(frame, 0.5)
            if leads:
                self._done += 1

        settings = track.settings
        if run.number and settings.two_pass:
            stats = str(self.plan.scratch / f"{track.name}.stats")
            settings = replace(settings, pass_number=run.number, stats=stats)
        return SegmentEncoder(
            settings,
            segment,
            threads,
            self._path(track, number),
            on_given=given,
            on_frame=finished,
            stopped=self.render_threads.stopped,
        )

    def _path(self, track: VideoTrack, number: int) -> Path:
        return self.plan.scratch / packet_file_name(track.name, number)
