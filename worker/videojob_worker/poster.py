"""Writes one frame of the timeline as a JPEG or PNG."""

from fractions import Fraction

from videojob_contract.resources.outputs import Format, Output
from videojob_worker.compose.color import to_rgb
from videojob_worker.compose.compositor import Scene
from videojob_worker.plan.timeline import Timeline
from videojob_worker.project import Project, ProjectOutput

POSTER_COST = 40.0
"""Predicted cost, in still frames."""
_JPEG_QUALITY = 90


def poster_frame(output: Output, timeline: Timeline) -> int:
    """Return which frame a poster shows: at `at`; else at 1 s, or in the middle of a shorter timeline."""
    at = output.at if output.at is not None else min(Fraction(1), timeline.length_s / 2)
    return timeline.frame_at(at)


def write_poster(project: Project, output: ProjectOutput) -> None:
    """Compose the frame and write it.

    Raises:
        PermanentError: a source cannot be used.
    """
    number = poster_frame(output.spec, project.timeline)
    span = next(span for span in project.spans if span.end > number)
    shown = span.start
    for picture, frames in Scene(project, [span]).compose([span]):
        shown += frames
        if shown > number:
            image = to_rgb(picture)
            break
    if output.spec.format is Format.JPG:
        # 4:4:4, because the picture's chroma has been halved once already.
        image.save(output.path, "JPEG", quality=_JPEG_QUALITY, subsampling=0, optimize=True)
    else:
        image.save(output.path, "PNG")
