"""Says in words which way a span is made, and why no cheaper one would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_worker.plan.above import phases
from videojob_worker.plan.spans import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_worker.plan.spans import Span
    from videojob_worker.project import Project


def why(project: Project, span: Span) -> str:
    """Explain a span: how its pictures come about, what makes them change, and what that means for the encoder."""
    what = _transition(project, span) if len(span.clips) > 1 else _clip(project, span.clips[0])
    parts = [what, *_above(project, span)]
    return f"{'; '.join(parts)}: {_WAYS[span.kind]}"


_WAYS = {
    Kind.STILL: "one picture, made once and encoded once, then repeated as skips",
    Kind.BLEND: "each frame is blended from two pictures that are at hand",
    Kind.ANIMATED: "each frame is drawn and encoded",
    Kind.DECODED: "each frame is decoded and encoded",
    Kind.EFFECT: "each frame goes through MoviePy and is encoded",
}


def _clip(project: Project, index: int) -> str:
    clip = project.clips[index]
    name = f"clip {index} ({clip.kind})"
    changes = []
    if clip.video is not None:
        changes += ["is a video", *_video(project, index)]
    elif clip.image is not None and project.facts[clip.image.uri].kind == "animation":
        changes.append("is an animation")
    if clip.motion is not None:
        changes.append("moves")
    if clip.effects:
        changes.append(f"has {_and([f'effect {effect.name}' for effect in clip.effects])}")
    return f"{name} {_and(changes) if changes else 'stands still'}"


def _video(project: Project, index: int) -> Iterator[str]:
    """How a video is played, where that is not as it is."""
    video = project.clips[index].video
    if video is None:
        return
    facts = project.facts[video.uri]
    if video.speed != 1:
        yield f"plays at {video.speed:g}x"
    if video.reverse:
        yield "plays backwards"
    if video.loop:
        yield "repeats"
    if facts.fps is not None and facts.fps != project.timeline.fps:
        yield f"has {float(facts.fps):.5g} frames a second for {float(project.timeline.fps):.5g}"


def _transition(project: Project, span: Span) -> str:
    transition = project.clips[span.clips[1]].transition
    name = transition.type if transition is not None else "cut"
    return f"{name} between " + " and ".join(_clip(project, index) for index in span.clips)


def _above(project: Project, span: Span) -> Iterator[str]:
    """What lies over the clips in a span."""
    for place in span.overlays:
        placed = project.overlays[place]
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
