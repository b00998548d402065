"""Turns spans into pictures: a still once with its number of frames, a blend frame by frame."""

from collections.abc import Iterable, Iterator

import numpy as np

from videojob_worker.compose.color import Picture, from_rgb, parse_color, solid
from videojob_worker.compose.fit import fit_image
from videojob_worker.compose.stills import Stills
from videojob_worker.compose.transitions import TRANSITIONS
from videojob_worker.media.image import load_image
from videojob_worker.plan.spans import Blend, Span, Still
from videojob_worker.project import Project

_DEFAULT_THROUGH = "#000000"


def make_still(project: Project, index: int) -> Picture:
    """Make the picture of an image or colour clip.

    Raises:
        PermanentError: its source cannot be used.
    """
    clip, look = project.clips[index], project.look
    size = (look.width, look.height)
    if index not in project.images:
        return solid(clip.color or look.background, *size)
    image = load_image(project.images[index], size)
    return from_rgb(fit_image(image, size, clip.fit, clip.anchor, parse_color(look.background)))


def stills_of(project: Project, spans: Iterable[Span]) -> Stills:
    """Return the pictures that spans show, to be made when they are needed."""
    return Stills(lambda index: make_still(project, index), spans)


def compose(project: Project, spans: Iterable[Span], stills: Stills) -> Iterator[tuple[Picture, int]]:
    """Yield pictures and for how many frames each is shown; each is valid until the next is asked for."""
    buffer = np.empty((project.look.height * 3 // 2, project.look.width), np.uint8)
    for span in spans:
        with stills.of(span) as pictures:
            if isinstance(span, Still):
                yield pictures[0], span.frames
            else:
                yield from _blend(project, span, pictures, buffer)


def _blend(project: Project, span: Blend, pictures: list[Picture], buffer: Picture) -> Iterator[tuple[Picture, int]]:
    transition = project.clips[span.clip].transition
    if transition is None:
        raise AssertionError(f"clip {span.clip} overlaps the one before it without a transition")
    render = TRANSITIONS[transition.type]
    through = solid(transition.color or _DEFAULT_THROUGH, project.look.width, project.look.height)
    before, after = pictures
    for frame in range(span.frames):
        # As in ffmpeg's xfade, the first frame is wholly the old clip, and the first after the span the new.
        render(before, after, frame / span.frames, through, buffer)
        yield buffer, 1
