"""What the API server knows of those who call others: who a token is of, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from videojob_contract.api_paths import SUBJECTACCESSREVIEWS, TOKENREVIEWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from videojob_client.transport import Object, Transport
    from videojob_contract.api_paths import Resource


@dataclass(frozen=True, slots=True)
class TokenOwner:
    """Who a token is of, as Kubernetes knows them."""

    name: str
    """Such as `ana@example.org`, or `system:serviceaccount:films:portal`."""
    user: Mapping[str, Any]
    """All that is known of them: groups, UID and more."""


class AccessReviews:
    """Questions to the API server about others; asking needs the ClusterRole `system:auth-delegator`."""

    def __init__(self, transport: Transport, namespace: str) -> None:
        self._transport = transport
        self._namespace = namespace

    async def owner_of(self, token: str, audiences: Sequence[str] = ()) -> TokenOwner | None:
        """Return who a token is of, and for one of these audiences; None when it is nobody's, or not any more.

        Args:
            token: a bearer token.
            audiences: it must be for one of them. Default: for the API server itself.

        Example:
            >>> await client.access_reviews.owner_of("a token of nobody") is None
            True
        """
        spec: Object = {"token": token, "audiences": list(audiences)}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
        status = (await self._transport.write("POST", TOKENREVIEWS.url(None), body)).get("status") or {}
        # A server that knows no audiences says none, and may have taken a token that is for others.
        if not status.get("authenticated") or (audiences and not set(audiences) & set(status.get("audiences") or ())):
            return None
        return TokenOwner(status["user"]["username"], status["user"])

    async def allows(self, owner: TokenOwner, verb: str, resource: Resource) -> bool:
        """Tell whether someone may do something to every object of a kind in the client's namespace."""
        attributes = {
            "namespace": self._namespace,
            "verb": verb,
            "group": resource.group,
            "version": resource.version,
            "resource": resource.plural,
        }
        spec: Object = {"resourceAttributes": attributes, "user": owner.name}
        spec |= {name: owner.user[name] for name in ("groups", "uid", "extra") if owner.user.get(name)}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        status = (await self._transport.write("POST", SUBJECTACCESSREVIEWS.url(None), body)).get("status") or {}
        return status.get("allowed") is True
