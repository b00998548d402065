"""Segments of a job made apart: described here, made by as many processes as there are, joined by another.

What needs the whole timeline in one encoder, sound, posters and what is put together of it all are made where the
segments are joined. The bytes of the outputs are those of a render that does everything itself, with as many threads
for each encoder.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.status import Stage
from videojob_worker.encode.packet_file import PacketFile
from videojob_worker.encode.sealed_packets import open_sealed, seal
from videojob_worker.outputs.frame_grabs import FrameGrabs
from videojob_worker.outputs.passes import PassRunner, packet_file_name, segmented_pass, share_threads
from videojob_worker.outputs.render import render_outputs
from videojob_worker.outputs.thread_pool import RenderThreads
from videojob_worker.plan.render_plan import RenderPlan
from videojob_worker.plan.segment_descriptions import Digests, SegmentDescription, describe_segment
from videojob_worker.progress import Meter
from videojob_worker.request import RenderedOutput


def describe_parts(plan: RenderPlan) -> list[SegmentDescription]:
    """Describe the segments of a plan, in order; none where nothing is encoded in segments."""
    run = segmented_pass(plan)
    if run is None:
        return []
    _, encoder_threads = share_threads(plan, run.tracks, plan.segments)
    digests = Digests(plan)
    return [
        describe_segment(plan, number, run.tracks, encoder_threads, digests) for number in range(len(plan.segments))
    ]


def render_segment(
    plan: RenderPlan, wanted: SegmentDescription, meter: Callable[[float], Meter], cancelled: Callable[[], bool]
) -> list[Path]:
    """Make one segment, as it is described; return a packet file for each track that has frames in it.

    Args:
        plan: the job, planned here.
        wanted: the description.
        meter: makes a meter for a predicted cost.
        cancelled: asked several times a second whether to stop.

    Raises:
        PermanentError: it would be another segment here, or a source cannot be used.
        CancelledError: `cancelled` said so.
    """
    run = segmented_pass(plan)
    if run is None or not 0 <= wanted.number < len(plan.segments):
        raise PermanentError(f"segment {wanted.number} is none of this job's", Reason.INVALID_SPEC)
    segment = plan.segments[wanted.number]
    wanted.check(describe_segment(plan, wanted.number, run.tracks, wanted.encoder_threads, Digests(plan)))
    alone = replace(plan, segments=(segment,))
    with RenderThreads(meter(run.cost(alone)), cancelled) as render_threads:
        render_threads.meter.enter(Stage.RENDERING, f"segment {wanted.number + 1} of {len(plan.segments)}")
        made = PassRunner(plan, render_threads, FrameGrabs()).run_one(run, wanted.number, wanted.encoder_threads)
    return [seal(packet_file, wanted.digest) for packet_file in made.values()]


def join_segments(
    plan: RenderPlan,
    made: Sequence[SegmentDescription],
    folder: Path,
    meter: Meter,
    cancelled: Callable[[], bool],
) -> list[RenderedOutput]:
    """Make every output of segments that are made, and check it.

    Args:
        plan: the job, planned here.
        made: the descriptions of all segments, in order.
        folder: where their packet files are, named as `render_segment` names them; they are deleted.
        meter: told of the progress.
        cancelled: asked several times a second whether to stop.

    Raises:
        PermanentError: the segments are not those of this job, or a packet file is damaged or another's; and what
            `render_outputs` raises.
    """
    return render_outputs(plan, meter, cancelled, _opened(plan, made, folder))


def _opened(plan: RenderPlan, made: Sequence[SegmentDescription], folder: Path) -> dict[str, list[PacketFile]]:
    run = segmented_pass(plan)
    expected = 0 if run is None else len(plan.segments)
    if [each.number for each in made] != list(range(expected)):
        raise PermanentError(
            f"the job has {expected} segments, and these are {[each.number for each in made]}", Reason.INVALID_SPEC
        )
    packet_files: dict[str, list[PacketFile]] = {}
    if run is None:
        return packet_files
    digests = Digests(plan)
    for each in made:
        each.check(describe_segment(plan, each.number, run.tracks, each.encoder_threads, digests))
        for track in each.tracks:
            path = folder / packet_file_name(track.name, each.number)
            packet_files.setdefault(track.name, []).append(open_sealed(path, each.digest, track.numbers))
    return packet_files
