"""The reference page: every field of every resource with its type, default and meaning, and every reason."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from videojob_contract.crd.definitions import DEFINITIONS
from videojob_contract.crd.structural import Schema, structural
from videojob_contract.errors import FAILURE_CLASS, Reason
from videojob_contract.resources import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTRODUCTION = f"""
# Reference

The resources of `{API_VERSION}`, field by field. [The guide](videojob.md) has examples.

A field without a default and not marked as required is unset unless given. A duration is a string with a
unit, such as `3s`, `500ms` or `1m30s`. The API server fills in the defaults of this page; where a text says
“Default: the pool's”, the operator fills it in when an attempt starts.
"""

_REASONS = """
## Reasons

One word for programs, in conditions, failures, Events and metrics. The class says how a failure is treated:
*permanent* is not retried; *transient* is retried with backoff, and counted; *infrastructure* is retried
and not counted, up to a bound; *outOfMemory* and *deadline* are retried once.

| Reason | Class |
|---|---|
"""


def reference() -> str:
    """Return the page as Markdown."""
    parts = [_INTRODUCTION]
    for definition in DEFINITIONS:
        described: set[type[BaseModel]] = set()
        parts.append(f"\n## {definition.kind}\n\n{_docstring(definition.model)}\n")
        parts.append(f"\nShort name `{definition.short}`. `kubectl get {definition.short}` shows ")
        parts.append(f"{', '.join(column.name.lower() for column in definition.columns if not column.wide)}.\n")
        for part in ("spec", "status"):
            root = _models_in(definition.model.model_fields[part].annotation)[0]
            for model in _reachable(root, described):
                title = f"{definition.kind} {part}" if model is root else model.__name__
                parts.append(f"\n### {title}\n\n{_docstring(model)}\n\n{_table(model)}")
    parts.append(_REASONS)
    parts += [f"| `{reason}` | {FAILURE_CLASS.get(reason, '')} |\n" for reason in Reason]
    return "".join(parts)


def _docstring(model: type[BaseModel]) -> str:
    return inspect.cleandoc(model.__doc__ or "")


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _reachable(model: type[BaseModel], described: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    if model in described:
        return
    described.add(model)
    yield model
    for info in model.model_fields.values():
        for inner in _models_in(info.annotation):
            yield from _reachable(inner, described)


def _table(model: type[BaseModel]) -> str:
    schema = structural(model)
    rows = ["| Field | Type | Default | |\n|---|---|---|---|\n"]
    for (name, field), info in zip(schema["properties"].items(), model.model_fields.values(), strict=True):
        default = "required" if name in schema.get("required", []) else _default(field)
        text = field.get("description", "").replace("\n", " ").replace("|", "\\|")
        rows.append(f"| `{name}` | {_type(field, _models_in(info.annotation))} | {default} | {text} |\n")
    return "".join(rows)


def _default(field: Schema) -> str:
    value = field.get("default")
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, list):
        return ", ".join(f"`{item['name']}`" for item in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type(field: Schema, models: list[type[BaseModel]]) -> str:
    kind: str = field.get("type", "any value")
    match kind:
        case _ if field.get("x-kubernetes-int-or-string"):
            kind = f"integer{_range(field)} or `{field['pattern'].strip('^$')}`"
        case "array":
            kind = f"list of {_type(field['items'], models)}, at most {field['maxItems']}"
        case "object" if models:
            kind = models[0].__name__
        case "object":
            kind = f"map, at most {field['maxProperties']}" if "additionalProperties" in field else "manifest"
        case "string" if "enum" in field:
            kind = ", ".join(f"`{choice}`" for choice in field["enum"])
        case "string" if field.get("format") == "date-time":
            kind = "time"
        case "string" if "ms|s|m|h" in field.get("pattern", ""):
            kind = "duration or `auto`" if "auto" in field["pattern"] else "duration"
        case _:
            kind += _range(field)
    return kind


def _range(field: dict[str, Any]) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if low is None and high is None:
        return ""
    above = "more than " if field.get("exclusiveMinimum") else ""
    return f" {above}{low} to {high}" if high is not None else f" from {low}"
