"""Which sources must be whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.resources.damage import OnDamage

if TYPE_CHECKING:
    from videojob_contract.resources.timeline import Clip, Overlay
    from videojob_contract.resources.videojob import VideoJobSpec


def on_damage_of(spec: VideoJobSpec) -> dict[str, OnDamage]:
    """Return what becomes of each picture, video, narration and track when it is damaged, by URI.

    A URI that is used several times is opened once; it must be whole when one of its uses says so.
    """
    layers: list[Clip | Overlay] = [*spec.clips, *(spec.overlays or [])]
    pictures = [shown for layer in layers for shown in (layer.image, layer.video) if shown is not None]
    found: dict[str, OnDamage] = {}
    narrations = [clip.narration for clip in spec.clips if clip.narration is not None]
    for use in (*pictures, *narrations, *(spec.audio.tracks if spec.audio else [])):
        if found.get(use.uri) is not OnDamage.FAIL:
            found[use.uri] = use.on_damage
    return found
