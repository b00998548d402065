"""Base model and the scalar types that the resources share.

Media time is exact: durations and frame rates are `Fraction` in Python and strings with a unit on the wire.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

DURATION_PATTERN = r"^([0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h))+$"
FPS_PATTERN = r"^[0-9]{1,6}(\.[0-9]{1,3}|/[0-9]{1,6})?$"
NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
URI_PATTERN = r"^(volume|s3|gs|az|https|http)://[^\s]+$"
COLOR_PATTERN = r"^#[0-9a-fA-F]{6}$"
LABEL_PATTERN = r"^[A-Za-z0-9]([-A-Za-z0-9_.@]*[A-Za-z0-9])?$"
WORD_PATTERN = r"^[A-Za-z][A-Za-z0-9]*$"
SIZE_PATTERN = r"^[0-9]+(Mi|Gi|Ti)$"

TIME_ZONE_PATTERN = r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$"
CRON_PATTERN = r"^(@(hourly|daily|weekly|monthly|yearly)|[^ ]+( +[^ ]+){4})$"

MAX_VIDEOJOB_NAME = 63  # it becomes a label's value
POOL_NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$"  # its Jobs' names add a serial
MAX_DURATION = Fraction(10_000 * 3600)

_UNIT_S = {"ms": Fraction(1, 1000), "s": Fraction(1), "m": Fraction(60), "h": Fraction(3600)}
_MOST_DIGITS = 9  # of a number in DURATION_PATTERN
_TOO_MANY = 10**_MOST_DIGITS
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
# The rates that broadcast calls by rounded names, as SMPTE ST 12-1 defines them.
_NTSC = {
    "23.976": Fraction(24000, 1001),
    "23.98": Fraction(24000, 1001),
    "29.97": Fraction(30000, 1001),
    "59.94": Fraction(60000, 1001),
    "119.88": Fraction(120000, 1001),
}


class Model(BaseModel):
    """A frozen part of a resource; unknown fields are errors, so that a misspelt one is never ignored."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        defer_build=True,  # a worker uses few of them
        hide_input_in_errors=True,  # it has signed URLs in it, and a traceback goes to logs
    )

    def to_dict(self) -> dict[str, Any]:
        """Return the wire form: camelCase, strings with units, nothing that is unset."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


Status = TypeVar("Status", bound=Model)


def read_status(model: type[Status], raw: object) -> Status:
    """Read a status as the API server has it: what a later version has in it is passed over.

    Returns:
        the status; an empty one, to be written anew, when it cannot be read.
    """
    try:
        return model.model_validate(raw or {}, extra="ignore")
    except ValidationError:
        return model()


def models_in(annotation: object) -> list[type[Model]]:
    """Return the models in a field's type, such as `Clip` of `list[Clip] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models_in(argument)]


@dataclass(frozen=True)
class Rule:
    """A rule that the API server checks, in its Common Expression Language."""

    rule: str
    """`self` is the value on the wire; with `oldSelf`, the one before, it is checked in updates alone."""
    message: str
    """Why it is refused."""
    field: str = ""
    """The field that the refusal names, such as `.duration`; the model itself if empty."""
    reason: Literal["FieldValueInvalid", "FieldValueRequired", "FieldValueForbidden"] = "FieldValueInvalid"
    """How the refusal begins: `Invalid value`, `Required value` or `Forbidden`."""
    expression: str = ""
    """Gives the message with the values in it; `message` stands in where it fails."""

    def to_dict(self) -> dict[str, JsonValue]:
        """Return it as an item of `x-kubernetes-validations`."""
        place: dict[str, JsonValue] = {"fieldPath": self.field} if self.field else {}
        expression: dict[str, JsonValue] = {"messageExpression": self.expression} if self.expression else {}
        return {"rule": self.rule, "message": self.message, **expression, "reason": self.reason, **place}


def rules(*rules: Rule) -> ConfigDict:
    """Return a model's config with rules; a validator or `semantics` says the same in Python."""
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": [rule.to_dict() for rule in rules]})


def parse_duration(value: object) -> object:
    """Turn `"1m30s"` into `Fraction(90)` seconds; other types pass through to pydantic's own check."""
    if isinstance(value, Fraction):
        return value
    if not isinstance(value, str):
        raise ValueError('a duration is a string with a unit, such as "3s", "500ms" or "1m30s"')  # noqa: TRY004 - pydantic reports ValueError
    if not re.fullmatch(DURATION_PATTERN, value):
        raise ValueError(f'"{value}" is not a duration: write a number with a unit, such as 3s, 500ms or 1m30s')
    return sum((Fraction(n) * _UNIT_S[unit] for n, unit in _PART.findall(value)), Fraction(0))


