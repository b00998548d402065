"""What is checked before anything is rendered: the same as the operator checks at acceptance."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_cli.volumes import local_pool
from videojob_contract.defaults import resolve
from videojob_contract.errors import Reason
from videojob_contract.problems import Problem, SpecError
from videojob_contract.resources.base import POOL_NAME_PATTERN
from videojob_contract.resources.encoding import Hardware
from videojob_contract.support import unsupported, unsupported_pool
from videojob_contract.templates import DEFAULT_NAMESPACE
from videojob_contract.validation import parse_renderpool, parse_videojob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_cli.files import Document
    from videojob_contract.resources.renderpool import RenderPoolSpec
    from videojob_contract.resources.videojob import VideoJobSpec
    from videojob_contract.templates import Scalar

# A DNS subdomain, as the API server demands; it is also a folder's name here.
_NAME = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"


@dataclass(frozen=True)
class Checked:
    """A VideoJob that can be rendered."""

    spec: VideoJobSpec
    """With every default filled in."""
    name: str
    namespace: str
    pool: RenderPoolSpec
    """The pool that stands for this machine."""


def check_document(
    document: Document,
    parameters: Mapping[str, Scalar] | None = None,
    *,
    allow_private_networks: bool = False,
    hardware: str = Hardware.NONE,
) -> Checked:
    """Check a document, and fill in its defaults.

    Args:
        document: a VideoJob.
        parameters: values for its templates, before its own.
        allow_private_networks: as a pool would have it.
        hardware: the same; a name of `Hardware`.

    Raises:
        SpecError: with all problems of the first kind that there are: templates, structure, meaning, support, defaults.
    """
    job = parse_videojob(document.resource, parameters)
    _check_name(document, _NAME)
    namespace = str(job.metadata.get("namespace") or DEFAULT_NAMESPACE)
    problems = unsupported(job.spec)
    if problems:
        raise SpecError(problems, Reason.NOT_SUPPORTED)
    pool = local_pool(job.spec, allow_private_networks=allow_private_networks, hardware=hardware)
    spec = resolve(job.spec, pool, namespace=namespace, name=document.name)
    return Checked(spec, document.name, namespace, pool)


def check_pool(document: Document) -> None:
    """Check a document that is a RenderPool.

    Raises:
        SpecError: with all problems of the first kind that there are: structure, name, support.
    """
    spec = parse_renderpool(document.resource).spec
    _check_name(document, POOL_NAME_PATTERN)
    problems = unsupported_pool(spec)
    if problems:
        raise SpecError(problems, Reason.NOT_SUPPORTED)


def _check_name(document: Document, pattern: str) -> None:
    if not document.name:
        raise SpecError([Problem("metadata.name", "is required")])
    if not re.fullmatch(pattern, document.name):
        raise SpecError([Problem("metadata.name", f'"{document.name}" is not a name for a {document.kind}')])
