"""The policy that binds a VideoJob's user to who makes it, as the API server applies it."""

import time
from typing import Any

import pytest
import yaml

from tests.chart.helm import render
from tests.chart.test_roles import bind, rules
from tests.integration.apiserver import ApiServer
from tests.unit.contract.examples import videojob

KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
PORTAL = "system:serviceaccount:portal:backend"
TIERS = {"pro": {"groups": ["video-pro"]}}


@pytest.fixture
def bound(apiserver: ApiServer, namespace: str) -> Any:
    """The namespace in which the policy holds, and two users who may make VideoJobs there."""
    values = {
        "watchNamespaces": [namespace],
        "pools": {"default": None},
        "admissionPolicy": {"enabled": True, "exempt": {"users": [PORTAL], "groups": ["admins"]}, "tiers": TIERS},
    }
    policies = [each for kind in KINDS for each in render(values).kinds(kind)]
    for each in policies:
        each["metadata"]["name"] += f"-{namespace}"
        if "policyName" in each["spec"]:
            each["spec"]["policyName"] += f"-{namespace}"
    for user in ("ann", "bob@example.org", PORTAL, "root"):
        name = f"{namespace}-{''.join(filter(str.isalnum, user))}"
        bind(apiserver, namespace, name, user, rules("edit"))
    apiserver.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(policies))
    deadline = time.monotonic() + 30
    while "ann" not in make(apiserver, namespace, "ann", videojob(user="nobody"), "--dry-run=server"):
        assert time.monotonic() < deadline, "the policy does not come into force"
        time.sleep(0.2)
    yield namespace
    apiserver.kubectl("delete", "-f", "-", stdin=yaml.safe_dump_all(policies))


def make(apiserver: ApiServer, namespace: str, who: str, body: Any, *options: str) -> str:
    """Make something as a user; return what the server has against it."""
    arguments = ("create", "--namespace", namespace, "-f", "-", "--as", who, *options)
    done = apiserver.kubectl(*arguments, stdin=body, check=False)
    return "" if done.returncode == 0 else done.stderr


def schedule(**spec: Any) -> dict[str, Any]:
    template = {"spec": videojob(**spec)["spec"]}
    return {
        "apiVersion": "videojob.dev/v1alpha1",
        "kind": "VideoSchedule",
        "metadata": {"name": "daily"},
        "spec": {"schedule": "@daily", "template": template},
    }


def test_a_videojob_is_of_who_makes_it(apiserver: ApiServer, bound: str) -> None:
    dry = "--dry-run=server"
    assert make(apiserver, bound, "ann", videojob(user="ann"), dry) == ""
    assert make(apiserver, bound, "bob@example.org", videojob(user="bob@example.org"), dry) == ""
    said = make(apiserver, bound, "ann", videojob(user="bob@example.org"), dry)
    assert 'spec.user must be "ann", as whom you are logged in' in said
    assert "spec.user must be" in make(apiserver, bound, "ann", videojob(), dry)
    assert "spec.user must be" in make(apiserver, bound, "ann", videojob(user=None), dry)
    said = make(apiserver, bound, "ann", schedule(user="bob@example.org"), dry)
    assert "spec.template.spec.user must be" in said
    assert make(apiserver, bound, "ann", schedule(user="ann"), dry) == ""


def test_a_tier_is_for_its_groups(apiserver: ApiServer, bound: str) -> None:
    dry = "--dry-run=server"
    pro = videojob(user="ann", tier="pro")
    assert 'spec.tier "pro" is for others' in make(apiserver, bound, "ann", pro, dry)
    assert make(apiserver, bound, "ann", pro, dry, "--as-group=video-pro") == ""
    gold = videojob(user="ann", tier="gold")
    assert 'spec.tier "gold" is for others' in make(apiserver, bound, "ann", gold, dry, "--as-group=video-pro")


def test_some_may_say_any_user(apiserver: ApiServer, bound: str) -> None:
    dry = "--dry-run=server"
    operator = "system:serviceaccount:videojob:videojob-operator"
    bind(apiserver, bound, f"{bound}-operator", operator, rules("edit"))
    for who, *options in ((PORTAL,), (operator,), ("root", "--as-group=admins")):
        assert make(apiserver, bound, who, videojob(user="carol", tier="pro"), dry, *options) == ""


def test_who_may_change_what_others_made(apiserver: ApiServer, bound: str) -> None:
    assert make(apiserver, bound, "ann", videojob(user="ann")) == ""

    def patch(who: str, spec: str) -> str:
        arguments = ("patch", "vj", "job", "--namespace", bound, "--type=merge", "--as", who, "-p")
        done = apiserver.kubectl(*arguments, f'{{"spec": {spec}}}', check=False)
        return "" if done.returncode == 0 else done.stderr

    assert patch("bob@example.org", '{"priority": 3}') == ""
    assert "spec.user must be" in patch("ann", '{"user": "bob@example.org"}')
    assert "is for others" in patch("ann", '{"tier": "pro"}')
    assert patch("bob@example.org", '{"user": "bob@example.org"}') == ""  # it is theirs from now on
    assert patch("bob@example.org", '{"cancel": true}') == ""


def test_there_is_no_policy_unless_it_is_wanted() -> None:
    assert not any(render().kinds(kind) for kind in KINDS)
