"""Reading resources: from what the API server or a file has to models, or to every problem at once.

The same checks run in the operator and at the command line. Those that need the pool are made where defaults
are filled in (`resources.defaults`), those of what the renderer cannot do yet in `support`.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from videojob_contract.problems import Problem, SpecError, from_validation
from videojob_contract.resources.base import MAX_VIDEOJOB_NAME, Model
from videojob_contract.resources.renderpool import RenderPool
from videojob_contract.resources.videojob import VideoJob
from videojob_contract.semantics import check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Problem", "SpecError", "parse_renderpool", "parse_videojob"]

_Resource = TypeVar("_Resource", bound=Model)


def parse_videojob(resource: Mapping[str, Any]) -> VideoJob:
    """Read a VideoJob.

    Its status is read when it can be: it is the operator's own, and what another version of the operator
    wrote there is no fault of the job's.

    Raises:
        SpecError: with all problems of structure, or if there are none, all problems of meaning.
    """
    job = _parse(VideoJob, resource)
    problems = [*_name(job), *check(job.spec)]
    if problems:
        raise SpecError(problems)
    return job


def parse_renderpool(resource: Mapping[str, Any]) -> RenderPool:
    """Read a RenderPool; its status as in `parse_videojob`.

    Raises:
        SpecError: with all problems.
    """
    return _parse(RenderPool, resource)


def _parse(model: type[_Resource], resource: Mapping[str, Any]) -> _Resource:
    document = dict(resource)
    status = document.pop("status", None)
    # By way of JSON, in which "strict" means what it means to the API server: "3" is no number, and every key is text.
    text = _to_json(document)
    try:
        parsed = model.model_validate_json(text, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        raise SpecError(from_validation(error, json.loads(text), model)) from error
    if not status:
        return parsed
    try:
        return model.model_validate_json(_to_json(document | {"status": status}))
    except ValidationError:
        return parsed


def _to_json(document: Mapping[str, Any]) -> str:
    try:
        return json.dumps(document, default=_jsonable)
    except (TypeError, ValueError, RecursionError) as error:
        # YAML has more than JSON: keys of any type, bytes, and anchors within themselves.
        raise SpecError([Problem("resource", f"cannot be written as JSON: {error}")]) from error


def _name(job: VideoJob) -> Iterator[Problem]:
    name = job.metadata.get("name", "")
    if not isinstance(name, str):
        yield Problem("metadata.name", f"should be a string, not {json.dumps(name)}")
    elif len(name) > MAX_VIDEOJOB_NAME:
        yield Problem("metadata.name", f"must have at most {MAX_VIDEOJOB_NAME} characters")


def _jsonable(value: object) -> str:
    """Write the times that YAML makes of unquoted text."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be part of a resource")
