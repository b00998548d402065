"""The timeline: canvas, clips with their transitions, and overlays.

Every transition overlaps its two clips by its duration, so the length is the sum of the clips less the sum of
the transitions, whatever their type.
"""

from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Field, PlainSerializer, StringConstraints, WithJsonSchema, model_validator

from videojob_contract.resources.audio import Narration, SoundChoice
from videojob_contract.resources.base import (
    DURATION_PATTERN,
    WORD_PATTERN,
    Color,
    Duration,
    EvenPixels,
    Fps,
    Model,
    Rule,
    ShortText,
    Unit,
    Uri,
    Volume,
    format_duration,
    rules,
)
from videojob_contract.resources.damage import OnDamage
from videojob_contract.resources.motion import Easing, Motion
from videojob_contract.resources.text import Title

# By its text, because `duration()` of a text that is none adds an error to that of the pattern.
_IS_ZERO = "self.duration.matches('^(0+([.]0+)?(ms|s|m|h))+$')"


def _exactly_one(fields: tuple[str, ...]) -> str:
    return f"[{', '.join(f'has(self.{field})' for field in fields)}].filter(given, given).size() == 1"


class Fit(StrEnum):
    """How a picture of another shape fills the canvas."""

    COVER = "cover"
    CONTAIN = "contain"
    BLUR = "blur"
    STRETCH = "stretch"


class Anchor(StrEnum):
    """The point of a picture that stays in place."""

    CENTER = "center"
    TOP = "top"
    BOTTOM = "bottom"
    LEFT = "left"
    RIGHT = "right"
    TOP_LEFT = "topLeft"
    TOP_RIGHT = "topRight"
    BOTTOM_LEFT = "bottomLeft"
    BOTTOM_RIGHT = "bottomRight"


class HeldPicture(StrEnum):
    """What is seen of a video while its sound goes on behind its last picture."""

    LAST = "last"
    NONE = "none"


class Canvas(Model):
    """The picture that every clip is drawn on."""

    width: EvenPixels | None = None
    """Width in pixels, even. Default: the pool's, or 1920."""
    height: EvenPixels | None = None
    """Height in pixels, even. Default: the pool's, or 1080."""
    fps: Fps | None = None
    """Frames a second, exact: "30", "30000/1001" or "29.97". Default: the pool's, or 30."""
    background: Color | None = None
    """What shows where no clip covers the canvas. Default: the pool's, or #000000."""


class Image(Model):
    """A picture; one that moves, such as an animated GIF, plays again and again."""

    uri: Uri
    """Where the picture is: JPEG, PNG, WebP, AVIF, HEIC, JPEG XL, GIF, TIFF or BMP."""
    on_damage: OnDamage = OnDamage.CONCEAL
    """When it is damaged or cut short: `conceal` shows what is there, with a warning, unless that is less than half;
    `fail` refuses it."""


class Video(Model):
    """A moving picture, with its sound."""

    uri: Uri
    """Where the video is: MP4, MOV, WebM, Matroska, AVI, MPEG (TS, PS), FLV, WMV or Ogg."""
    from_: Annotated[Duration | None, Field(alias="from")] = None
    """Start within the source. Default: its beginning."""
    to: Duration | None = None
    """End within the source. Default: its end."""
    speed: Annotated[float, Field(ge=0.1, le=10)] = 1.0
    """How fast it plays: 2 takes half the time. The pitch of its sound is kept."""
    track: SoundChoice | None = None
    """Which of its sounds is heard, where it has several: by number, from 1, or by language, such as `eng`. Default:
    the one that the file says is its default, or the next that can be decoded."""
    volume: Volume = 1.0
    """Gain of its sound; 0 is silence."""
    reverse: bool = False
    """Play from the end to the start."""
    loop: bool = False
    """Repeat until the clip's duration is filled, or the overlay goes."""
    hold: HeldPicture = HeldPicture.LAST
    """Where its sound lasts longer than its pictures: `last` holds the last picture while it is heard; `none` ends both
    with the pictures."""
    on_damage: OnDamage = OnDamage.CONCEAL
    """When a part is damaged: `conceal` plays on without it, with a warning, up to a share; `fail` refuses it."""


class Gradient(Model):
    """A linear gradient over the canvas."""

    colors: Annotated[list[Color], Field(min_length=2, max_length=16)]
    """Colours from start to end, evenly spaced."""
    angle: Annotated[float, Field(ge=0, le=360)] = 0
    """Direction in degrees: 0 is left to right, 90 is top to bottom."""


class Transition(Model):
    """How a clip comes in over the clip before it."""

    model_config = rules(
        Rule(
            f"self.type != 'cut' || !has(self.duration) || {_IS_ZERO}",
            "a cut takes no time; leave it out, or choose another type",
            ".duration",
            "FieldValueForbidden",
        ),
        Rule(
            "self.type == 'fade' || self.type.contains('{{') || !has(self.color)",
            "only a fade goes through a colour",
            ".color",
            "FieldValueForbidden",
        ),
    )

    type: Annotated[str, StringConstraints(pattern=WORD_PATTERN, max_length=32)]
    """Which one, by its name: `cut`, `crossfade`, `fade`, `wipeLeft`, or one of ffmpeg's such as
    `hlslice`."""
    duration: Duration | None = None
    """How long the two clips overlap. Default: 500ms, for `cut` none."""
    color: Color | None = None
    """The colour that `fade` goes through. Default: #000000."""
    easing: Easing = Easing.LINEAR
    """How the change starts and ends."""


