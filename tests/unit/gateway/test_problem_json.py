"""Errors as answers."""

import json

import pytest
from starlette.exceptions import HTTPException

from videojob_client.errors import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    Problem,
    UnauthorizedError,
    UnavailableError,
    UnreadableError,
)
from videojob_contract.problems import SpecError
from videojob_gateway import errors
from videojob_gateway.problem_json import of_error

PROBLEMS = (Problem("spec.clips[0].duration", "is required"),)


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (errors.NoSuchJobError("none"), 404, "NotFound"),
        (errors.InvalidRequestError(PROBLEMS), 422, "Invalid"),
        (SpecError(PROBLEMS), 422, "Invalid"),
        (InvalidError("POST /x: 422 it is wrong", problems=PROBLEMS), 422, "Invalid"),
        (NotFoundError("x"), 404, "NotFound"),
        (AlreadyExistsError("x"), 409, "AlreadyExists"),
        (ConflictError("x"), 409, "Conflict"),
        (UnavailableError("GET /secret", retry_after_s=2.2), 503, "Unavailable"),
        (ForbiddenError("GET /secret"), 502, "Refused"),
        (UnauthorizedError("GET /secret"), 502, "Refused"),
        (UnreadableError(PROBLEMS), 502, "Refused"),
        (HTTPException(405), 405, "MethodNotAllowed"),
        (RuntimeError("secret"), 500, "InternalError"),
    ],
)
def test_each_error_is_a_problem(error, status, reason):
    answer = of_error(error)
    body = json.loads(answer.body)
    assert (answer.status_code, body["status"], body["reason"]) == (status, status, reason)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.body.decode()
    if status == 422:
        assert body["errors"] == [{"path": "spec.clips[0].duration", "message": "is required"}]


def test_a_wait_is_told():
    assert of_error(UnavailableError("x", retry_after_s=2.2)).headers["retry-after"] == "3"
    assert of_error(errors.NotReadyError()).headers["retry-after"] == "1"


def test_every_error_says_its_status_and_its_word():
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.GatewayError)]
    assert all(400 <= kind.status < 600 and kind.reason.isalpha() for kind in kinds if kind is not errors.GatewayError)
