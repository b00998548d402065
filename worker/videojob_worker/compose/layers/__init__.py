"""Opens the layer of a clip: the one place that knows which kind of clip is made by what."""

from PIL import Image

from videojob_contract.effects import effects_are_still
from videojob_worker.compose.layers.animation import AnimationLayer
from videojob_worker.compose.layers.base import Layer, StillLayer
from videojob_worker.compose.layers.effects import EffectLayer
from videojob_worker.compose.layers.motion import move_image, move_layer
from videojob_worker.compose.layers.video import VideoLayer
from videojob_worker.media.image import load_image
from videojob_worker.pixels.fit import fit_image
from videojob_worker.pixels.gradient import gradient
from videojob_worker.pixels.yuv import from_rgb, parse_color, solid
from videojob_worker.plan.render_plan import RenderPlan
from videojob_worker.text.title import draw_title


def open_layer(project: RenderPlan, index: int) -> Layer:
    """Open the layer of a clip, by its number.

    Raises:
        PermanentError: its source cannot be used.
    """
    clip, canvas, frames = project.clips[index], project.canvas, project.timeline.clips[index].frames
    layer = _open_moving(project, index)
    if not clip.effects:
        return layer
    field = f"spec.clips[{index}].effects"
    changed = EffectLayer(layer, clip.effects, field, frames=frames, fps=project.timeline.fps, canvas=canvas)
    if isinstance(layer, StillLayer) and effects_are_still(clip.effects):
        return StillLayer(next(changed.pictures(0, 1)))
    return changed


def _open_moving(project: RenderPlan, index: int) -> Layer:
    """Open what a clip is without effects."""
    clip, canvas, frames = project.clips[index], project.canvas, project.timeline.clips[index].frames
    if clip.motion is None:
        return _open_itself(project, index)
    if clip.image is not None and (facts := project.sources.facts[clip.image.uri]).kind == "image":
        source = project.sources.source(f"spec.clips[{index}].image.uri", clip.image.uri)
        return move_image(source, facts, clip.motion, clip, frames=frames, canvas=canvas)
    return move_layer(_open_itself(project, index), clip.motion, clip, frames=frames, canvas=canvas)


def _open_itself(project: RenderPlan, index: int) -> Layer:
    """Open what a clip is without motion."""
    clip, canvas = project.clips[index], project.canvas
    size = canvas.size
    field = f"spec.clips[{index}]"
    if clip.video is not None:
        return VideoLayer(
            project.sources.source(f"{field}.video.uri", clip.video.uri),
            project.sources.facts[clip.video.uri],
            clip.video,
            canvas,
            fit=clip.fit,
            anchor=clip.anchor,
            frames=project.timeline.clips[index].frames,
            fps=project.timeline.fps,
        )
    if clip.image is not None:
        source = project.sources.source(f"{field}.image.uri", clip.image.uri)
        if project.sources.facts[clip.image.uri].kind == "animation":
            return AnimationLayer(source, canvas, fit=clip.fit, anchor=clip.anchor, fps=project.timeline.fps)
        image = load_image(source, size)
        return StillLayer(from_rgb(fit_image(image, size, clip.fit, clip.anchor, parse_color(canvas.background))))
    if clip.title is not None:
        card = Image.new("RGB", size, clip.title.background or canvas.background)
        text = Image.fromarray(draw_title(clip.title, *size, project.fonts, clip.anchor))
        card.paste(text, mask=text)
        return StillLayer(from_rgb(card))
    if clip.gradient is not None:
        return StillLayer(gradient(clip.gradient, *size))
    return StillLayer(solid(clip.color or canvas.background, *size))