EffectValue = bool | int | float | ShortText | Annotated[list[float], Field(max_length=16)]


class Effect(Model):
    """A MoviePy video effect, by its own name and arguments."""

    name: Annotated[str, StringConstraints(pattern=WORD_PATTERN, max_length=64)]
    """Name of the class in `moviepy.vfx`, such as `GammaCorrection`."""
    args: Annotated[
        dict[Annotated[str, StringConstraints(max_length=64)], EffectValue] | None, Field(max_length=16)
    ] = None
    """Its arguments by name, such as `gamma: 1.5`; a colour is "#rrggbb"."""


def _format_clip_duration(duration: Fraction | Literal["auto"]) -> str:
    return format_duration(duration) if isinstance(duration, Fraction) else duration


CLIP_DURATION_PATTERN = f"^(auto|{DURATION_PATTERN[1:-1]})$"

ClipDuration = Annotated[
    Duration | Literal["auto"],
    PlainSerializer(_format_clip_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": CLIP_DURATION_PATTERN, "maxLength": 32}),
]

OVERLAY_KINDS = ("image", "video", "title")
CLIP_KINDS = ("image", "video", "color", "gradient", "title")


class Clip(Model):
    """A stretch of the timeline: exactly one of image, video, color, gradient or title."""

    model_config = rules(
        Rule(_exactly_one(CLIP_KINDS), f"a clip has exactly one of {', '.join(CLIP_KINDS)}"),
        Rule(
            "has(self.video) || has(self.narration) || (has(self.duration) && self.duration != 'auto')",
            "only a video has a length of its own",
            ".duration",
            "FieldValueRequired",
        ),
        Rule(
            f"!has(self.duration) || !{_IS_ZERO}",
            "must be longer than 0s",
            ".duration",
            "FieldValueForbidden",
        ),
    )

    image: Image | None = None
    """A picture."""
    video: Video | None = None
    """A video, with its sound."""
    color: Color | None = None
    """The whole canvas in one colour."""
    gradient: Gradient | None = None
    """The whole canvas in a gradient."""
    title: Title | None = None
    """Text on the canvas."""
    duration: ClipDuration | None = None
    """How long it lasts, transitions included. A video may leave it out or say `auto`, for its own length; so may what
    has a narration, for as long as that takes."""
    narration: Narration | None = None
    """Speech that begins with the clip. Tracks that duck go quieter for it."""
    fit: Fit = Fit.COVER
    """How a picture of another shape fills the canvas."""
    anchor: Anchor = Anchor.CENTER
    """Which part stays when the picture is cropped, where it stands when it is not, and about what it zooms."""
    motion: Motion | None = None
    """Slow zoom and pan (Ken Burns)."""
    transition: Transition | None = None
    """How it comes in over the clip before it. Default: cut."""
    effects: Annotated[list[Effect] | None, Field(max_length=16)] = None
    """MoviePy effects, in order; they see the clip without its transitions."""

    @property
    def kind(self) -> str:
        """Which of `CLIP_KINDS` this is."""
        return next(kind for kind in CLIP_KINDS if getattr(self, kind) is not None)

    @model_validator(mode="after")
    def _exactly_one_kind(self) -> Self:
        given = [kind for kind in CLIP_KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            found = " and ".join(given) if given else "none of them"
            raise ValueError(f"a clip has exactly one of {', '.join(CLIP_KINDS)}; this one has {found}")
        return self


class Overlay(Model):
    """Something drawn over the clips: exactly one of image, video or title."""

    model_config = rules(Rule(_exactly_one(OVERLAY_KINDS), "an overlay has exactly one of image, video, title"))

    image: Image | None = None
    """A picture, such as a watermark."""
    video: Video | None = None
    """A video; its sound is heard too."""
    title: Title | None = None
    """Text."""
    from_: Annotated[Duration | None, Field(alias="from")] = None
    """When it appears. Default: the start."""
    to: Duration | None = None
    """When it goes, at the end of the timeline at the latest. Default: the end."""
    anchor: Anchor = Anchor.BOTTOM_RIGHT
    """Where on the canvas it stands."""
    margin: Annotated[int, Field(ge=0, le=4096)] = 24
    """Distance to the canvas' edge, in pixels."""
    opacity: Unit = 1.0
    """0 is invisible, 1 is solid."""
    scale: Annotated[float, Field(gt=0.001, le=10)] | None = None
    """Width as a share of the canvas' width. Default: its own size."""
    fade_in: Duration | None = None
    """How long it takes to appear."""
    fade_out: Duration | None = None
    """How long it takes to go."""

    @model_validator(mode="after")
    def _exactly_one_kind(self) -> Self:
        given = [kind for kind in OVERLAY_KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"an overlay has exactly one of image, video, title; this one has {len(given)}")
        return self
