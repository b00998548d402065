"""Filling in defaults: the job's own value, else its pool's, else the built-in one.

The API server fills in only what does not depend on the pool. What it leaves out is filled in here, once,
when an attempt is assigned, so that a worker never has to know a default.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from videojob_contract.assignment import SourceLimits
from videojob_contract.problems import Problem, SpecError
from videojob_contract.resources.outputs import Format, Output, Quality
from videojob_contract.resources.timeline import Canvas, Clip
from videojob_contract.resources.uris import iter_uris, redact_uri
from videojob_contract.resources.videojob import Retry, VideoJobSpec
from videojob_contract.semantics import DEFAULT_TRANSITION, check, timeline_length
from videojob_contract.semantics.places import place_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.renderpool import PoolDefaults, RenderPoolSpec

DEFAULT_CANVAS = Canvas(width=1920, height=1080, fps=Fraction(30), background="#000000")
DEFAULT_DEADLINE = Fraction(30 * 60)
SOFT_DEADLINE_SHARE = Fraction(5, 6)
DEFAULT_OUTPUTS = (Output(name="main", format=Format.MP4), Output(name="poster", format=Format.JPG))
FADE_COLOR = "#000000"
_HALF_A_FRAME = Fraction(1, 2)  # what rounds to a frame


def resolve(spec: VideoJobSpec, pool: RenderPoolSpec, *, namespace: str, name: str) -> VideoJobSpec:
    """Return the spec with every default filled in and a URI for each output.

    `ttl_after_finished` stays None when neither job nor pool has one; a poster's `at`, because its default
    needs the timeline's length; an output's size and rate, when they are the canvas'. Resolving twice
    changes nothing.

    Raises:
        SpecError: with all problems that show only with the pool known.
    """
    defaults = pool.defaults
    deadline = spec.deadline or (defaults and defaults.deadline) or DEFAULT_DEADLINE
    resolved = spec.model_copy(
        update={
            "canvas": resolve_canvas(spec.canvas, defaults),
            "deadline": deadline,
            "soft_deadline": spec.soft_deadline or _whole_ms(deadline * SOFT_DEADLINE_SHARE),
            "retry": spec.retry or (defaults and defaults.retry) or Retry(),
            "ttl_after_finished": _ttl(spec, defaults),
            "parameters": None,  # they have been put in place
            "template_ref": None,  # and this is its timeline
            "clips": [_resolve_clip(clip) for clip in spec.clips],
            "outputs": resolve_outputs(spec, pool, namespace=namespace, name=name),
        }
    )
    problems = [*check(resolved), *_length(resolved), *_pool_problems(resolved, pool)]
    if problems:
        raise SpecError(problems)
    return resolved


def terms_of(pool: RenderPoolSpec) -> str:
    """Return a digest of all in a pool that assignments are made and ordered by: with another, they are made anew."""
    said = pool.model_dump_json(include={"defaults", "volumes", "storage", "encoding", "order"})
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def fields_of_pool(pool: RenderPoolSpec) -> dict[str, Any]:
    """Return the fields of an assignment that are its pool's: what sources may be, its stores, uploads and encoding."""
    sources = SourceLimits(
        allow_private_networks=pool.storage.allow_private_networks,
        allow_hosts=pool.storage.allow_hosts,
        max_source_bytes=pool.storage.max_source_bytes,
    )
    storage = pool.storage
    return {"sources": sources, "objects": storage.objects, "uploads": storage.uploads, "encoding": pool.encoding}


def resolve_outputs(spec: VideoJobSpec, pool: RenderPoolSpec, *, namespace: str, name: str) -> list[Output]:
    """Return the outputs with all defaults but the canvas'; without a URI where the pool has no prefix."""
    return [_resolve_output(output, pool, f"{namespace}/{name}") for output in spec.outputs or DEFAULT_OUTPUTS]


def resolve_canvas(canvas: Canvas | None, defaults: PoolDefaults | None) -> Canvas:
    """Return a canvas with nothing unset: field by field the job's, the pool's or the built-in one."""
    layers = [canvas, defaults and defaults.canvas, DEFAULT_CANVAS]
    return Canvas(
        **{
            field: next(value for layer in layers if layer and (value := getattr(layer, field)) is not None)
            for field in Canvas.model_fields
        }
    )


def _ttl(spec: VideoJobSpec, defaults: PoolDefaults | None) -> Fraction | None:
    if spec.ttl_after_finished is not None or defaults is None:
        return spec.ttl_after_finished
    return defaults.ttl_after_finished


def _whole_ms(seconds: Fraction) -> Fraction:
    return Fraction(max(1, round(seconds * 1000)), 1000)


def _resolve_clip(clip: Clip) -> Clip:
    update: dict[str, object] = {}
    if clip.duration is None and clip.video is not None:
        update["duration"] = "auto"
    if (transition := clip.transition) is not None:
        length = Fraction(0) if transition.type == "cut" else DEFAULT_TRANSITION
        color = FADE_COLOR if transition.type == "fade" else None
        update["transition"] = transition.model_copy(
            update={
                "duration": length if transition.duration is None else transition.duration,
                "color": transition.color or color,
            }
        )
    return clip.model_copy(update=update) if update else clip


def _resolve_output(output: Output, pool: RenderPoolSpec, folder: str) -> Output:
    quality = output.quality or (pool.defaults and pool.defaults.quality) or Quality.STANDARD
    codec = next(iter(output.format.codecs), None)
    uri = output.uri
    if uri is None and pool.storage.output_prefix is not None:
        prefix = pool.storage.output_prefix.rstrip("/")
        uri = f"{prefix}/{folder}/{output.name}.{output.format.extension}"
    return output.model_copy(update={"quality": quality, "codec": output.codec or codec, "uri": uri})


def _length(spec: VideoJobSpec) -> Iterator[Problem]:
    length = timeline_length(spec)
    if length is not None and spec.canvas and spec.canvas.fps and length * spec.canvas.fps < _HALF_A_FRAME:
        yield Problem("spec.clips", f"are shorter than one frame at {spec.canvas.fps} frames a second")


def _pool_problems(spec: VideoJobSpec, pool: RenderPoolSpec) -> Iterator[Problem]:
    queues = [queue.name for queue in pool.queues]
    if spec.queue not in queues:
        yield Problem("spec.queue", f'pool "{spec.pool}" has no queue "{spec.queue}"; it has {", ".join(queues)}')
    for index, output in enumerate(spec.outputs or []):
        if output.uri is None:
            message = f'is required, because pool "{spec.pool}" has no storage.outputPrefix'
            yield Problem(f"spec.outputs[{index}].uri", message)
    for path, uri, use in iter_uris(spec):
        problem = place_problem(uri, use, pool, f'pool "{spec.pool}"', redact_uri(uri))
        if problem is not None:
            yield Problem(path, problem)
