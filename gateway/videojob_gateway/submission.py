"""What is asked for, as a VideoJob: its name, whose it is, and how a request that is sent again is told. Pure.

Nothing is kept of an `Idempotency-Key` but in the VideoJob itself: without a name of its own it is named for the key,
so that the API server lets one of two be made, and an annotation says of which key and body it was made.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from videojob_contract.labels import ANNOTATION_SUBMISSION, GROUP
from videojob_contract.problems import Problem, did_you_mean
from videojob_contract.resources.base import MAX_VIDEOJOB_NAME, NAME_PATTERN
from videojob_gateway.auth.caller import Role
from videojob_gateway.errors import (
    BadRequestError,
    InvalidRequestError,
    KeyReusedError,
    NameInUseError,
    NotAllowedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from videojob_gateway.auth.caller import Caller

FIELDS: Final = ("name", "labels", "spec")
MAX_LABELS: Final = 32
_PREFIX: Final = "job-"
_KEY: Final = re.compile(r"[!-~]{1,255}")
_LABEL_NAME: Final = re.compile(
    r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
_LABEL_VALUE: Final = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


@dataclass(frozen=True, slots=True)
class Submission:
    """A VideoJob that is asked for."""

    name: str
    """Ends in `-` where the API server is to make it unique."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    spec: Mapping[str, Any]

    @property
    def manifest(self) -> dict[str, Any]:
        """As it is checked."""
        return {"metadata": {"name": self.name.rstrip("-")}, "spec": self.spec}


def read_submission(document: Mapping[str, Any], caller: Caller, key: str | None) -> Submission:
    """Return the VideoJob that a body asks for, as its caller's.

    Raises:
        InvalidRequestError: with all that is wrong beside the spec.
        NotAllowedError: it is to be another's, or of a tier that is not the caller's.
        BadRequestError: the key is none.
    """
    problems = list(_problems(document))
    if problems:
        raise InvalidRequestError(problems)
    spec = _owned(document["spec"], caller)
    name = document.get("name", _PREFIX)
    annotations = {}
    if key is not None:
        of_key = short_digest(caller.user, _key(key))
        annotations[ANNOTATION_SUBMISSION] = f"{of_key}.{short_digest(json.dumps(document, sort_keys=True))}"
        name = document.get("name", f"{_PREFIX}{of_key}")
    return Submission(name, document.get("labels") or {}, annotations, spec)


def check_same(submission: Submission, there: Mapping[str, Any]) -> None:
    """Make sure that a VideoJob of the same name is the one that was asked for before, by the same request.

    Raises:
        NameInUseError: it is not.
        KeyReusedError: its key is the same, and its body is not.
    """
    ours = submission.annotations.get(ANNOTATION_SUBMISSION, "")
    theirs = (there["metadata"].get("annotations") or {}).get(ANNOTATION_SUBMISSION, "")
    if ours and ours == theirs:
        return
    if ours and ours.partition(".")[0] == theirs.partition(".")[0]:
        raise KeyReusedError("this Idempotency-Key was sent before, with another body")
    raise NameInUseError("there is a VideoJob of this name")


def _owned(given: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """Return a spec with its caller's user and tier; admins may say others'."""
    spec = dict(given)
    for field, own in (("user", caller.user or None), ("tier", caller.tier)):
        if spec.get(field) is None:
            spec.pop(field, None)
            if own is not None:
                spec[field] = own
        elif spec[field] != own and caller.role is not Role.ADMIN:
            raise NotAllowedError(f"spec.{field} is not yours to say: it follows from who you are")
    return spec


def _problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    for name in document:
        if name not in FIELDS:
            yield Problem(name, f"is not a field here{did_you_mean(name, FIELDS)}")
    if not isinstance(document.get("spec"), dict):
        yield Problem("spec", "should be an object" if "spec" in document else "is required")
    name = document.get("name", "a")
    if not isinstance(name, str) or len(name) > MAX_VIDEOJOB_NAME or not re.fullmatch(NAME_PATTERN, name):
        yield Problem("name", f"should be at most {MAX_VIDEOJOB_NAME} lower case letters, digits and -")
    labels = document.get("labels") or {}
    if not isinstance(labels, dict) or len(labels) > MAX_LABELS:
        yield Problem("labels", f"should be an object of at most {MAX_LABELS} labels")
        return
    for label, value in labels.items():
        if not _LABEL_NAME.fullmatch(label) or label.partition("/")[0].endswith(GROUP):
            yield Problem(f"labels.{label}", "cannot be the name of a label of yours")
        elif not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
            yield Problem(f"labels.{label}", "should be at most 63 letters, digits, -, _ and .")


def _key(header: str) -> str:
    """Return an Idempotency-Key, with or without the quotes of a structured field."""
    key = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not _KEY.fullmatch(key):
        raise BadRequestError("Idempotency-Key should be 1 to 255 printable characters of ASCII without spaces")
    return key


def short_digest(*parts: str | bytes) -> str:
    """Return 100 bits of a digest, as what a name can have."""
    digest = hashlib.sha256(b"\0".join(part if isinstance(part, bytes) else part.encode() for part in parts)).digest()
    return base64.b32encode(digest).decode().lower()[:20]
