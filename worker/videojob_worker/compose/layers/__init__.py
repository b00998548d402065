"""Opens the layer of a clip: the one place that knows which kind of clip is made by what."""

from PIL import Image

from videojob_worker.compose.color import from_rgb, parse_color, solid
from videojob_worker.compose.fit import fit_image
from videojob_worker.compose.layers.base import Layer, StillLayer
from videojob_worker.media.image import load_image
from videojob_worker.project import Project
from videojob_worker.text.title import draw_title


def open_layer(project: Project, index: int) -> Layer:
    """Open the layer of a clip, by its number.

    Raises:
        PermanentError: its source cannot be used.
    """
    clip, look = project.clips[index], project.look
    size = (look.width, look.height)
    field = f"spec.clips[{index}]"
    if clip.image is not None:
        image = load_image(project.source(f"{field}.image.uri", clip.image.uri), size)
        return StillLayer(from_rgb(fit_image(image, size, clip.fit, clip.anchor, parse_color(look.background))))
    if clip.title is not None:
        canvas = Image.new("RGB", size, clip.title.background or look.background)
        text = Image.fromarray(draw_title(clip.title, *size, project.fonts, clip.anchor))
        canvas.paste(text, mask=text)
        return StillLayer(from_rgb(canvas))
    return StillLayer(solid(clip.color or look.background, *size))
