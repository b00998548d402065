"""The OpenAPI document: the routes as FastAPI has them, and the resources as the contract has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from videojob_contract.crd.structural import structural
from videojob_contract.resources import VideoJobSpec, VideoJobStatus
from videojob_contract.version import __version__
from videojob_gateway import look_models, models
from videojob_gateway.job_view import UNLISTED_SPEC, UNLISTED_STATUS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from fastapi import FastAPI

    Schema = dict[str, Any]

BODIES = (models.NewJob, models.NewJobs, models.Move, look_models.ProbeQuestion)
"""What routes read by themselves, and so FastAPI does not know."""
_DESCRIPTION = (
    "Videos, rendered: submit, follow and fetch them. Every error is a problem detail (RFC 9457), with one word for "
    "programs and the path of each field that is wrong."
)


def document(app: FastAPI) -> Schema:
    """Return the document of an application."""
    found = get_openapi(
        title="VideoJob gateway", version=__version__, description=_DESCRIPTION, routes=app.routes, tags=_TAGS
    )
    _, bodies = models_json_schema(
        [(model, "validation") for model in BODIES], ref_template="#/components/schemas/{model}", by_alias=True
    )
    schemas = found["components"].setdefault("schemas", {})
    schemas |= bodies["$defs"]
    spec, status = structural(VideoJobSpec), structural(VideoJobStatus)
    spec.pop("required", None)  # clips, but where there is a template
    shown = {
        "NewSpec": spec,
        "Spec": spec,
        "Status": status,
        "ListedSpec": _without(spec, UNLISTED_SPEC),
        "ListedStatus": _without(status, UNLISTED_STATUS),
    }
    schemas |= {name: _of_openapi(schema) for name, schema in shown.items()}
    for name in shown.keys() - {"NewSpec"}:  # a newer operator may have more than this version knows
        schemas[name].pop("additionalProperties", None)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _put_in_place(found)
    for operation in _operations(found):
        # FastAPI's own word for a parameter that is wrong; ours is the same problem detail for every error.
        if "422" in operation["responses"] and "ValidationError" in str(operation["responses"]["422"]):
            operation["responses"]["422"] = _PROBLEM | {"description": "A parameter is wrong."}
    return found


_TAGS = [
    {"name": "jobs", "description": "VideoJobs."},
    {"name": "hooks", "description": "What other programs tell."},
    {"name": "looks", "description": "What idle workers see before anything is queued."},
    {"name": "live", "description": "What changes, as it does."},
    {"name": "assets", "description": "Media that users bring."},
    {"name": "outputs", "description": "What was made."},
    {"name": "templates", "description": "What VideoJobs can be made of."},
    {"name": "pools", "description": "Where they are rendered."},
    {"name": "callers", "description": "Who calls."},
    {"name": "health", "description": "For those who run the gateway."},
]
_PROBLEM: Schema = {
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
}


def _operations(found: Schema) -> Iterator[Schema]:
    for methods in found["paths"].values():
        yield from methods.values()


def _without(schema: Schema, names: Collection[str]) -> Schema:
    properties = {name: value for name, value in schema["properties"].items() if name not in names}
    return {**schema, "properties": properties}


def _of_openapi(schema: Any) -> Any:
    """Turn a schema as CRDs have it into one of OpenAPI 3.1, in which null is a type."""
    if isinstance(schema, list):
        return [_of_openapi(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _of_openapi(value) for name, value in schema.items() if not name.startswith("x-kubernetes-")}
    if schema.get("x-kubernetes-int-or-string"):
        plain["type"] = ["integer", "string"]
    if plain.get("nullable") is True:
        del plain["nullable"]
        if "enum" in plain:
            plain["enum"] = [*plain["enum"], None]
        if isinstance(kind := plain.get("type"), str):
            plain["type"] = [kind, "null"]
        elif isinstance(kind, list):
            plain["type"] = [*kind, "null"]
    return plain


def _put_in_place(node: Any) -> None:
    """Put references in the place of what stands for a component."""
    if isinstance(node, list):
        for each in node:
            _put_in_place(each)
    elif isinstance(node, dict):
        if isinstance(name := node.pop(models.REFERENCE, None), str):
            node["$ref"] = f"#/components/schemas/{name}"
        for each in node.values():
            _put_in_place(each)
