"""Tools: each is a route of the gateway, with the arguments that the OpenAPI document says it has. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from videojob_gateway.mcp.messages import INVALID_PARAMS, RpcError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Schema = dict[str, Any]

_KEY: Final = "idempotency-key"
_NAMES: Final = {_KEY: "idempotencyKey"}
"""Headers that are arguments."""
_SPEC: Final = "#/components/schemas/NewSpec"
_LONGEST_WAIT_S: Final = 600
_OPTIONS: Final = {"readOnlyHint": True, "destructiveHint": False, "openWorldHint": False}


@dataclass(frozen=True, slots=True)
class Tool:
    """A route by the name that it has as a tool."""

    name: str
    method: str
    path: str
    hidden: frozenset[str] = frozenset()
    """Its parameters that are no arguments."""
    reads: bool = True
    """Whether nothing is changed by it."""


TOOLS: Final = (
    Tool("submit_video", "post", "/api/v1/jobs", reads=False),
    Tool("list_videos", "get", "/api/v1/jobs"),
    Tool("get_video", "get", "/api/v1/jobs/{id}"),
    Tool("cancel_video", "delete", "/api/v1/jobs/{id}", frozenset({"purge"}), reads=False),
    Tool("validate_video", "post", "/api/v1/validate"),
    Tool("plan_video", "post", "/api/v1/plan"),
    Tool("preview_video", "post", "/api/v1/preview"),
    Tool("probe_source", "post", "/api/v1/probe"),
    Tool("list_templates", "get", "/api/v1/templates"),
    Tool("list_pools", "get", "/api/v1/pools"),
)
WAIT: Final[Schema] = {
    "name": "wait_for_video",
    "description": "Wait until a VideoJob has finished, and tell how far it is meanwhile. When the time is over before "
    "that, it is returned as it is then: wait again.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "Its name or its UID."},
            "timeoutSeconds": {"type": "number", "minimum": 1, "maximum": _LONGEST_WAIT_S, "default": 60},
        },
        "required": ["id"],
        "additionalProperties": False,
    },
    "annotations": _OPTIONS,
}
DESCRIBE: Final[Schema] = {
    "name": "describe_spec",
    "description": "Say what a field of a VideoJob's spec may have, as JSON Schema: clips, overlays, subtitles, audio, "
    "outputs or another. Ask before you write one.",
    "inputSchema": {
        "type": "object",
        "properties": {"field": {"type": "string", "description": "Such as clips."}},
        "required": ["field"],
        "additionalProperties": False,
    },
    "annotations": _OPTIONS,
}


@dataclass(frozen=True, slots=True)
class Call:
    """A request of HTTP to a route of the gateway."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def listed_tools(document: Mapping[str, Any]) -> list[Schema]:
    """Return all tools, as `tools/list` shows them, by the gateway's OpenAPI document."""
    return [*(_listed(tool, document) for tool in TOOLS), WAIT, DESCRIBE]


def call_of(name: str, arguments: Mapping[str, Any], document: Mapping[str, Any]) -> Call:
    """Return the request that a tool is.

    Raises:
        RpcError: there is no such tool, or it has no such argument.
    """
    tool = next((each for each in TOOLS if each.name == name), None)
    if tool is None:
        raise RpcError(INVALID_PARAMS, f"there is no tool {name[:80]!r}")
    operation = document["paths"][tool.path][tool.method]
    parameters = _parameters(tool, operation)
    of_body = _body(operation, document).get("properties", {})
    check_arguments(arguments, {_argument(each) for each in parameters} | of_body.keys())
    path, query, headers = tool.path, list[tuple[str, str]](), list[tuple[str, str]]()
    for each in parameters:
        value = arguments.get(_argument(each))
        match each["in"], value:
            case "path", None | "":
                raise RpcError(INVALID_PARAMS, f"{each['name']} is required")
            case "path", _:
                path = path.replace("{" + each["name"] + "}", quote(_word(value), safe=""))
            case _, None:
                pass
            case "header", _:
                headers.append((each["name"], _word(value)))
            case _, list():
                query += [(each["name"], _word(item)) for item in value]
            case _:
                query.append((each["name"], _word(value)))
    body = {field: value for field, value in arguments.items() if field in of_body}
    sent = json.dumps(body).encode() if "requestBody" in operation else b""
    return Call(tool.method.upper(), path, urlencode(query), tuple(headers), sent)


