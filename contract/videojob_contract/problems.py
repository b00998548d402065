"""Problems of a resource, each with the path of its field, as people and programs are told of them.

`SpecError` carries all problems at once, so that nobody has to mend a file one message at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.base import (
    COLOR_PATTERN,
    CRON_PATTERN,
    DURATION_PATTERN,
    FPS_PATTERN,
    LABEL_PATTERN,
    NAME_PATTERN,
    SIZE_PATTERN,
    TIME_ZONE_PATTERN,
    URI_PATTERN,
    WORD_PATTERN,
    models_in,
)
from videojob_contract.resources.limits import TIER_USER_PATTERN
from videojob_contract.resources.notifications import KEY_NAME_PATTERN, WEBHOOK_PATTERN
from videojob_contract.resources.object_stores import (
    ACCOUNT_PATTERN,
    BUCKET_PATTERN,
    KEY_PREFIX_PATTERN,
    KMS_KEY_PATTERN,
    STORAGE_CLASS_PATTERN,
    URL_PATTERN,
)
from videojob_contract.resources.outputs import (
    BITRATE_PATTERN,
    HEADER_PATTERN,
    MEDIA_TYPE_PATTERN,
    PRESET_PATTERN,
)
from videojob_contract.resources.text import LANGUAGE_PATTERN
from videojob_contract.resources.timeline import CLIP_DURATION_PATTERN
from videojob_contract.resources.uris import redact_uri
from videojob_contract.resources.videohook import (
    HEADER_NAME_PATTERN,
    LABEL_VALUE_PATTERN,
    PAYLOAD_PATH_PATTERN,
    PREFIX_PATTERN,
    SIGNED_PATTERN,
)
from videojob_contract.resources.videojob import TEMPLATE_NAME_PATTERN
from videojob_contract.resources.videotemplate import PARAMETER_NAME_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from videojob_contract.resources.base import Model

MAX_MESSAGE = 2048  # the bound of a condition's message
_MOST_SUGGESTIONS = 100  # in one resource: to find what a word may stand for takes a while, and specs come from anyone
_LONGEST_VALUE = 60  # what is shown of a wrong value
_TELLING = ("uri", "text", "type", "name")
"""Fields that say the most of what has them, where an object was meant to be written in short."""

_SAID = {"missing": "is required", "extra_forbidden": "is not a field here"}
"""What is said of a field as a whole, by pydantic's word."""
_NUMBER = re.compile(r"(-?\d{1,9}(?:\.\d{1,9})?) ?(%?)")
_DURATION = "is not a duration: write a number with a unit, such as 3s, 500ms or 1m30s"
WANTED = {
    DURATION_PATTERN: _DURATION,
    CLIP_DURATION_PATTERN: f"{_DURATION}, or auto",
    FPS_PATTERN: 'is not a frame rate: write "30", "30000/1001" or "29.97"',
    URI_PATTERN: "is not a URI: write volume://NAME/path, s3://BUCKET/key, https://… or http://…",
    BITRATE_PATTERN: "is not a bitrate: write 4M or 800k",
    COLOR_PATTERN: 'is not a colour: write "#rrggbb", such as "#203040"',
    NAME_PATTERN: "is not a name: use lower case letters, digits and -, with no - at either end",
    LABEL_PATTERN: "cannot be a label: use letters, digits, -, _, . and @, with a letter or digit at either end",
    WORD_PATTERN: "is not a name: use letters and digits, with a letter first",
    SIZE_PATTERN: "is not a size: write a whole number of Mi, Gi or Ti, such as 8Gi",
    PRESET_PATTERN: "is not a preset: write its name, such as slow, or its number",
    BUCKET_PATTERN: "is not a bucket: write its name alone, of lower case letters, digits, -, _ and .",
    KEY_PREFIX_PATTERN: "is not a prefix: write it as renders or team/renders, with no / at the start",
    URL_PATTERN: "is not the URL of a server: write https://HOST or http://HOST:PORT, without user and query",
    WEBHOOK_PATTERN: "is not the URL of a webhook: write https://HOST/path or http://HOST:PORT/path, without a user",
    KEY_NAME_PATTERN: "is not the name of an entry of a Secret: use letters, digits, -, _ and .",
    ACCOUNT_PATTERN: "is not a storage account: write its 3 to 24 lower case letters and digits",
    STORAGE_CLASS_PATTERN: "is not a storage class: write it as the provider does, such as STANDARD_IA",
    KMS_KEY_PATTERN: "is not a key of a key management service: write its ARN, identifier or alias",
    HEADER_PATTERN: "cannot be sent in a header: use printable ASCII",
    MEDIA_TYPE_PATTERN: "is not a media type: write it as video/mp4",
    TIER_USER_PATTERN: "is no user: write the name that VideoJobs give, or * for all",
    CRON_PATTERN: "is not a schedule: write five fields of cron, such as 30 6 * * 1-5, or @daily",
    TIME_ZONE_PATTERN: "is not a time zone: write its name, such as Europe/Berlin",
    PARAMETER_NAME_PATTERN: "is not a parameter's name: use letters, digits, _ and -, and no digit or - at the start",
    TEMPLATE_NAME_PATTERN: "is not the name of a VideoTemplate: use lower case letters, digits, - and .",
    PAYLOAD_PATH_PATTERN: "is not a path that is followed here: write names, indexes and [*], as $.labels[*].name",
    HEADER_NAME_PATTERN: "is not the name of a header: use letters, digits and -",
    PREFIX_PATTERN: "cannot begin a signature: use printable ASCII without spaces",
    SIGNED_PATTERN: "is not what is signed: write {body}, or with a timestamp before it, as {timestamp}.{body}",
    LABEL_VALUE_PATTERN: "cannot be the value of a label: use letters, digits, -, _ and .",
    LANGUAGE_PATTERN: "is not a language: write its three letters after ISO 639-2, such as eng",
}
"""What is said of a text that does not match, by the pattern."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong: where, and what to do about it."""

    path: str
    """Such as `spec.clips[2].duration`."""
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class SpecError(PermanentError):
    """A resource that cannot be rendered as it is written; its message has one problem a line."""

    default_reason = Reason.INVALID_SPEC

    def __init__(self, problems: Sequence[Problem], reason: Reason | None = None) -> None:
        super().__init__(format_problems(problems), reason)
        self.problems = tuple(problems)


