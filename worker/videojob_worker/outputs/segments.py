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


def describe_parts(project: RenderPlan) -> list[SegmentDescription]:
    """Describe the segments of a project, in order; none where nothing is encoded in segments."""
    run = segmented_pass(project)
    if run is None:
        return []
    _, encoder_threads = share_threads(project, run.tracks, project.segments)
    digests = Digests(project)
    return [
        describe_segment(project, number, run.tracks, encoder_threads, digests)
        for number in range(len(project.segments))
    ]


def render_segment(
    project: RenderPlan, wanted: SegmentDescription, meter: Callable[[float], Meter], cancelled: Callable[[], bool]
) -> list[Path]:
    """Make one segment, as it is described; return a packet file for each track that has frames in it.

    Args:
        project: the job, planned here.
        wanted: the description.
        meter: makes a meter for a predicted cost.
        cancelled: asked several times a second whether to stop.

    Raises:
        PermanentError: it would be another segment here, or a source cannot be used.
        CancelledError: `cancelled` said so.
    """
    run = segmented_pass(project)
    if run is None or not 0 <= wanted.number < len(project.segments):
        raise PermanentError(f"segment {wanted.number} is none of this job's", Reason.INVALID_SPEC)
    segment = project.segments[wanted.number]
    wanted.check(describe_segment(project, wanted.number, run.tracks, wanted.encoder_threads, Digests(project)))
    alone = replace(project, segments=(segment,))
    with RenderThreads(meter(run.cost(alone)), cancelled) as crew:
        crew.meter.enter(Stage.RENDERING, f"segment {wanted.number + 1} of {len(project.segments)}")
        made = PassRunner(project, crew, FrameGrabs()).run_one(run, wanted.number, wanted.encoder_threads)
    return [seal(spool, wanted.digest) for spool in made.values()]


def join_segments(
    project: RenderPlan,
    made: Sequence[SegmentDescription],
    folder: Path,
    meter: Meter,
    cancelled: Callable[[], bool],
) -> list[RenderedOutput]:
    """Make every output of segments that are made, and check it.

    Args:
        project: the job, planned here.
        made: the descriptions of all segments, in order.
        folder: where their packet files are, named as `render_segment` names them; they are deleted.
        meter: told of the progress.
        cancelled: asked several times a second whether to stop.

    Raises:
        PermanentError: the segments are not those of this job, or a packet file is damaged or another's; and what
            `render_outputs` raises.
    """
    return render_outputs(project, meter, cancelled, _opened(project, made, folder))


def _opened(project: RenderPlan, made: Sequence[SegmentDescription], folder: Path) -> dict[str, list[PacketFile]]:
    run = segmented_pass(project)
    expected = 0 if run is None else len(project.segments)
    if [each.number for each in made] != list(range(expected)):
        raise PermanentError(
            f"the job has {expected} segments, and these are {[each.number for each in made]}", Reason.INVALID_SPEC
        )
    spools: dict[str, list[PacketFile]] = {}
    if run is None:
        return spools
    digests = Digests(project)
    for each in made:
        each.check(describe_segment(project, each.number, run.tracks, each.encoder_threads, digests))
        for track in each.tracks:
            path = folder / packet_file_name(track.name, each.number)
            spools.setdefault(track.name, []).append(open_sealed(path, each.digest, track.numbers))
    return spools
