"""Renders a job: check the sources, plan, make each output, verify it."""

from collections.abc import Callable

from PIL import Image

from videojob_contract.assignment import Progress
from videojob_contract.errors import CancelledError
from videojob_contract.resources.status import Stage
from videojob_worker.audio.decode import check_audio
from videojob_worker.engine import RenderedOutput, RenderRequest
from videojob_worker.media.image import check_image
from videojob_worker.movie import movie_cost, render_movie
from videojob_worker.poster import POSTER_COST, write_poster
from videojob_worker.progress import Meter
from videojob_worker.project import Project, build_project
from videojob_worker.verify import verify_picture


def preload() -> None:
    """Load what Pillow loads when it opens its first picture; all else is loaded with this module."""
    Image.init()


def render(
    request: RenderRequest, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> list[RenderedOutput]:
    """Do the work of `engine.render`."""
    project = build_project(request.spec, request.sources, request.scratch, request.threads)
    costs = [POSTER_COST if output.settings is None else movie_cost(project) for output in project.outputs]
    meter = Meter(sum(costs), on_progress)
    meter.enter(Stage.INITIALIZING, "checking sources")
    _check_sources(project, cancelled)
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


def _check_sources(project: Project, cancelled: Callable[[], bool]) -> None:
    """Open every source once before any work, so that what is wrong with the last one is said at once."""
    for source in project.images.values():
        if cancelled():
            raise CancelledError("the render was cancelled")
        check_image(source)
    for sound in project.sounds:
        check_audio(sound.source)
