"""Renders a job: check the sources, plan, make each output, verify it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from PIL import AvifImagePlugin, Image, TiffImagePlugin, WebPImagePlugin  # noqa: F401 - they register themselves

from videojob_contract.assignment import Progress
from videojob_contract.errors import CancelledError
from videojob_contract.inspection import Frames, ProbeReport
from videojob_contract.plan_report import Plan
from videojob_contract.resources.status import Stage
from videojob_contract.resources.uris import Use, iter_uris
from videojob_contract.semantics.damage import on_damage_of
from videojob_worker.allocator import return_large_buffers
from videojob_worker.compose.clips import PROBES
from videojob_worker.explain.describe import describe
from videojob_worker.media.probe import ProbedSource, probe_narration, probe_sound
from videojob_worker.media.probed import ProbedSources
from videojob_worker.outputs import segments
from videojob_worker.outputs.formats import plan_outputs
from videojob_worker.outputs.preview import Preview, make_preview
from videojob_worker.outputs.render import cost_of, render_outputs
from videojob_worker.plan.copies import choose_copies
from videojob_worker.plan.render_plan import RenderPlan, build_render_plan
from videojob_worker.plan.segment_descriptions import SegmentDescription
from videojob_worker.probing import report_source
from videojob_worker.progress import Meter
from videojob_worker.request import RenderedOutput, RenderRequest
from videojob_worker.unforeseen import naming_failures

_PROBES: Final = {**PROBES, ".narration.uri": probe_narration, "spec.audio.tracks[": probe_sound}
"""What a source has to be, by a part of its field's path; fonts and subtitles are read by those who draw them."""


def preload() -> None:
    """Load what Pillow loads when it opens its first picture, all else being loaded with this module; set up memory.

    Not `Image.init()`: of the forty formats that it loads, those that are read here come with this or this module.
    """
    Image.preinit()
    return_large_buffers()


def render(
    request: RenderRequest, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> list[RenderedOutput]:
    """Do the work of `engine.render`."""
    plan = _plan(request, on_progress, cancelled)
    return render_outputs(plan, Meter(cost_of(plan), on_progress), cancelled, work=request.work)


def describe_segments(
    request: RenderRequest, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> list[str]:
    """Do the work of `engine.describe_segments`."""
    described = segments.describe_parts(_plan(request, on_progress, cancelled))
    return [description.model_dump_json(by_alias=True) for description in described]


def render_segment(
    request: RenderRequest, description: str, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> list[Path]:
    """Do the work of `engine.render_segment`."""
    wanted, plan = SegmentDescription.parse(description), _plan(request, on_progress, cancelled)
    return segments.render_segment(plan, wanted, lambda cost: Meter(cost, on_progress), cancelled)


def join_segments(
    request: RenderRequest,
    descriptions: Sequence[str],
    folder: Path,
    on_progress: Callable[[Progress], None],
    cancelled: Callable[[], bool],
) -> list[RenderedOutput]:
    """Do the work of `engine.join_segments`."""
    made, plan = list(map(SegmentDescription.parse, descriptions)), _plan(request, on_progress, cancelled)
    return segments.join_segments(plan, made, folder, Meter(cost_of(plan), on_progress), cancelled)


def plan(request: RenderRequest, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Plan:
    """Do the work of `engine.plan`."""
    return describe(_plan(request, on_progress, cancelled))


def preview(
    request: RenderRequest, frames: Frames, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> Preview:
    """Do the work of `engine.preview`."""
    plan = build_render_plan(request, probe_sources(request, on_progress, cancelled))
    return make_preview(plan, frames, cancelled)


def probe(request: RenderRequest) -> ProbeReport:
    """Do the work of `engine.probe`."""
    return report_source(request)


def _plan(request: RenderRequest, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> RenderPlan:
    plan = build_render_plan(request, probe_sources(request, on_progress, cancelled))
    return choose_copies(plan_outputs(plan), cancelled)


def probe_sources(
    request: RenderRequest, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> dict[str, ProbedSource]:
    """Open every picture, video and sound once before any work, so that what is wrong with the last is said at once.

    Raises:
        PermanentError: a source cannot be used; the message names it.
        CancelledError: `cancelled` said so.
    """
    on_progress(Progress(stage=Stage.INITIALIZING, percent=0.0, message="checking sources"))
    probed: dict[str, ProbedSource] = {}
    opened: set[tuple[object, str]] = set()
    sources = ProbedSources(request.sources, probed, request.warnings, on_damage_of(request.settings.spec))
    for field, uri, use in iter_uris(request.settings.spec):
        probe = next((probe for part, probe in _PROBES.items() if part in field), None)
        if use is not Use.SOURCE or probe is None or (probe, uri) in opened:
            continue
        if cancelled():
            raise CancelledError("the render was cancelled")
        opened.add((probe, uri))
        source = sources.source(field, uri)
        with naming_failures(source.name):
            found = probe(source)
        probed[uri] = probed[uri].used_as_well(found) if uri in probed else found
    return probed
