"""Widening a schema, so that a template may stand wherever it has a scalar.

A structural schema cannot say "a number or this text". What it can say is used:

| a field of | becomes | and keeps |
|---|---|---|
| text | the same, with the template as another pattern; a choice becomes a pattern | all |
| integer | `x-kubernetes-int-or-string` | bounds |
| number, boolean | any value (`x-kubernetes-preserve-unknown-fields`) but maps, lists and text | bounds of numbers |

`worded` then makes rules of the patterns. No validation rule can name a field of the third kind, but rules that
compare the whole timeline see it. `kubectl explain` calls the second and the third `<Object>`, so their
descriptions say what they are. What the server cannot check is checked at acceptance: there the models see the
values, and not the templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.crd.structural import Schema, UnknownSchemaError

if TYPE_CHECKING:
    from collections.abc import Callable

TEMPLATE_PATTERN = r"\{\{.+\}\}"
_ROOM = 256  # for a template where a value is shorter
_STRING: Schema = {"pattern": TEMPLATE_PATTERN, "maxLength": _ROOM}
_NO_MAP_OR_LIST: Schema = {"maxProperties": 0, "maxItems": 0}


def with_templates(schema: Schema, path: str) -> Schema:
    """Return a structural schema that takes a template in place of every scalar.

    Raises:
        UnknownSchemaError: with the path of what cannot be widened.
    """
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {**schema, "pattern": _or_template(schema["pattern"]), "maxLength": _ROOM}
    widen = _BY_TYPE.get(schema["type"])
    if widen is None:
        raise UnknownSchemaError(f"{path}: no way to take a template for {schema['type']}")
    return widen(schema, path)


def _or_template(pattern: str) -> str:
    return f"{pattern}|{TEMPLATE_PATTERN}"


def _object(schema: Schema, path: str) -> Schema:
    out = dict(schema)
    if "properties" in schema:
        out["properties"] = {
            name: with_templates(each, f"{path}.{name}") for name, each in schema["properties"].items()
        }
    if "additionalProperties" in schema:
        out["additionalProperties"] = with_templates(schema["additionalProperties"], f"{path}{{}}")
    return out


def _array(schema: Schema, path: str) -> Schema:
    return {**schema, "items": with_templates(schema["items"], f"{path}[]")}


def _string(schema: Schema, path: str) -> Schema:
    if "format" in schema:
        raise UnknownSchemaError(f"{path}: no way to take a template for the format {schema['format']}")
    if "enum" in schema:
        choices = "|".join(schema["enum"])
        rest = {key: value for key, value in schema.items() if key != "enum"}
        # The choices stand in the pattern, and for people in the description.
        return _described(
            {**rest, "pattern": _or_template(f"^({choices})$"), "maxLength": _ROOM},
            f"One of {', '.join(schema['enum'])}.",
        )
    pattern = {"pattern": _or_template(schema["pattern"])} if "pattern" in schema else {}
    return {**schema, **pattern, "maxLength": max(schema["maxLength"], _ROOM)}


def _integer(schema: Schema, _: str) -> Schema:
    rest = {key: value for key, value in schema.items() if key != "type"}
    widened = {**rest, "x-kubernetes-int-or-string": True, **_STRING}
    return _described(widened, f"An integer{bounds(schema)}, or a template.")


def _number(schema: Schema, _: str) -> Schema:
    words = f"a number{bounds(schema)}, or a template"
    return _described(_anything(schema, words), f"{words.capitalize()}.")


def _boolean(schema: Schema, _: str) -> Schema:
    words = "true, false, or a template"
    return _described(_anything(schema, words), f"{words.capitalize()}.")


def _anything(schema: Schema, words: str) -> Schema:
    rest = {key: value for key, value in schema.items() if key != "type"}
    # Nothing follows an end, so no text matches the words: they are for people, whom the server shows the pattern.
    pattern = {"pattern": f"{words}$.|{TEMPLATE_PATTERN}"}
    return {**rest, "x-kubernetes-preserve-unknown-fields": True, **_STRING, **pattern, **_NO_MAP_OR_LIST}


def _described(schema: Schema, words: str) -> Schema:
    return {**schema, "description": f"{schema['description']} {words}" if "description" in schema else words}


def bounds(schema: Schema) -> str:
    """Return the bounds of a number in words, as ` from 2 to 8`; empty when it has none."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None:
        return "" if high is None else f" of at most {high:g}"
    if schema.get("exclusiveMinimum"):
        return f" above {low:g}" + (f" and up to {high:g}" if high is not None else "")
    return f" from {low:g}" + (f" to {high:g}" if high is not None else "")


_BY_TYPE: dict[str, Callable[[Schema, str], Schema]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}
