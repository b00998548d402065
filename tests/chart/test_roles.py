"""What the cluster's own roles let people do with VideoJobs, as the API server decides it."""

import json
from typing import Any

import pytest
import yaml

from tests.chart.helm import render
from tests.integration.apiserver import ApiServer
from tests.unit.contract.examples import videojob

AGGREGATED = "rbac.authorization.k8s.io/aggregate-to-{role}"
OWN = ("videojobs", "videoschedules", "videotemplates")
ADMINISTRATORS = ("renderpools", "videohooks")
READ, WRITE = ("get", "list", "watch"), ("create", "update", "patch", "delete", "deletecollection")
ALLOWED = {
    "view": {(resource, verb) for resource in (*OWN, *ADMINISTRATORS) for verb in READ},
    "edit": {(resource, verb) for resource in OWN for verb in READ + WRITE}
    | {(resource, verb) for resource in ADMINISTRATORS for verb in READ},
}
ALLOWED["admin"] = ALLOWED["edit"]


def rules(role: str) -> list[dict[str, Any]]:
    """What the controller of aggregated roles, which does not run here, adds to a role."""
    roles = [each for each in render().kinds("ClusterRole") if "aggregationRule" not in each]
    chosen = [each for each in roles if each["metadata"]["labels"].get(AGGREGATED.format(role=role)) == "true"]
    assert chosen
    return [rule for each in chosen for rule in each["rules"]]


@pytest.mark.parametrize("role", ALLOWED)
def test_each_role_may_do_its_part_in_its_namespace_and_no_more(
    apiserver: ApiServer, namespace: str, role: str
) -> None:
    name, user = f"{namespace}-{role}", f"{role}-of-{namespace}"
    bind(apiserver, namespace, name, user, rules(role))
    asked = [
        (where, resource, part, verb)
        for where in (namespace, "default")
        for resource, part in (
            ("videojobs", ""),
            ("videoschedules", ""),
            ("videotemplates", ""),
            ("renderpools", ""),
            ("videohooks", ""),
            ("videojobs", "status"),
            ("renderpools", "status"),
            ("videoschedules", "status"),
        )
        for verb in READ + WRITE
    ]
    answers = review(apiserver, user, asked)
    allowed = {(resource, verb) for (where, resource, part, verb), yes in zip(asked, answers, strict=True) if yes}
    assert allowed == ALLOWED[role]
    assert not any(yes for (where, _, part, _), yes in zip(asked, answers, strict=True) if where == "default" or part)


def test_one_who_may_edit_makes_a_videojob_and_one_who_may_view_does_not(apiserver: ApiServer, namespace: str) -> None:
    for role in ("view", "edit"):
        bind(apiserver, namespace, f"{namespace}-{role}", role, rules(role))
    create = ("create", "--namespace", namespace, "-f", "-", "--as")
    refused = apiserver.kubectl(*create, "view", stdin=videojob(), check=False)
    assert 'User "view" cannot create resource "videojobs"' in refused.stderr
    apiserver.kubectl(*create, "edit", stdin=videojob())
    assert "job" in apiserver.kubectl("get", "vj", "--namespace", namespace, "--as", "view").stdout


def test_without_aggregation_there_is_the_operators_role_alone() -> None:
    roles = render({"rbac": {"aggregate": False}}).kinds("ClusterRole")
    assert [each["metadata"]["name"] for each in roles] == ["videojob-operator"]


def bind(apiserver: ApiServer, namespace: str, name: str, user: str, rules: list[dict[str, Any]]) -> None:
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    apiserver.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all([role, binding]))


def review(apiserver: ApiServer, user: str, asked: list[tuple[str, str, str, str]]) -> list[bool]:
    """Ask the API server what a user may do."""
    reviews = [
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user,
                "resourceAttributes": {
                    "group": "videojob.dev", "namespace": where, "verb": verb,
                    "resource": resource, "subresource": part,
                },
            },
        }
        for where, resource, part, verb in asked
    ]  # fmt: skip
    text = "\n---\n".join(json.dumps(each) for each in reviews)
    done = apiserver.kubectl("create", "-f", "-", "-o", 'jsonpath={.status.allowed}{"\\n"}', stdin=text)
    return [line == "true" for line in done.stdout.split()]
