"""The formats of outputs, one file each: what planning, rendering and explaining know of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from videojob_contract.resources.outputs import Format
from videojob_worker.outputs.formats.base import OutputFormat
from videojob_worker.outputs.formats.gif import GifOutput
from videojob_worker.outputs.formats.hls import HlsOutput
from videojob_worker.outputs.formats.sound import M4aOutput, Mp3Output
from videojob_worker.outputs.formats.sprite import SpriteOutput
from videojob_worker.outputs.formats.still import JpgOutput, PngOutput
from videojob_worker.outputs.formats.video import Mp4Output, WebmOutput
from videojob_worker.outputs.formats.webp import WebpOutput
from videojob_worker.plan.render_plan import RenderPlan

FORMATS: Final[Mapping[Format, type[OutputFormat]]] = {
    Format.MP4: Mp4Output,
    Format.WEBM: WebmOutput,
    Format.GIF: GifOutput,
    Format.WEBP: WebpOutput,
    Format.HLS: HlsOutput,
    Format.MP3: Mp3Output,
    Format.M4A: M4aOutput,
    Format.JPG: JpgOutput,
    Format.PNG: PngOutput,
    Format.SPRITE: SpriteOutput,
}


def plan_outputs(plan: RenderPlan) -> RenderPlan:
    """Resolve the outputs of a plan, whose defaults are filled in.

    Raises:
        PermanentError: one cannot be made; the message names the field.
    """
    planned = (
        FORMATS[spec.format].resolve(f"spec.outputs[{index}]", spec, plan)
        for index, spec in enumerate(plan.settings.spec.outputs or [])
    )
    return replace(plan, outputs=tuple(planned))


def formats_of(plan: RenderPlan) -> list[OutputFormat]:
    """Return every output of a plan in its format, in the spec's order."""
    return [FORMATS[output.spec.format](output, plan) for output in plan.outputs]
