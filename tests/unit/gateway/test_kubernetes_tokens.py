"""Callers by tokens of Kubernetes; who the API server says they are is tested on a real one."""

from typing import Any

import pytest

from videojob_client.access_reviews import TokenOwner
from videojob_gateway.auth import kubernetes_tokens
from videojob_gateway.auth.caller import Role
from videojob_gateway.auth.kubernetes_tokens import KubernetesTokens
from videojob_gateway.errors import NotAllowedError, UnauthenticatedError


class Reviews:
    """Knows `ana`, who may do as it is told."""

    def __init__(self, *verbs: str) -> None:
        self.verbs = verbs
        self.asked: list[str] = []

    async def owner_of(self, token: str, _: Any) -> TokenOwner | None:
        self.asked.append(token)
        return TokenOwner("ana", {"username": "ana"}) if token == "ana" else None  # noqa: S105

    async def allows(self, _: TokenOwner, verb: str, __: Any) -> bool:
        return verb in self.verbs


@pytest.mark.parametrize(
    ("verbs", "role"),
    [
        (("list",), Role.VIEWER),
        (("create",), Role.SUBMITTER),
        (("create", "list"), Role.SUBMITTER),
        (("delete",), Role.ADMIN),
        (("delete", "create", "list"), Role.ADMIN),
    ],
)
async def test_a_role_follows_from_the_most_that_somebody_may_do(verbs, role):
    assert (await KubernetesTokens(Reviews(*verbs)).caller_of("ana")).role is role


async def test_what_was_said_counts_for_a_while(monkeypatch):
    reviews = Reviews("get", "watch")
    tokens = KubernetesTokens(reviews)
    for _ in range(3):
        with pytest.raises(NotAllowedError):
            await tokens.caller_of("ana")
        with pytest.raises(UnauthenticatedError):
            await tokens.caller_of("ben")
    assert reviews.asked == ["ana", "ben"]
    monkeypatch.setattr(kubernetes_tokens, "UNKNOWN_S", 0.0)
    for _ in range(2):
        with pytest.raises(UnauthenticatedError):
            await tokens.caller_of("eve")
    assert reviews.asked == ["ana", "ben", "eve", "eve"]


async def test_an_error_that_is_told_again_is_a_new_one():
    tokens = KubernetesTokens(Reviews())
    errors = []
    for _ in range(2):
        with pytest.raises(NotAllowedError) as caught:
            await tokens.caller_of("ana")
        errors.append(caught.value)
    assert errors[0] is not errors[1]
