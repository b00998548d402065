"""From pydantic's JSON schema to a structural schema, which is all that the API server accepts.

Refused there and rewritten here: `$ref` (put in place), `const` (an enum of one), `anyOf` with null
(`nullable`), `anyOf` of a number and a string (int-or-string), numeric `exclusiveMinimum` (a boolean beside
`minimum`), `additionalProperties: false` (dropped: the server prunes or refuses unknown fields by itself),
mixed unions and free manifests (`x-kubernetes-preserve-unknown-fields`). Whatever else there may be raises,
and so does anything without a bound, because from the bounds the server estimates what the rules cost.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import warnings
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, PydanticJsonSchemaWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic_core.core_schema import ModelSchema

Schema = dict[str, Any]

# Taken as they are.
_PLAIN = {
    "type",
    "description",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
    "multipleOf",
    "required",
    "format",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
}
# `propertyNames` has no counterpart; the bound of a map is its number of keys.
_DROPPED = {"title", "$defs", "propertyNames"}
_FREE: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_ANYTHING: Schema = {"x-kubernetes-preserve-unknown-fields": True}


class UnknownSchemaError(Exception):
    """A schema that the generator does not know how to rewrite."""


def structural(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model in its wire form.

    Raises:
        UnknownSchemaError: with the path of what cannot be rewritten or has no bound.
    """
    # Of "serialization", because its defaults are those of the wire: "10m", where "validation" has 600.
    with warnings.catch_warnings():
        # It warns of a default that it cannot write, and leaves it out.
        warnings.simplefilter("error", PydanticJsonSchemaWarning)
        document = model.model_json_schema(mode="serialization", schema_generator=_Documented)
    return _Rewriter(document.get("$defs", {})).rewrite(document, model.__name__)


def without_defaults(schema: Schema) -> Schema:
    """Return the schema without defaults at any depth, as for a status, which has one writer."""
    out = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in schema:
        out["properties"] = {name: without_defaults(each) for name, each in schema["properties"].items()}
    if "items" in schema:
        out["items"] = without_defaults(schema["items"])
    return out


def without_transition_rules(schema: Schema) -> Schema:
    """Return the schema without rules on what may change, at any depth: of a template, all may."""
    out = dict(schema)
    if rules := schema.get("x-kubernetes-validations"):
        out["x-kubernetes-validations"] = [rule for rule in rules if "oldSelf" not in rule["rule"]]
    if "properties" in schema:
        out["properties"] = {name: without_transition_rules(each) for name, each in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            out[key] = without_transition_rules(schema[key])
    return out


class _Documented(GenerateJsonSchema):
    """Describes fields by the docstrings below them.

    Pydantic's own way (`use_attribute_docstrings`) reads and parses the source of every model wherever it is imported,
    which workers and operators would do at each start.
    """

    def model_schema(self, schema: ModelSchema) -> Schema:
        document = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        for name, text in _docstrings(model).items():
            document["properties"][model.model_fields[name].serialization_alias or name]["description"] = text
        return document


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings of a model's fields by their names, also of those that it inherits."""
    found: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        if not issubclass(parent, BaseModel) or parent is BaseModel:
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(parent))).body
        for field, below in pairwise(getattr(definition, "body", ())):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = inspect.cleandoc(text)
    return found


