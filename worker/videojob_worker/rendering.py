"""Renders a job: check the sources, plan, make each output, verify it."""

from collections.abc import Callable
from typing import Final

from PIL import Image

from videojob_contract.assignment import Progress
from videojob_contract.errors import CancelledError
from videojob_contract.resources.status import Stage
from videojob_contract.resources.uris import Use, iter_uris
from videojob_worker.engine import RenderedOutput, RenderRequest
from videojob_worker.media.probe import Facts, probe_picture, probe_sound, probe_video
from videojob_worker.media.source import Source
from videojob_worker.movie import movie_cost, render_movie
from videojob_worker.plan.describe import describe
from videojob_worker.plan.report import Plan
from videojob_worker.poster import POSTER_COST, write_poster
from videojob_worker.progress import Meter
from videojob_worker.project import build_project
from videojob_worker.verify import verify_picture

_PROBES: Final = {".image.uri": probe_picture, ".video.uri": probe_video, "spec.audio.tracks[": probe_sound}
"""What a source has to be, by a part of its field's path; fonts and subtitles are read by those who draw them."""


def preload() -> None:
    """Load what Pillow loads when it opens its first picture; all else is loaded with this module."""
    Image.init()


def render(
    request: RenderRequest, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> list[RenderedOutput]:
    """Do the work of `engine.render`."""
    project = build_project(request, probe_sources(request, on_progress, cancelled))
    costs = [POSTER_COST if output.settings is None else movie_cost(project) for output in project.outputs]
    meter = Meter(sum(costs), on_progress)
    look, timeline = project.look, project.timeline
    rendered: list[RenderedOutput] = []
    for output, cost in zip(project.outputs, costs, strict=True):
        if cancelled():
            raise CancelledError("the render was cancelled")
        frames = length_s = None
        if output.settings is not None:
            render_movie(project, output, output.settings, meter, cancelled)
            frames, length_s = timeline.frames, timeline.frames / timeline.fps
        else:
            write_poster(project, output)
            verify_picture(output.path, look.width, look.height)
        rendered.append(RenderedOutput(output.name, output.path, look.width, look.height, frames, length_s))
        meter.finish(cost)
    return rendered


def plan(request: RenderRequest, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Plan:
    """Do the work of `engine.plan`."""
    return describe(build_project(request, probe_sources(request, on_progress, cancelled)))


def probe_sources(
    request: RenderRequest, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> dict[str, Facts]:
    """Open every picture, video and sound once before any work, so that what is wrong with the last is said at once.

    Raises:
        PermanentError: a source cannot be used; the message names it.
        CancelledError: `cancelled` said so.
    """
    on_progress(Progress(stage=Stage.INITIALIZING, percent=0.0, message="checking sources"))
    facts: dict[str, Facts] = {}
    probed: set[tuple[object, str]] = set()
    for field, uri, use in iter_uris(request.spec):
        probe = next((probe for part, probe in _PROBES.items() if part in field), None)
        if use is not Use.SOURCE or probe is None or (probe, uri) in probed:
            continue
        if cancelled():
            raise CancelledError("the render was cancelled")
        probed.add((probe, uri))
        facts.setdefault(uri, probe(Source(field, uri, request.sources[uri])))
    return facts