def check_arguments(arguments: Mapping[str, Any], known: set[str]) -> None:
    """Raise `RpcError` for an argument that is not known."""
    if unknown := sorted(arguments.keys() - known):
        words = f"{unknown[0][:80]!r} is no argument here; these are: {', '.join(sorted(known))}"
        raise RpcError(INVALID_PARAMS, words)


def wait_of(arguments: Mapping[str, Any]) -> tuple[Call, Call, float]:
    """Return how a VideoJob is followed, how it is read at the end, and how long is waited, in seconds.

    Raises:
        RpcError: it is not said which, or for how long.
    """
    check_arguments(arguments, {"id", "timeoutSeconds"})
    identity, timeout_s = arguments.get("id"), arguments.get("timeoutSeconds", 60)
    if not isinstance(identity, str) or not identity:
        raise RpcError(INVALID_PARAMS, "id is a VideoJob's name or UID")
    if type(timeout_s) not in {int, float} or not 1 <= timeout_s <= _LONGEST_WAIT_S:
        raise RpcError(INVALID_PARAMS, f"timeoutSeconds is a number from 1 to {_LONGEST_WAIT_S}")
    path = f"/api/v1/jobs/{quote(identity, safe='')}"
    return Call("GET", f"{path}/stream"), Call("GET", path), timeout_s


def described(arguments: Mapping[str, Any], document: Mapping[str, Any]) -> Schema:
    """Return the schema of a field of a spec; raises `RpcError` when there is none such."""
    check_arguments(arguments, {"field"})
    fields: Mapping[str, Schema] = document["components"]["schemas"]["NewSpec"]["properties"]
    if (schema := fields.get(str(arguments.get("field")))) is None:
        raise RpcError(INVALID_PARAMS, f"field is one of {', '.join(fields)}")
    return schema


def _listed(tool: Tool, document: Mapping[str, Any]) -> Schema:
    operation = document["paths"][tool.path][tool.method]
    body = _body(operation, document)
    properties = dict(_arguments(tool, operation, document))
    properties |= {name: _plain(schema, document) for name, schema in body.get("properties", {}).items()}
    parameters = [each["name"] for each in _parameters(tool, operation) if each.get("required")]
    return {
        "name": tool.name,
        "title": operation["summary"],
        "description": operation["description"] + _examples(operation),
        "inputSchema": {
            "type": "object",
            "properties": properties,
            "required": [*parameters, *body.get("required", ())],
            "additionalProperties": False,
        },
        "annotations": _OPTIONS if tool.reads else {**_OPTIONS, "readOnlyHint": False, "destructiveHint": True},
    }


def _arguments(tool: Tool, operation: Schema, document: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    for each in _parameters(tool, operation):
        yield _argument(each), _plain(each["schema"], document)


def _argument(parameter: Schema) -> str:
    name: str = parameter["name"]
    return _NAMES.get(name, name)


def _parameters(tool: Tool, operation: Schema) -> list[Schema]:
    shown = [each for each in operation.get("parameters", ()) if each["in"] != "header" or each["name"] in _NAMES]
    return [each for each in shown if each["name"] not in tool.hidden]


def _body(operation: Schema, document: Mapping[str, Any]) -> Schema:
    content = operation.get("requestBody", {}).get("content", {})
    return _found(content["application/json"]["schema"], document) if content else {}


def _found(schema: Schema, document: Mapping[str, Any]) -> Schema:
    """Return what a reference leads to, with what is said beside it."""
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rpartition("/")[2]
    found: Schema = document["components"]["schemas"][name]
    return found | {key: value for key, value in schema.items() if key != "$ref"}


def _plain(schema: Schema, document: Mapping[str, Any]) -> Schema:
    """Return a schema without references, null and titles; of a spec, which is long, the fields by their names."""
    if schema.get("$ref") == _SPEC:
        fields = ", ".join(document["components"]["schemas"]["NewSpec"]["properties"])
        words = f"{schema['description']} Its fields: {fields}. {DESCRIBE['name']} says what each may have."
        return {"type": "object", "description": words}
    schema = _found(schema, document)
    for each in schema.get("anyOf", ()):
        if each.get("type") != "null":
            schema = {**_plain(each, document), **schema}
    plain = {key: value for key, value in schema.items() if key not in {"title", "anyOf", "x-enum-varnames"}}
    if isinstance(plain.get("items"), dict):
        plain["items"] = _plain(plain["items"], document)
    return {key: value for key, value in plain.items() if key != "default" or value is not None}


def _examples(operation: Schema) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return "".join(f"\n\nFor example: {json.dumps(each['value'])}" for each in content.get("examples", {}).values())


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
