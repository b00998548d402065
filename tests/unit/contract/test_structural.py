"""The generator rewrites what it knows, and raises on what it does not."""

from fractions import Fraction
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, StringConstraints
from pydantic.json_schema import PydanticJsonSchemaWarning

from videojob_contract.crd.definitions import DEFINITIONS, custom_resource_definition
from videojob_contract.crd.structural import UnknownSchemaError, structural, without_defaults
from videojob_contract.resources.base import Duration, Manifest, Model, Rule, rules

Short = Annotated[str, StringConstraints(max_length=9)]


class Inner(Model):
    """The inner one."""

    kind: Literal["only"] = "only"


class Sample(Model):
    """A bit of everything."""

    model_config = rules(Rule("has(self.inner)", "inner is required", ".inner"))

    inner: Inner | None = None
    """What is within."""
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    count: Annotated[int, Field(ge=1)] | Literal["auto"] = 1
    length: Duration = Fraction(600)
    tags: Annotated[dict[Short, Short], Field(max_length=4)] = {}  # noqa: RUF012
    values: Annotated[dict[Short, bool | int | Short], Field(max_length=4)] | None = None
    source: Manifest


def test_every_rewrite() -> None:
    assert structural(Sample) == {
        "type": "object",
        "description": "A bit of everything.",
        "required": ["source"],
        "x-kubernetes-validations": [
            {"rule": "has(self.inner)", "message": "inner is required", "reason": "FieldValueInvalid",
             "fieldPath": ".inner"},
        ],
        "properties": {
            "inner": {
                "type": "object",
                "nullable": True,
                "description": "What is within.",
                "properties": {"kind": {"type": "string", "enum": ["only"], "default": "only"}},
            },
            "share": {
                "type": "number",
                "minimum": 0,
                "exclusiveMinimum": True,
                "maximum": 1,
                "exclusiveMaximum": True,
                "default": 0.5,
            },
            "count": {
                "x-kubernetes-int-or-string": True,
                "minimum": 1,
                "pattern": "^auto$",
                "maxLength": 4,
                "default": 1,
            },
            "length": {
                "type": "string",
                "pattern": "^([0-9]{1,9}(\\.[0-9]{1,9})?(ms|s|m|h))+$",
                "maxLength": 32,
                "default": "10m",
            },
            "tags": {
                "type": "object",
                "maxProperties": 4,
                "additionalProperties": {"type": "string", "maxLength": 9},
                "default": {},
            },
            "values": {
                "type": "object",
                "nullable": True,
                "maxProperties": 4,
                "x-kubernetes-preserve-unknown-fields": True,
            },
            "source": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (str, "a string without a bound"),
        (list[Short], "a list without a bound"),
        (dict[str, Short], "a map without a bound"),
        (Short | Inner, "no rewrite for a union of object and string"),
        (Annotated[Short, Field(json_schema_extra={"contentEncoding": "base64"})], "no rewrite for contentEncoding"),
        (Annotated[list[Short], Field(max_length=3, json_schema_extra={"uniqueItems": True})], "uniqueItems"),
        (tuple[Short, Short], "no rewrite for prefixItems"),
        (Any, "no type"),
    ],
)
def test_what_it_does_not_know_raises_with_the_path(annotation: Any, message: str) -> None:
    class Strange(Model):
        """A model with a field that cannot be rewritten."""

        field: annotation

    with pytest.raises(UnknownSchemaError, match=r"^Strange\.field.*" + message):
        structural(Strange)


def test_a_default_that_cannot_be_written_raises() -> None:
    class Strange(Model):
        """A model whose default is no value of its field."""

        length: Duration = object()  # type: ignore[assignment]

    with pytest.raises(PydanticJsonSchemaWarning, match="Unable to serialize value"):
        structural(Strange)


def test_a_status_has_no_defaults() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"default": 1}, "default": []}}}
    assert without_defaults(schema) == {"type": "object", "properties": {"a": {"type": "array", "items": {}}}}


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.kind)
def test_every_field_is_described(definition: Any) -> None:
    undescribed: list[str] = []

    def walk(schema: dict[str, Any], path: str) -> None:
        for name, field in schema.get("properties", {}).items():
            if "description" not in field:
                undescribed.append(f"{path}.{name}")
            walk(field, f"{path}.{name}")
            walk(field.get("items", {}), f"{path}.{name}[]")

    version = custom_resource_definition(definition)["spec"]["versions"][0]
    for part in {"spec", "status"} & version["schema"]["openAPIV3Schema"]["properties"].keys():
        walk(version["schema"]["openAPIV3Schema"]["properties"][part], part)
    assert undescribed == []


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.kind)
def test_what_the_pool_decides_has_no_default(definition: Any) -> None:
    version = custom_resource_definition(definition)["spec"]["versions"][0]
    fields = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    decided = {"deadline", "softDeadline", "retry", "ttlAfterFinished", "canvas", "outputs", "defaults"}
    assert not [name for name in decided & fields.keys() if "default" in fields[name]]


def test_a_field_is_described_where_it_is_inherited() -> None:
    class Less(Model):
        """One with a field."""

        frame_count: Annotated[int, Field(ge=0)] = 0
        """How many
        there are.
        """

    class More(Less):
        """One with another."""

        rest: Annotated[int, Field(ge=0)] = 0
        """What is left."""

    properties = structural(More)["properties"]
    assert {name: field["description"] for name, field in properties.items()} == {
        "frameCount": "How many\nthere are.",
        "rest": "What is left.",
    }
