"""VideoTemplate: a timeline that is stored, with the parameters that VideoJobs give it."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from videojob_contract.resources.base import BY_NAME, Manifest, Model, Rule, Text, rules
from videojob_contract.resources.videojob import ParameterValue

PARAMETER_NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_-]*$"


class ParameterType(StrEnum):
    """What a parameter's value is."""

    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"


class TemplateParameter(Model):
    """A value that a VideoJob gives, or may give."""

    model_config = rules(
        Rule(
            "!has(self.pattern) || !has(self.type) || self.type == 'string'",
            "is for parameters of the type string",
            ".pattern",
            "FieldValueForbidden",
        )
    )

    name: Annotated[str, StringConstraints(pattern=PARAMETER_NAME_PATTERN, max_length=63)]
    """Its name, as `{{ name }}` in the timeline has it."""
    type: ParameterType = ParameterType.STRING
    """What its value is. A number that is given for a string is taken as text."""
    description: Annotated[str, StringConstraints(max_length=512)] = ""
    """What it is for, for people; said where it is missing or wrong."""
    default: ParameterValue | None = None
    """Its value where a VideoJob gives none. Without one, each VideoJob has to."""
    pattern: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = None
    """A regular expression of RE2 that the whole of a string has to match."""
    enum: Annotated[list[ParameterValue], Field(min_length=1, max_length=64)] | None = None
    """The values that there are to choose from."""


class VideoTemplateSpec(Model):
    """A timeline and its parameters."""

    description: Text = ""
    """What it is for, for people."""
    parameters: Annotated[list[TemplateParameter], Field(max_length=64, json_schema_extra=BY_NAME)] = []
    """What VideoJobs give in `spec.parameters`, and nothing else."""
    timeline: Manifest
    """What is rendered: `canvas`, `clips`, `overlays`, `subtitles`, `audio` and `outputs` of a VideoJob, with the
    parameters in them as `{{ name }}`."""


class VideoTemplate(Model):
    """A timeline with parameters, from which VideoJobs are made by `spec.templateRef`."""

    api_version: Literal["videojob.dev/v1alpha1"] = "videojob.dev/v1alpha1"
    kind: Literal["VideoTemplate"] = "VideoTemplate"
    metadata: dict[str, Any] = {}
    """Kubernetes' own."""
    spec: VideoTemplateSpec
    """A timeline and its parameters."""
