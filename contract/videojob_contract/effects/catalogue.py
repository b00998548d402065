"""What is known of an effect beyond its signature: what it does, what its arguments may be, how long it leaves a clip.

An argument that is not named here has the type of its signature. To add an effect that a new MoviePy has: `make
generate`, and an entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from videojob_contract.effects.kinds import COLOR, ArgumentKind, choice, integer, number, numbers, path

Lengthen = Callable[[Fraction, Mapping[str, Fraction]], Fraction]
"""From a clip's length in seconds and an effect's numbers to the length that it leaves."""

Moves = Callable[[Mapping[str, object]], bool]
"""From an effect's arguments to whether each frame is another, though its clip stands still."""

SECONDS = number(low=0)
SOME_SECONDS = number(above=0)
PIXELS = number(low=0)
_SIDE = choice("left", "right", "top", "bottom")
_LARGEST = 8192


def _never(_: Mapping[str, object]) -> bool:
    return False


def _always(_: Mapping[str, object]) -> bool:
    return True


def _on_its_way(given: Mapping[str, object]) -> bool:
    return any(isinstance(given.get(name), list) for name in ("fx", "fy"))


@dataclass(frozen=True)
class EffectEntry:
    """What the catalogue says of one effect."""

    does: str
    """In a few words."""
    kinds: Mapping[str, ArgumentKind] = field(default_factory=dict)
    """What its arguments are, where the signature does not say."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Arguments that cannot be given, and why."""
    one_of: tuple[str, ...] = ()
    """Arguments of which one must be given."""
    length: Lengthen | None = None
    """How long it leaves a clip; None if as it was."""
    moves: Moves = _never
    """Whether a clip that stands still moves under it."""
    refused: str = ""
    """Why it cannot be used at all."""


_MASKS = {"apply_to": "is about the parts of a MoviePy clip; here there is the picture alone"}
_CLIP = "takes another clip, which a spec cannot give it"


def _multiplied(length: Fraction, given: Mapping[str, Fraction]) -> Fraction:
    return given.get("final_duration") or length / given["factor"]


def _looped(length: Fraction, given: Mapping[str, Fraction]) -> Fraction:
    return given["n"] * length if given.get("n") else given.get("duration") or length


def _frozen(length: Fraction, given: Mapping[str, Fraction]) -> Fraction:
    return length + given["freeze_duration"] if "freeze_duration" in given else given["total_duration"]