def format_problems(problems: Sequence[Problem]) -> str:
    """Write one problem a line; those that do not fit into a condition's message are counted."""
    lines: list[str] = []
    length = 0
    for index, problem in enumerate(problems):
        line = str(problem)
        length += len(line) + 1
        if lines and length > MAX_MESSAGE - len("and 9999 more problems"):
            lines.append(f"and {len(problems) - index} more problems")
            break
        lines.append(line)
    return "\n".join(lines)[:MAX_MESSAGE]


def join_path(parts: Iterable[str | int]) -> str:
    """Write `("spec", "clips", 2, "uri")` as `spec.clips[2].uri`."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Return which of the known words a wrong one may stand for, as `; did you mean duration?`, or nothing."""
    near = _nearest(wrong, known)
    return f"; did you mean {near}?" if near else ""


def _nearest(wrong: str, known: Iterable[str]) -> str | None:
    by_lower = {word.lower(): word for word in known}
    near = get_close_matches(wrong.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def from_validation(error: ValidationError, resource: Mapping[str, Any], model: type[Model]) -> list[Problem]:
    """Turn what pydantic found in a resource of the model into problems, at most one for each path."""
    messages: dict[str, list[str]] = {}
    suggestions = 0
    for detail in error.errors(include_url=False):
        path = _real_path(detail, resource)
        found = messages.setdefault(join_path(path), [])
        alternative = detail["type"] == "literal_error" and found
        message = detail["ctx"]["expected"] if alternative else _message(detail)
        if detail["type"] == "extra_forbidden" and (suggestions := suggestions + 1) <= _MOST_SUGGESTIONS:
            meant = suggestion(path, model)
            message += f"; did you mean {meant}?" if meant else ""
        if detail["type"] == "model_type" and isinstance(detail["input"], str):
            message += _written_out(path, model, detail["input"])
        if message not in found:
            found.append(message)
    # More than one message at a path come from the alternatives of a union.
    return [Problem(path, ", or ".join(found)) for path, found in messages.items()]


def _real_path(detail: ErrorDetails, resource: Mapping[str, Any]) -> list[str | int]:
    """Drop from pydantic's location what is not in the resource: the names of a union's alternatives."""
    path: list[str | int] = []
    here: Any = resource
    for part in detail["loc"]:
        match here, part:
            case (dict(), _) if part in here:
                here = here[part]
            case (list(), int()):
                here = here[part]
            case _ if detail["type"] != "missing":
                continue
        path.append(part)
    return path


def suggestion(path: Sequence[str | int], model: type[Model]) -> str | None:
    """Return the field that a misspelt one may stand for, or None."""
    *parents, wrong = path
    fields = [field for each in models_at(parents, model) for field in each.model_fields.values()]
    return _nearest(str(wrong), [field.alias for field in fields if field.alias])


def _written_out(path: list[str | int], model: type[Model], value: str) -> str:
    """Return what may have been meant by a text in the place of an object, or nothing."""
    known = {name for each in models_at(path, model) for name in each.model_fields}
    name = next((name for name in _TELLING if name in known), None)
    return f"; did you mean {{{name}: {show(value)}}}?" if name else ""


def models_at(path: Iterable[str | int], model: type[Model]) -> list[type[Model]]:
    """Return the models that a resource of the model may have at a path: several, where a union has alternatives."""
    models = [model]
    for part in path:
        if isinstance(part, str):
            fields = [field for each in models for field in each.model_fields.values() if field.alias == part]
            models = [inner for field in fields for inner in models_in(field.annotation)]
    return models


def _message(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    message = detail["msg"].replace("Input should ", "should ", 1)
    message = message[:1].lower() + message[1:]
    match detail["type"]:
        case kind if kind in _SAID:
            message = _SAID[kind]
        case "value_error":
            message = str(context["error"])
        case "too_short":
            message = f"needs at least {context['min_length']}, and has {context['actual_length']}"
        case "too_long":
            # Not the context's length: a map has none there.
            message = f"takes at most {context['max_length']}, and has {len(detail['input'])}"
        case "string_type" if isinstance(detail["input"], bool | int | float):
            message = f"should be text, not {show(detail['input'])}: put it in quotes"
        case "string_too_long":
            message = f"takes at most {context['max_length']} characters, and has {len(detail['input'])}"
        case "string_pattern_mismatch" if context["pattern"] in WANTED:
            message = _mismatch(context["pattern"], detail["input"])
        case "float_type" | "float_parsing":
            message = f"should be a number, not {show(detail['input'])}{_as_number(detail['input'])}"
        case _ if isinstance(detail["input"], str | int | float | None):
            message += f", not {show(detail['input'])}"
    return message


def _as_number(value: object) -> str:
    """Return how a text is written as the number that it may stand for, if it may stand for one."""
    found = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return ""
    return f": write {float(found[1]) / 100:g}" if found[2] else f": write {found[1]}, without quotes"


def _mismatch(pattern: str, value: str) -> str:
    if pattern != URI_PATTERN:
        return f"{show(value)} {WANTED[pattern]}"
    hint = "; a space is written %20" if " " in value else ""
    return f"{show(redact_uri(value))} {WANTED[pattern]}{hint}"


def show(value: object) -> str:
    """Write a value as YAML would, without secrets and cut short."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not isinstance(value, str):
        return str(value)
    if "://" in value:
        value = redact_uri(value)
    return f'"{value}"' if len(value) <= _LONGEST_VALUE else f'"{value[: _LONGEST_VALUE - 1]}…"'