def format_duration(seconds: Fraction) -> str:
    """Write seconds as a duration, to the picosecond: exact for all that `parse_duration` reads."""
    # As a number at once: a text times ten to the twelfth is terabytes, which kernels that overcommit begin to fill.
    picoseconds = round(Fraction(seconds) * 10**12)
    if picoseconds == 0:
        return "0s"
    for unit in ("h", "m", "s", "ms"):
        count, rest = divmod(picoseconds, int(_UNIT_S[unit] * 10**12))
        if rest == 0 and count < _TOO_MANY:
            return f"{count}{unit}"
    whole, fraction = divmod(picoseconds, 10**12)
    digits = f"{fraction:012d}".rstrip("0")
    if len(digits) <= _MOST_DIGITS:
        return f"{whole}.{digits}s"
    return f"{whole}s{digits[:3]}.{digits[3:]}ms"


def parse_fps(value: object) -> object:
    """Turn `"30"`, `"30000/1001"` or `"29.97"` into an exact rate in frames a second."""
    if isinstance(value, Fraction):
        return value
    if not isinstance(value, str) or not re.fullmatch(FPS_PATTERN, value):
        raise ValueError(f'{value!r} is not a frame rate: write "30", "30000/1001" or "29.97"')
    whole, _, divisor = value.partition("/")
    if divisor and int(divisor) == 0:
        raise ValueError(f'"{value}" is not a frame rate: its divisor is zero')
    return _NTSC.get(value) or Fraction(whole) / Fraction(divisor or 1)


def _in_duration_range(seconds: Fraction) -> Fraction:
    if not 0 <= seconds <= MAX_DURATION:
        raise ValueError(f"a duration is at most {format_duration(MAX_DURATION)}")
    return seconds


def _in_fps_range(fps: Fraction) -> Fraction:
    if not 1 <= fps <= 240:  # noqa: PLR2004 - the bound is stated in the message
        raise ValueError(f"a frame rate is from 1 to 240 frames a second, not {fps}")
    return fps


def _to_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time needs its zone, such as 2026-01-01T00:00:00Z")
    return value.astimezone(UTC)


def _to_milliseconds(value: datetime) -> datetime:
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def _to_seconds(value: datetime) -> datetime:
    return value.replace(microsecond=0)


Duration = Annotated[
    Fraction,
    BeforeValidator(parse_duration),
    AfterValidator(_in_duration_range),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "maxLength": 32}),
]
"""Seconds, exact; a string with units on the wire."""

Fps = Annotated[
    Fraction,
    BeforeValidator(parse_fps),
    AfterValidator(_in_fps_range),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": FPS_PATTERN, "maxLength": 16}),
]
"""Frames a second, exact; `"30"` or `"30000/1001"` on the wire."""

Time = Annotated[
    datetime,
    AfterValidator(_to_utc),
    AfterValidator(_to_milliseconds),
    PlainSerializer(lambda t: t.isoformat(timespec="milliseconds").replace("+00:00", "Z"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment in UTC, cut to milliseconds so that what is read equals what was written; RFC 3339 on the wire."""

RoughTime = Annotated[
    datetime,
    AfterValidator(_to_utc),
    AfterValidator(_to_seconds),
    PlainSerializer(lambda t: t.isoformat(timespec="seconds").replace("+00:00", "Z"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""As `Time`, in whole seconds, for what is predicted."""

Color = Annotated[str, StringConstraints(pattern=COLOR_PATTERN, max_length=7)]
"""`#rrggbb`, sRGB."""

Uri = Annotated[str, StringConstraints(pattern=URI_PATTERN, max_length=2048)]
"""Where media is read or written: `volume://NAME/path`, `s3://BUCKET/key`, `gs://…`, `az://…`, `https://…`."""

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=63)]
"""A DNS label, as Kubernetes names things."""

MAX_MOUNT_NAME = 55
MountName = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=MAX_MOUNT_NAME)]
"""A name that a worker pod's volume is called by, behind a word of ours: together they are a DNS label."""

Text = Annotated[str, StringConstraints(max_length=4096)]
ShortText = Annotated[str, StringConstraints(max_length=256)]
Label = Annotated[str, StringConstraints(pattern=LABEL_PATTERN, max_length=63)]
TimeZone = Annotated[str, StringConstraints(pattern=TIME_ZONE_PATTERN, max_length=64)]
"""The name of a time zone, such as Europe/Berlin."""

Cron = Annotated[str, StringConstraints(pattern=CRON_PATTERN, max_length=128)]
"""A cron expression of five fields, or one of @hourly, @daily, @weekly, @monthly and @yearly."""

Volume = Annotated[float, Field(ge=0, le=10)]
"""A linear gain: 1 leaves the sound as it is."""

Unit = Annotated[float, Field(ge=0, le=1)]
EvenPixels = Annotated[int, Field(ge=16, le=8192, multiple_of=2)]
"""Even, because chroma is stored at half the size (4:2:0)."""

Manifest = dict[str, Any]
"""A piece of a Kubernetes manifest, kept as it is and checked by the API server when it is used."""

BY_NAME: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
"""Schema of a list whose items have names of their own: the API server refuses a second one of a name."""