CATALOGUE: dict[str, EffectEntry] = {
    "AccelDecel": EffectEntry(
        "time speeds up and slows down",
        {"new_duration": SOME_SECONDS, "abruptness": number(above=-1), "soonness": number(above=0)},
        length=lambda length, given: given.get("new_duration", length),
    ),
    "BlackAndWhite": EffectEntry(
        "grey, by the weights of the three colours",
        {"RGB": choice("CRT_phosphor") | numbers(3, "the weights of red, green and blue", low=0)},
    ),
    "Blink": EffectEntry(
        "seen and not seen in turn",
        {"duration_on": SOME_SECONDS, "duration_off": SECONDS},
        moves=_always,
    ),
    "Crop": EffectEntry(
        "a rectangle of the picture",
        {
            **dict.fromkeys(("x1", "y1", "x2", "y2", "x_center", "y_center"), PIXELS),
            **dict.fromkeys(("width", "height"), number(low=1)),
        },
    ),
    "CrossFadeIn": EffectEntry("appears over the background", {"duration": SECONDS}, moves=_always),
    "CrossFadeOut": EffectEntry("disappears over the background", {"duration": SECONDS}, moves=_always),
    "EvenSize": EffectEntry("without the last column and row of an odd size"),
    "FadeIn": EffectEntry("comes in from a colour", {"duration": SECONDS, "initial_color": COLOR}, moves=_always),
    "FadeOut": EffectEntry("goes out into a colour", {"duration": SECONDS, "final_color": COLOR}, moves=_always),
    "Freeze": EffectEntry(
        "stands still for a while, then goes on",
        {
            "t": SECONDS | choice("end"),
            "freeze_duration": SECONDS,
            "total_duration": SOME_SECONDS,
            "padding_end": SECONDS,
        },
        one_of=("freeze_duration", "total_duration"),
        length=_frozen,
    ),
    "FreezeRegion": EffectEntry(
        "a part of the picture stands still, or all but a part",
        {
            "t": SECONDS,
            **dict.fromkeys(
                ("region", "outside_region"),
                numbers(4, "the left, top, right and bottom edge", low=0),
            ),
        },
        {"mask": _CLIP},
        one_of=("region", "outside_region"),
    ),
    "GammaCorrection": EffectEntry("lighter or darker in the middle tones", {"gamma": number(above=0)}),
    "HeadBlur": EffectEntry(
        "a blurred spot, which may move",
        {
            **dict.fromkeys(("fx", "fy"), number() | path()),
            "radius": integer(1, 4096),
            "intensity": number(above=0, high=4096),
        },
        moves=_on_its_way,
    ),
    "InvertColors": EffectEntry("a negative"),
    "Loop": EffectEntry(
        "again and again",
        {"n": integer(1, 10_000), "duration": SOME_SECONDS},
        length=_looped,
    ),
    "LumContrast": EffectEntry("lighter or darker, with more or less contrast"),
    "MakeLoopable": EffectEntry(
        "fades in over its own end, so that it can loop without a seam",
        {"overlap_duration": SECONDS},
        length=lambda length, given: length - given["overlap_duration"],
        moves=_always,
    ),
    "Margin": EffectEntry(
        "a border around the picture",
        {
            **dict.fromkeys(("margin_size", "left", "right", "top", "bottom"), integer(0, 2048)),
            "color": COLOR,
            "opacity": number(0, 1),
        },
    ),
    "MaskColor": EffectEntry(
        "one colour becomes transparent",
        {"color": COLOR, "threshold": number(low=0), "stiffness": number(above=0)},
    ),
    "MasksAnd": EffectEntry("the darker of two masks", refused=_CLIP),
    "MasksOr": EffectEntry("the lighter of two masks", refused=_CLIP),
    "MirrorX": EffectEntry("left and right change sides", left_out=_MASKS),
    "MirrorY": EffectEntry("top and bottom change sides", left_out=_MASKS),
    "MultiplyColor": EffectEntry("brighter or darker", {"factor": number(low=0)}),
    "MultiplySpeed": EffectEntry(
        "faster or slower",
        {"factor": number(0.01, 100), "final_duration": SOME_SECONDS},
        one_of=("factor", "final_duration"),
        length=_multiplied,
    ),
    "Painting": EffectEntry("as if painted: strong colours, dark outlines", {"saturation": number(low=0)}),
    "Resize": EffectEntry(
        "larger or smaller",
        {
            "new_size": number(0.01, 4) | numbers(2, "width and height", low=1),
            **dict.fromkeys(("width", "height"), integer(1, _LARGEST)),
        },
        one_of=("new_size", "width", "height"),
    ),
    "Rotate": EffectEntry(
        "turned anticlockwise",
        {
            "unit": choice("deg", "rad"),
            "resample": choice("nearest", "bilinear", "bicubic"),
            "center": numbers(2, "x and y"),
            "translate": numbers(2, "x and y"),
            "bg_color": COLOR,
        },
    ),
    "Scroll": EffectEntry(
        "a window moves over the picture",
        {
            **dict.fromkeys(("w", "h"), integer(1, _LARGEST)),
            **dict.fromkeys(("x_speed", "y_speed", "x_start", "y_start"), number()),
        },
        _MASKS,
        moves=_always,
    ),
    "SlideIn": EffectEntry("slides in from a side", {"duration": SOME_SECONDS, "side": _SIDE}, moves=_always),
    "SlideOut": EffectEntry("slides out to a side", {"duration": SOME_SECONDS, "side": _SIDE}, moves=_always),
    "SuperSample": EffectEntry(
        "each frame is the mean of several around it: motion blur",
        {"d": SECONDS, "n_frames": integer(1, 64)},
    ),
    "TimeMirror": EffectEntry("backwards"),
    "TimeSymmetrize": EffectEntry("forwards, and then backwards", length=lambda length, _: 2 * length),
}
