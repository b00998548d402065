"""VideoHooks: what the sample says, and what is wrong with others, by field."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack import samples
from videojob_contract.problems import SpecError
from videojob_contract.support import unsupported
from videojob_contract.template_refs import fix
from videojob_contract.validation import parse_videohook, parse_videojob, parse_videotemplate

HMAC: dict[str, Any] = {"header": "X-Signature"}


def hook(verification: Any = None, **job: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "releases"},
        "spec": {
            "verification": verification or {"scheme": "GitHub", "secretKey": "releases"},
            "job": {"templateRef": {"name": "release"}, **job},
        },
    }


def hmac(**fields: Any) -> dict[str, Any]:
    return {"scheme": "HMAC", "secretKey": "a", "hmac": HMAC | fields}


def test_what_the_sample_makes_can_be_rendered() -> None:
    template, resource = yaml.safe_load_all(samples.manifest("videohook").read_text())
    parse_videotemplate(template)
    job = parse_videohook(resource).spec.job
    spec = {"templateRef": {"name": "release"}, "parameters": {each.name: "#c2410c" for each in job.parameters}}
    made = parse_videojob({"metadata": {"name": "made"}, "spec": spec}, template=fix(template))
    assert unsupported(made.spec) == []


def test_what_the_guide_shows_is_valid() -> None:
    page = (Path(__file__).parents[3] / "docs" / "hooks.md").read_text()
    whole, *verifications = [
        yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    ]
    parse_videohook(whole)
    for each in verifications:
        parse_videohook(hook(each["verification"]))
    assert len(verifications) == 2


def test_defaults_are_those_of_videojobs() -> None:
    spec = parse_videohook(hook()).spec
    assert (spec.job.pool, spec.job.queue, spec.job.user, spec.job.priority) == ("default", "default", None, 0)
    assert (spec.filters.headers, spec.filters.payload, spec.suspend) == ([], [], False)


@pytest.mark.parametrize(
    "signed",
    [
        parse_videohook(hook(hmac())).spec,
        parse_videohook(hook(hmac(timestampHeader="X-Time", signed="v0:{timestamp}:{body}", prefix="v0="))).spec,
    ],
)
def test_an_hmac_may_sign_a_timestamp(signed: Any) -> None:
    assert (signed.verification.hmac.timestamp_header is None) == (signed.verification.hmac.signed == "{body}")


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        (hook({"scheme": "GitHub", "secretKey": "a", "hmac": HMAC}), "spec.verification"),
        (hook({"scheme": "HMAC", "secretKey": "a"}), "spec.verification"),
        (hook({"scheme": "GitLab", "secretKey": "a"}), "spec.verification.scheme"),
        (hook({"scheme": "GitHub", "secretKey": "a/../b"}), "spec.verification.secretKey"),
        (hook({"scheme": "GitHub"}), "spec.verification.secretKey"),
        (hook(hmac(timestampHeader="X-Time")), "spec.verification.hmac"),
        (hook(hmac(signed="{timestamp}.{body}")), "spec.verification.hmac"),
        (hook(hmac(signed="{body}.{body}")), "spec.verification.hmac.signed"),
        (hook(hmac(signed="always")), "spec.verification.hmac.signed"),
        (hook(hmac(header="X Signature")), "spec.verification.hmac.header"),
        (hook(hmac(encoding="base32")), "spec.verification.hmac.encoding"),
        (hook(parameters=[{"name": "a"}]), "spec.job.parameters[0]"),
        (hook(parameters=[{"name": "a", "path": "$..a"}]), "spec.job.parameters[0].path"),
        (hook(parameters=[{"name": "a", "path": "$.a[?@.b]"}]), "spec.job.parameters[0].path"),
        (hook(parameters=[{"name": "a", "path": "a"}]), "spec.job.parameters[0].path"),
        (hook(labels={"videojob.dev/hook": "a"}), "spec.job.labels.videojob.dev/hook"),
        (hook(labels={"a": "b c"}), "spec.job.labels.a"),
        (hook(user="a b"), "spec.job.user"),
        (hook(clips=[]), "spec.job.clips"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(resource: dict[str, Any], path: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_videohook(resource)
    assert path in [problem.path.removesuffix(".[key]") for problem in caught.value.problems], caught.value.problems
