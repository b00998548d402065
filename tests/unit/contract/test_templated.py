"""Schemas that take a template keep what can be kept, and say the rest in words."""

import re
from typing import Any

import pytest

from videojob_contract.crd.definitions import DEFINITIONS, RENDERPOOL, VIDEOJOB, resource_schema
from videojob_contract.crd.structural import UnknownSchemaError
from videojob_contract.crd.templated import TEMPLATE_PATTERN, with_templates
from videojob_contract.crd.worded import TEMPLATE_IN_RULES, worded
from videojob_contract.resources.videojob import TEMPLATED_FIELDS


def anything(words: str) -> dict[str, Any]:
    return {
        "x-kubernetes-preserve-unknown-fields": True,
        "pattern": rf"{words.lower()}$.|\{{\{{.+\}}\}}",
        "maxLength": 256,
        "maxProperties": 0,
        "maxItems": 0,
        "description": f"{words}.",
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
         {**anything("A number above 0 and up to 1, or a template"), "minimum": 0, "exclusiveMinimum": True,
          "maximum": 1, "default": 0.5}),
        ({"type": "number", "maximum": 5},
         {**anything("A number of at most 5, or a template"), "maximum": 5}),
        ({"type": "number", "minimum": 5},
         {**anything("A number from 5, or a template"), "minimum": 5}),
        ({"type": "number"}, anything("A number, or a template")),
        ({"type": "boolean", "default": False},
         {**anything("True, false, or a template"), "default": False}),
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
    videojob, renderpool = (resource_schema(definition)["properties"]["spec"] for definition in (VIDEOJOB, RENDERPOOL))
    taking = {name for name, schema in videojob["properties"].items() if TEMPLATE_IN_RULES in str(schema)}
    assert taking == set(TEMPLATED_FIELDS)
    assert "{{" not in str(renderpool)
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


def test_a_text_that_is_no_value_never_matches_the_words_of_a_pattern() -> None:
    pattern = anything("A number from 0 to 1, or a template")["pattern"]
    for text in ("a number from 0 to 1, or a template", "a number from 0 to 1, or a template.", "50%"):
        assert re.search(pattern, text) is None
    assert re.search(pattern, "{{ share }}")


@pytest.mark.parametrize(
    ("schema", "rule", "message"),
    [
        ({"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}, "self.matches(r'^#[0-9a-fA-F]{6}$')",
         "is not a colour: write"),
        ({"type": "string", "pattern": r"^(a|b)$|\{\{.+\}\}"}, "self.matches(r'^(a|b)$|{{.+}}')", "is none of a, b"),
        ({"x-kubernetes-int-or-string": True, "minimum": 2, "pattern": "^auto$"},
         "type(self) == int || self.matches(r'^auto$')", "is not an integer from 2 or auto"),
        ({"x-kubernetes-int-or-string": True, "minimum": 2, "maximum": 4, "pattern": r"\{\{.+\}\}"},
         "type(self) == int || self.matches(r'{{.+}}')", "is not an integer from 2 to 4, or a template"),
    ],
)  # fmt: skip
def test_a_pattern_becomes_a_rule_with_words_wherever_it_stands(
    schema: dict[str, Any], rule: str, message: str
) -> None:
    made = worded(schema, "x")
    assert "pattern" not in made
    [found] = made["x-kubernetes-validations"]
    assert found["rule"] == rule
    assert found["message"].startswith(message)
    assert found["message"].replace("'", "\\'") in found["messageExpression"]
    inside = {"type": "object", "properties": {"a": {"type": "array", "items": schema}}}
    assert worded(inside, "x")["properties"]["a"]["items"] == made
    assert worded({"type": "object", "additionalProperties": schema}, "x")["additionalProperties"] == made


def test_a_rule_stands_beside_those_that_are_there() -> None:
    there = {"rule": "self != 'a'", "message": "no"}
    made = worded({"type": "string", "pattern": "^[a-z]{3}$", "x-kubernetes-validations": [there]}, "x")
    assert [each["message"][:16] for each in made["x-kubernetes-validations"]] == ["no", "is not a languag"]


def test_a_pattern_without_words_raises_with_the_path() -> None:
    with pytest.raises(UnknownSchemaError, match=r"^x\.a: no words for the pattern \^odd\$"):
        worded({"type": "object", "properties": {"a": {"type": "string", "pattern": "^odd$"}}}, "x")
