"""Says in words which way a span is made, and why no cheaper one would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_worker.compose.clips import clip_kind
from videojob_worker.plan.copies import is_copied
from videojob_worker.timeline.overlays import phases
from videojob_worker.timeline.spans import SpanKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_worker.plan.render_plan import RenderPlan
    from videojob_worker.timeline.spans import Span


def why(plan: RenderPlan, span: Span) -> str:
    """Explain a span: what is seen, what makes it change, and what that means."""
    if is_copied(plan):
        return f"{_seen(plan, span)}: taken as it is, neither decoded nor encoded"
    parts = [_seen(plan, span), *_above(plan, span)]
    return f"{'; '.join(parts)}: {_WAYS[span.kind]}"


_WAYS = {
    SpanKind.STILL: "one picture, made once and encoded once, then repeated as skips",
    SpanKind.BLEND: "each frame is blended from two pictures at hand; in H.264, B frames between references of both",
    SpanKind.ANIMATED: "each frame is drawn and encoded",
    SpanKind.DECODED: "each frame is decoded and encoded",
    SpanKind.EFFECT: "each frame goes through MoviePy and is encoded",
}


def _seen(plan: RenderPlan, span: Span) -> str:
    """The clip of a span and what it does, or the transition between two."""
    clips = [(f"clip {index} ({plan.clips[index].kind})", _clip(plan, index)) for index in span.clips]
    if len(clips) == 1:
        return " ".join(clips[0])
    (before, before_does), (after, after_does) = clips
    transition = plan.clips[span.clips[1]].transition
    name = transition.type if transition is not None else "cut"
    if before_does == after_does:
        return f"{name} from {before} to {after}, each of which {after_does}"
    return f"{name} from {before}, which {before_does}, to {after}, which {after_does}"


def _clip(plan: RenderPlan, index: int) -> str:
    """What a clip does."""
    clip = plan.clips[index]
    does = [*clip_kind(clip, plan.sources.probed).does(plan.timeline.fps)]
    if clip.motion is not None:
        does.append("moves")
    if clip.effects:
        does.append(f"has {_and([f'effect {effect.name}' for effect in clip.effects])}")
    return _and(does) if does else "stands still"


def _above(plan: RenderPlan, span: Span) -> Iterator[str]:
    """What lies over the clips in a span."""
    for place in span.overlays:
        placed = plan.overlays[place]
        part = next(part for part in phases(placed) if part.start <= span.start < part.end)
        name = f"overlay {placed.number}"
        if placed.moving:
            yield f"{name} moves"
        elif not part.moving:
            yield f"{name} lies over it"
        else:
            yield f"{name} fades {'in' if span.start < placed.start + placed.fade_in else 'out'}"
    if span.captions:
        yield "subtitles are drawn"


def _and(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
