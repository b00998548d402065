"""The reference page: every field of every resource with its type, default and meaning, and every reason."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from videojob_contract.crd.definitions import DEFINITIONS
from videojob_contract.crd.structural import Schema, structural
from videojob_contract.errors import FAILURE_CLASS, Reason
from videojob_contract.resources import API_VERSION
from videojob_contract.resources.base import (
    COLOR_PATTERN,
    DURATION_PATTERN,
    FPS_PATTERN,
    NAME_PATTERN,
    URI_PATTERN,
    models_in,
)
from videojob_contract.resources.object_stores import URL_PATTERN
from videojob_contract.resources.outputs import BITRATE_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.base import Model

_INTRODUCTION = f"""
# Reference

The resources of `{API_VERSION}`, field by field. [The guide](videojob.md) has examples.

A field without a default that is not required stays unset unless given. The API server fills in the defaults of this
page; where a text says “Default: the pool's”, the operator does, when an attempt starts. In the timeline, from `canvas`
to `outputs`, [a template](videojob.md#parameters) may stand for any value. The schema has more than is rendered today;
[what is not](videojob.md#what-is-not-rendered-yet) is refused at once, and never ignored.

| Type | Written as |
|---|---|
| duration | numbers with units: `3s`, `500ms`, `1m30s`, `1.5h`; exact, at most 10000h |
| frame rate | `"30"`, `"30000/1001"` or `"29.97"`, from 1 to 240; exact |
| time | RFC 3339 with a zone: `"2026-01-01T00:00:00Z"` |
| colour | `"#rrggbb"`, sRGB |
| URI | `volume://NAME/path`, `s3://BUCKET/key`, `gs://BUCKET/key`, `az://CONTAINER/key`, `https://…`, `http://…` |
| name | lower case letters, digits and `-`, at most 63 |
| bitrate | `4M` or `800k`, bits a second |
| manifest | a piece of a Kubernetes manifest, kept as it is |
"""

_STRINGS = {
    DURATION_PATTERN: "duration",
    FPS_PATTERN: "frame rate",
    COLOR_PATTERN: "colour",
    URI_PATTERN: "URI",
    NAME_PATTERN: "name",
    BITRATE_PATTERN: "bitrate",
    URL_PATTERN: "URL",
}
_REASONS = """\
One word for programs, in conditions, failures, Events and metrics. The class says how a failure is treated: *permanent*
is not retried; *transient* is retried with backoff, and counted; *infrastructure* is retried and not counted, up to a
bound; *outOfMemory* and *deadline* are retried once; *cancelled* was the user's wish.
"""


def reference() -> str:
    """Return the page as Markdown."""
    parts = [_INTRODUCTION]
    described: set[type[Model]] = set()
    for definition in DEFINITIONS:
        parts.append(f"\n## {definition.kind}\n\n{_docstring(definition.model)}\n")
        parts.append(f"\nShort name `{definition.short}`. `kubectl get {definition.short}` shows ")
        parts.append(f"{', '.join(column.name.lower() for column in definition.columns if not column.wide)}.\n")
        for part in ("spec", "status") if definition.has_status else ("spec",):
            root = models_in(definition.model.model_fields[part].annotation)[0]
            for model in _reachable(root, described):
                title = model.__name__
                parts.append(f"\n### {title}\n\n{_docstring(model)}\n\n{_table(model)}")
    on_the_way = ", ".join(f"`{reason}`" for reason in Reason if reason not in FAILURE_CLASS)
    parts.append(
        f"\n## Reasons\n\n{_REASONS}\nReasons that are no failures: {on_the_way}.\n\n| Failure | Class |\n|---|---|\n"
    )
    parts += [f"| `{reason}` | {failure_class} |\n" for reason, failure_class in FAILURE_CLASS.items()]
    return "".join(parts)


def _docstring(model: type[Model]) -> str:
    return inspect.cleandoc(model.__doc__ or "")


def _reachable(model: type[Model], described: set[type[Model]]) -> Iterator[type[Model]]:
    if model in described:
        return
    described.add(model)
    yield model
    for info in model.model_fields.values():
        for inner in models_in(info.annotation):
            yield from _reachable(inner, described)


def _table(model: type[Model]) -> str:
    schema = structural(model)
    rows = ["| Field | Type | Default | |\n|---|---|---|---|\n"]
    for (name, field), info in zip(schema["properties"].items(), model.model_fields.values(), strict=True):
        default = "required" if name in schema.get("required", []) else _default(field)
        text = field.get("description", "").replace("\n", " ").replace("|", "\\|")
        rows.append(f"| `{name}` | {_type(field, models_in(info.annotation))} | {default} | {text} |\n")
    return "".join(rows)


def _default(field: Schema) -> str:
    value = field.get("default")
    if value is None or value == "" or isinstance(value, dict):
        return ""
    if isinstance(value, list):
        return ", ".join(f"`{item['name'] if isinstance(item, dict) else item}`" for item in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type(field: Schema, models: list[type[Model]]) -> str:
    kind: str = field.get("type", "any value")
    match kind:
        case _ if field.get("x-kubernetes-int-or-string"):
            kind = f"integer{_range(field)} or `{field['pattern'].strip('^$')}`"
        case "array":
            kind = f"list of {_type(field['items'], models)}, at most {field['maxItems']}"
        case "object" if models:
            kind = f"[{models[0].__name__}](#{_anchor(models[0])})"
        case "object":
            kind = f"map, at most {field['maxProperties']}" if "maxProperties" in field else "manifest"
        case "string" if "enum" in field:
            kind = ", ".join(f"`{choice}`" for choice in field["enum"])
        case "string" if field.get("format") == "date-time":
            kind = "time"
        case "string" if "auto" in field.get("pattern", ""):
            kind = "duration or `auto`"
        case "string":
            kind = _STRINGS.get(field.get("pattern", ""), kind)
        case _:
            kind += _range(field)
    return kind


def _anchor(model: type[Model]) -> str:
    return model.__name__.lower()


def _range(field: dict[str, Any]) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if low is None and high is None:
        return ""
    above = "more than " if field.get("exclusiveMinimum") else ""
    return f" {above}{low} to {high}" if high is not None else f" from {low}"
