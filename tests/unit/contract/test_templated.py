"""Schemas that take a template keep what can be kept, and say the rest in words."""

import re
from typing import Any

import pytest

from videojob_contract.crd.definitions import DEFINITIONS, resource_schema
from videojob_contract.crd.structural import UnknownSchemaError
from videojob_contract.crd.templated import TEMPLATE_PATTERN, with_templates
from videojob_contract.resources.videojob import TEMPLATED_FIELDS

ANYTHING = {
    "x-kubernetes-preserve-unknown-fields": True,
    "pattern": TEMPLATE_PATTERN,
    "maxLength": 256,
    "maxProperties": 0,
    "maxItems": 0,
}


@pytest.mark.parametrize(
    ("schema", "widened"),
    [
        ({"type": "string", "maxLength": 4096}, {"type": "string", "maxLength": 4096}),
        ({"type": "string", "maxLength": 7, "pattern": "^a$"},
         {"type": "string", "maxLength": 256, "pattern": r"^a$|\{\{.+\}\}"}),
        ({"type": "string", "enum": ["a", "b"], "default": "a", "description": "Which."},
         {"type": "string", "maxLength": 256, "pattern": r"^(a|b)$|\{\{.+\}\}", "default": "a",
          "description": "Which. One of a, b."}),
        ({"type": "integer", "minimum": 2, "maximum": 8, "multipleOf": 2, "nullable": True},
         {"x-kubernetes-int-or-string": True, "minimum": 2, "maximum": 8, "multipleOf": 2, "nullable": True,
          "pattern": TEMPLATE_PATTERN, "maxLength": 256, "description": "An integer from 2 to 8, or a template."}),
        ({"x-kubernetes-int-or-string": True, "minimum": 2, "pattern": "^auto$", "maxLength": 4},
         {"x-kubernetes-int-or-string": True, "minimum": 2, "pattern": r"^auto$|\{\{.+\}\}", "maxLength": 256}),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 1, "default": 0.5},
         {**ANYTHING, "minimum": 0, "exclusiveMinimum": True, "maximum": 1, "default": 0.5,
          "description": "A number above 0 and up to 1, or a template."}),
        ({"type": "number", "maximum": 5},
         {**ANYTHING, "maximum": 5, "description": "A number of at most 5, or a template."}),
        ({"type": "number", "minimum": 5},
         {**ANYTHING, "minimum": 5, "description": "A number from 5, or a template."}),
        ({"type": "number"}, {**ANYTHING, "description": "A number, or a template."}),
        ({"type": "boolean", "default": False},
         {**ANYTHING, "default": False, "description": "True, false, or a template."}),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True},
         {"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
    ],
)  # fmt: skip
def test_every_kind(schema: dict[str, Any], widened: dict[str, Any]) -> None:
    assert with_templates(schema, "x") == widened
    inside = {"type": "object", "properties": {"a": {"type": "array", "maxItems": 3, "items": schema}}}
    assert with_templates(inside, "x")["properties"]["a"] == {"type": "array", "maxItems": 3, "items": widened}
    a_map = {"type": "object", "maxProperties": 3, "additionalProperties": schema}
    assert with_templates(a_map, "x") == {**a_map, "additionalProperties": widened}


@pytest.mark.parametrize("schema", [{"type": "null"}, {"type": "string", "format": "date-time"}])
def test_what_cannot_take_a_template_raises_with_the_path(schema: dict[str, Any]) -> None:
    with pytest.raises(UnknownSchemaError, match=r"^x\.a: no way to take a template"):
        with_templates({"type": "object", "properties": {"a": schema}}, "x")


def test_only_the_timeline_takes_templates() -> None:
    videojob, renderpool = (resource_schema(definition)["properties"]["spec"] for definition in DEFINITIONS)
    taking = {
        name for name, schema in videojob["properties"].items() if TEMPLATE_PATTERN in str(schema).replace("\\\\", "\\")
    }
    assert taking == set(TEMPLATED_FIELDS)
    assert r"\{\{" not in str(renderpool)


def test_no_rule_names_what_may_be_of_any_type() -> None:
    """The API server would refuse the CRD: such a field has no type to check the rule by."""

    def walk(schema: dict[str, Any], path: str) -> None:
        untyped = [name for name, each in schema.get("properties", {}).items() if "type" not in each]
        for rule in schema.get("x-kubernetes-validations", []):
            named = set(re.findall(r"\bself\.(\w+)", rule["rule"]))
            assert not named & set(untyped), f"{path}: {rule['rule']}"
        for name, each in schema.get("properties", {}).items():
            walk(each, f"{path}.{name}")
        if "items" in schema:
            walk(schema["items"], f"{path}[]")

    for definition in DEFINITIONS:
        walk(resource_schema(definition), definition.kind)