class _Rewriter:
    """Rewrites the parts of one document; `definitions` is what its `$ref`s refer to."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._rewrites: dict[str, Callable[[Any, Schema, str], Schema]] = {
            "properties": self._properties,
            "items": lambda value, _, path: {"items": self.rewrite(value, f"{path}[]")},
            "additionalProperties": self._additional_properties,
            "const": lambda value, _, __: {"enum": [value]},
            "default": self._default,
            "exclusiveMinimum": lambda value, _, __: {"minimum": value, "exclusiveMinimum": True},
            "exclusiveMaximum": lambda value, _, __: {"maximum": value, "exclusiveMaximum": True},
        }

    def rewrite(self, schema: Schema, path: str) -> Schema:
        schema = self._put_in_place(schema)
        if "anyOf" in schema:
            schema = self._union(schema, path)
            if schema.get("x-kubernetes-preserve-unknown-fields"):
                return schema
        out: Schema = {}
        for key, value in schema.items():
            if key in _DROPPED:
                continue
            if key in self._rewrites:
                out |= self._rewrites[key](value, schema, path)
            elif key in _PLAIN or key in {"nullable", "x-kubernetes-int-or-string"}:
                out[key] = value
            else:
                raise UnknownSchemaError(f"{path}: no rewrite for {key}: {value!r}")
        _check_bounds(out, path)
        return out

    def _put_in_place(self, schema: Schema) -> Schema:
        if "$ref" not in schema:
            return schema
        definition = self._definitions[schema["$ref"].removeprefix("#/$defs/")]
        return definition | {key: value for key, value in schema.items() if key != "$ref"}

    def _union(self, schema: Schema, path: str) -> Schema:
        """Make one schema of the alternatives; what stands beside `anyOf`, such as a description, wins."""
        beside = {key: value for key, value in schema.items() if key != "anyOf"}
        alternatives = [self._put_in_place(each) for each in schema["anyOf"]]
        nullable = {"nullable": True} if {"type": "null"} in alternatives else {}
        alternatives = [each for each in alternatives if each != {"type": "null"}]
        types = sorted(each.get("type", "?") for each in alternatives)
        match types:
            case [_]:
                return alternatives[0] | beside | nullable
            case ["integer", "string"]:
                return _int_or_string(alternatives) | beside | nullable
            case ["array" | "boolean", *_] if "object" not in types and "?" not in types:
                return _ANYTHING | {key: value for key, value in beside.items() if key == "description"}
        raise UnknownSchemaError(f"{path}: no rewrite for a union of {' and '.join(types)}")

    def _properties(self, value: Mapping[str, Schema], _: Schema, path: str) -> Schema:
        return {"properties": {name: self.rewrite(each, f"{path}.{name}") for name, each in value.items()}}

    def _additional_properties(self, value: bool | Schema, schema: Schema, path: str) -> Schema:  # noqa: FBT001 - JSON schema has it so
        if value is False:
            return {}
        if value is True:
            return dict(_FREE)
        if "properties" in schema:
            raise UnknownSchemaError(f"{path}: both properties and additionalProperties")
        inner = self.rewrite(value, f"{path}{{}}")
        if inner == _ANYTHING:
            # On the map and not on its values: rules cannot refer to a map whose values have no type.
            return _ANYTHING
        return {"additionalProperties": inner}

    def _default(self, value: object, _: Schema, __: str) -> Schema:
        return {} if value is None else {"default": _without_nulls(value)}


def _int_or_string(alternatives: list[Schema]) -> Schema:
    out: Schema = {"x-kubernetes-int-or-string": True}
    for each in alternatives:
        # Bounds of numbers hold for numbers alone, and patterns for strings alone: they can stand together.
        rest = {key: value for key, value in each.items() if key not in {"type", "const", "title"}}
        out |= rest | ({"pattern": f"^{each['const']}$", "maxLength": len(each["const"])} if "const" in each else {})
    return out


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value


def _check_bounds(schema: Schema, path: str) -> None:
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    match schema.get("type"):
        case "string" if not schema.keys() & {"maxLength", "enum", "format"}:
            raise UnknownSchemaError(f"{path}: a string without a bound")
        case "array" if "maxItems" not in schema:
            raise UnknownSchemaError(f"{path}: a list without a bound")
        case "object" if "additionalProperties" in schema and "maxProperties" not in schema:
            raise UnknownSchemaError(f"{path}: a map without a bound")
        case "object" if not schema.keys() & {"properties", "additionalProperties"}:
            raise UnknownSchemaError(f"{path}: an object without fields")
        case None if "x-kubernetes-int-or-string" not in schema:
            raise UnknownSchemaError(f"{path}: no type")
