"""The samples are valid, and what they show is supported."""

from pathlib import Path

import pytest
import yaml

from hack import samples
from videojob_contract.defaults import resolve
from videojob_contract.resources import API_VERSION
from videojob_contract.resources.renderpool import RenderPool
from videojob_contract.support import unsupported, unsupported_pool
from videojob_contract.template_refs import fix
from videojob_contract.validation import parse_renderpool, parse_videojob, parse_videoschedule, parse_videotemplate

JOBS = [samples.manifest(name) for name in samples.VIDEOJOBS]


def sample_pool() -> RenderPool:
    return parse_renderpool(yaml.safe_load(samples.manifest("renderpool").read_text()))


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.stem)
def test_a_sample_job_can_be_rendered_in_the_sample_pool(path: Path) -> None:
    resource = yaml.safe_load(path.read_text())
    assert resource["apiVersion"] == API_VERSION
    job = parse_videojob(resource)
    assert job.metadata == {"name": path.stem}
    assert unsupported(job.spec) == []
    resolved = resolve(job.spec, sample_pool().spec, namespace="videojob", name=path.stem)
    assert all(output.uri for output in resolved.outputs or [])


def test_the_sample_pool_is_supported() -> None:
    assert unsupported_pool(sample_pool().spec) == []


def test_the_sample_template_makes_its_sample_job() -> None:
    template, asks = yaml.safe_load_all(samples.manifest("videotemplate").read_text())
    parse_videotemplate(template)
    assert unsupported(parse_videojob(asks, template=fix(template)).spec) == []


def test_the_sample_schedule_is_supported() -> None:
    resource = yaml.safe_load(samples.manifest("videoschedule").read_text())
    parse_videoschedule(resource, further=lambda job: unsupported(job.spec))  # raises what is not
