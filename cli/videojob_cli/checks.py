"""What is checked before anything is rendered: the same as the operator checks at acceptance."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_cli.volumes import inspect_sources, local_pool, without_attributes
from videojob_contract.defaults import resolve
from videojob_contract.problems import Problem, SpecError
from videojob_contract.resources.base import POOL_NAME_PATTERN
from videojob_contract.resources.encoding import Hardware
from videojob_contract.support import unsupported, unsupported_pool
from videojob_contract.template_refs import fix, name_of_template
from videojob_contract.templates import DEFAULT_NAMESPACE
from videojob_contract.validation import parse_renderpool, parse_videojob, parse_videoschedule, parse_videotemplate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from videojob_cli.files import Document
    from videojob_contract.resources.renderpool import RenderPool, RenderPoolSpec
    from videojob_contract.resources.status import FixedTemplate
    from videojob_contract.resources.videojob import VideoJob, VideoJobSpec
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
    warnings: tuple[Problem, ...] = ()
    """What is odd in sources that were looked into."""


def check_document(
    document: Document,
    parameters: Mapping[str, Scalar] | None = None,
    *,
    allow_private_networks: bool = False,
    hardware: str = Hardware.NONE,
    volumes: Mapping[str, Path] | None = None,
    templates: Mapping[str, Document] | None = None,
) -> Checked:
    """Check a document, and fill in its defaults.

    Args:
        document: a VideoJob.
        parameters: values for its templates, before its own.
        allow_private_networks: as a pool would have it.
        hardware: the same; a name of `Hardware`.
        templates: the VideoTemplates that there are, by name.
        volumes: folders in which every source of these volumes has to be a file that can be read.

    Raises:
        SpecError: with all problems that there are.
    """
    namespace = str(document.metadata.get("namespace") or DEFAULT_NAMESPACE)

    bad_name = list(_name_problems(document, _NAME))

    def look(job: VideoJob) -> tuple[list[Problem], Checked | None]:
        inspected = inspect_sources(job.spec, volumes or {})
        found = [*bad_name, *unsupported(job.spec), *inspected.problems]
        try:
            pool = local_pool(job.spec, allow_private_networks=allow_private_networks, hardware=hardware)
            # A bad name is told as that, and not once more of each output that would be called by it.
            spec = resolve(
                without_attributes(job.spec), pool, namespace=namespace, name="job" if bad_name else document.name
            )
        except SpecError as error:
            return [*found, *error.problems], None
        return found, Checked(spec, document.name, namespace, pool, inspected.warnings)

    videojob = parse_videojob(
        document.named_resource,
        parameters,
        template=_template_of(document, templates or {}),
        further=lambda job: look(job)[0],
    )
    problems, checked = look(videojob)
    if problems or checked is None:
        raise SpecError(problems)
    return checked


def check_pool(document: Document) -> None:
    """Check a document that is a RenderPool.

    Raises:
        SpecError: with all problems that there are.
    """

    def further(pool: RenderPool) -> list[Problem]:
        return [*_name_problems(document, POOL_NAME_PATTERN), *unsupported_pool(pool.spec)]

    problems = further(parse_renderpool(document.resource, further=further))
    if problems:
        raise SpecError(problems)


def check_template(document: Document) -> None:
    """Check a document that is a VideoTemplate; what it makes with its defaults, where it has all.

    Raises:
        SpecError: with all problems.
    """
    _check_maker(document, parse_videotemplate)


def _template_of(document: Document, templates: Mapping[str, Document]) -> FixedTemplate | None:
    """Return what a VideoJob's template has; None when it has none, or that is not there."""
    name = name_of_template(document.resource)
    if name is None or name not in templates:
        return None
    return fix(parse_videotemplate(templates[name].resource).to_dict())


def check_schedule(document: Document) -> None:
    """Check a document that is a VideoSchedule, and the VideoJobs that it would make.

    Raises:
        SpecError: with all problems.
    """
    _check_maker(document, parse_videoschedule)


def _check_maker(document: Document, parse: Callable[..., object]) -> None:
    """Check a document of a kind that makes VideoJobs, by its parser."""
    bad_name = list(_name_problems(document, _NAME))
    parse(document.resource, further=lambda job: unsupported(job.spec))
    if bad_name:
        raise SpecError(bad_name)


def _name_problems(document: Document, pattern: str) -> Iterator[Problem]:
    if not document.name:
        yield Problem("metadata.name", "is required")
    elif not re.fullmatch(pattern, document.name):
        field = "name" if document.metadata.get("name") else "generateName"
        yield Problem(f"metadata.{field}", f'"{document.metadata[field]}" is not a name for a {document.kind}')
